"""Cross-validation: a run per fold, and the mean over them. A suite: one per network of an ablation of the paper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np

from mdhr_runtime.cli.console import table
from mdhr_runtime.errors import CheckpointError, ConfigError

from ..datasets import dataset_in
from ..metrics import OUTCOMES, ScoreSummary, f1_intervals
from ..model.variants import SuiteRow, inferred_note, rows
from .config import RunConfig, differences, read_config
from .distributed import Group
from .loop import fit_fold
from .run_files import (
    CONFIG,
    LAST,
    SCHEMA,
    SUMMARY,
    CrossValidationSummary,
    FoldScores,
    RunSummary,
    SuiteRowSummary,
    SuiteSummary,
    read_summary,
    write_summary,
)
from .run_folder import claim_folds


def cross_validate(config: RunConfig, folder: Path, group: Group, overwrite: bool = False) -> CrossValidationSummary:
    """Train and score every fold; finished ones are not trained again, and one that was killed goes on.

    Args:
        config: The runs'; its fold is not used.
        folder: Gets `fold1`, `fold2`, `fold3` and summary.json; nobody else's meanwhile.
        group: The processes that train together.
        overwrite: Whether to begin anew.

    Returns:
        The summary: mean F1, F1 per AU and AUC over the folds in the paper's protocol, the folds' counts, and the same
        of whole recordings under `stream`.

    Raises:
        MdhrError: As `Trainer.train` does; or a finished fold belongs to another configuration.
    """
    with claim_folds(folder, config, group):
        return _cross_validate(config, folder, group, overwrite)


def _cross_validate(config: RunConfig, folder: Path, group: Group, overwrite: bool) -> CrossValidationSummary:
    runs: dict[int, RunSummary] = {}
    folds = dataset_in(Path(config.data.root or ""), config.data.dataset).folds
    of_folds = {fold: replace(config, data=replace(config.data, fold=fold)) for fold in folds}
    for fold, of_fold in of_folds.items():
        if overwrite or not (folder / f"fold{fold}" / LAST).exists():
            _require_start(of_fold)  # of the last fold, too, before the first is trained
    for fold, of_fold in of_folds.items():
        run = folder / f"fold{fold}"
        if (run / SUMMARY).is_file() and not overwrite:
            _require_same(run, of_fold)
            runs[fold] = read_summary(run / SUMMARY)
        else:
            runs[fold] = fit_fold(of_fold, run, group, not overwrite, overwrite)
    first = next(iter(runs.values()))
    clips = {fold: run["best"]["clips"] for fold, run in runs.items()}
    streams = {fold: run["best"]["stream"] for fold, run in runs.items()}
    summary: CrossValidationSummary = {
        "schema": SCHEMA,
        "dataset": first["dataset"],
        "folds": list(runs),
        **mean_over_folds(clips, first["aus"]),
        "stream": mean_over_folds({fold: scores for fold, scores in streams.items() if scores}, first["aus"]),
    }
    if group.leads:
        write_summary(folder / SUMMARY, summary)
    group.wait()
    return summary


def mean_over_folds(folds: Mapping[int, ScoreSummary], aus: Sequence[str]) -> FoldScores:
    """Means over folds of the mean F1, the F1 per AU and the AUC, and the scores of the folds.

    Where every fold says what it is made of by subject, intervals of F1 follow from it. There are none of the AUC:
    that would take all scores of all subjects.
    """
    parts = list(folds.values())
    means: FoldScores = {
        "mean_f1": fmean(part["mean_f1"] for part in parts),
        "f1": {name: fmean(part["f1"][name] for part in parts) for name in aus},
        "per_fold": {str(number): part for number, part in folds.items()},
    }
    if all("subjects" in part for part in parts):
        counts = [np.array([[of[each] for each in OUTCOMES] for of in part["subjects"].values()]) for part in parts]
        means["mean_auc"] = _mean([part["mean_auc"] for part in parts])
        means["auc"] = {name: _mean([part["auc"][name] for part in parts]) for name in aus}
        means["intervals"] = f1_intervals(counts, aus)
    return means


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of those that there are."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def run_suite(suite: str, config: RunConfig, folder: Path, group: Group, overwrite: bool = False) -> SuiteSummary:
    """Cross-validate every network of a suite; what is finished is not trained again.

    Args:
        suite: Its name, a key of `mdhr_train.model.variants.SUITES`.
        config: The runs'; the row's choices replace those of its network.
        folder: Gets a folder per row, and summary.json; nobody else's meanwhile.
        group: The processes that train together.
        overwrite: Whether to begin anew.

    Returns:
        The summary: per row its label, its folder, its mean F1 and the paper's, in per cent as there.

    Raises:
        MdhrError: As `cross_validate` does, or there is no such suite.
    """
    chosen = rows(suite)
    with claim_folds(folder, config, group):
        return _run_suite(suite, chosen, config, folder, group, overwrite)


def _run_suite(
    suite: str, chosen: Sequence[SuiteRow], config: RunConfig, folder: Path, group: Group, overwrite: bool
) -> SuiteSummary:
    table_rows: list[SuiteRowSummary] = []
    for row in chosen:
        name = folder_name(row)
        of_row = replace(config, model={**config.model, **row.overrides})
        found = cross_validate(of_row, folder / name, group, overwrite)
        table_rows.append(
            {
                "label": row.label,
                "folder": name,
                "mean_f1": found["mean_f1"],
                "stream_mean_f1": found["stream"]["mean_f1"],
                "paper": row.paper,
            }
        )
    summary: SuiteSummary = {"schema": SCHEMA, "suite": suite, "dataset": config.data.dataset, "rows": table_rows}
    if group.leads:
        write_summary(folder / SUMMARY, summary)
    group.wait()
    return summary


def folder_name(row: SuiteRow) -> str:
    """A row's label as the name of a folder: "MFD + AFE" becomes "mfd-afe"."""
    return re.sub(r"[^a-z0-9]+", "-", row.label.lower())


def suite_table(summary: SuiteSummary) -> str:
    """The table of a suite, beside the paper's figures, and which of them are inferred; F1 in per cent."""
    text = table(
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
    note = inferred_note(summary["suite"])
    return f"{text}\n\n{note}" if note else text


def _require_start(config: RunConfig) -> None:
    """Refuse a run whose checkpoint to start from is missing."""
    path = config.init_file
    if path is not None and not path.is_file():
        raise ConfigError(
            f"Fold {config.data.fold} cannot start from {path}.",
            "There is no such file.",
            "Check --init: in it {fold} stands for the number of the fold.",
        )


def _require_same(run: Path, config: RunConfig) -> None:
    """Refuse to take a finished fold for one of another configuration."""
    found = differences(read_config(run / CONFIG), config.to_dict())
    different = [line for line in found if not line.startswith(("compute.", "data.root"))]
    if different:
        raise CheckpointError(
            f"{run} is a finished run of another configuration.",
            f"What differs is {'; '.join(different[:5])}.",
            "Give the options of that run, or another --out.",
        )
