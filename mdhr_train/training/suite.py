"""A suite: a cross-validation per network of one of the paper's ablations, and the table of all."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from mdhr_runtime.cli.console import table

from ..model.variants import SuiteRow, rows
from .config import RunConfig
from .crossval import cross_validate
from .distributed import Group
from .run_files import SCHEMA, SUMMARY, write_summary


def run_suite(suite: str, config: RunConfig, folder: Path, group: Group) -> dict[str, Any]:
    """Cross-validate every network of a suite; what is finished is not trained again.

    Args:
        suite: Its name, a key of `mdhr_train.model.variants.SUITES`.
        config: The runs'; the row's choices replace those of its network.
        folder: Gets a folder per row, and summary.json.
        group: The processes that train together.

    Returns:
        The summary: per row its label, its folder, its mean F1 and the paper's, in per cent as there.

    Raises:
        MdhrError: As `cross_validate` does, or there is no such suite.
    """
    table_rows = []
    for row in rows(suite):
        name = folder_name(row)
        of_row = replace(config, model={**config.model, **row.overrides})
        found = cross_validate(of_row, folder / name, group)
        scores = {"mean_f1": found["mean_f1"], "stream_mean_f1": found["stream"]["mean_f1"]}
        table_rows.append({"label": row.label, "folder": name, **scores, "paper": row.paper})
    summary = {"schema": SCHEMA, "suite": suite, "dataset": config.data.dataset, "rows": table_rows}
    if group.leads:
        write_summary(folder / SUMMARY, summary)
    group.wait()
    return summary


def folder_name(row: SuiteRow) -> str:
    """A row's label as the name of a folder: "MFD + AFE" becomes "mfd-afe"."""
    return re.sub(r"[^a-z0-9]+", "-", row.label.lower())


def suite_table(summary: dict[str, Any]) -> str:
    """The table of a suite, beside the paper's figures; F1 in per cent."""
    return table(
        (summary["suite"], "F1", "whole recordings", "paper: ResNet-50, BP4D"),
        [
            (
                row["label"],
                f"{100 * row['mean_f1']:.1f}",
                f"{100 * row['stream_mean_f1']:.1f}",
                "–" if row["paper"] is None else f"{row['paper']:.1f}",
            )
            for row in summary["rows"]
        ],
    )
