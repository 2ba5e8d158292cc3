"""`mdhr-train crossval`: train and score all folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mdhr_runtime.cli.console import Command

from ..metrics import F1Scores
from ..model.variants import SUITES
from ..training.run_files import SUMMARY, CrossValidationSummary
from .options import overwrite_option, require_libraries
from .run_options import configure, run_options


@click.command(cls=Command)
@run_options("data.fold")
@click.option(
    "--suite",
    type=click.Choice(list(SUITES)),
    help="Cross-validate every network of one of the paper's ablations instead, and print them beside its figures. "
    "parts: the full network, and without each part.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="crossval",
    show_default=True,
    help="Folder; gets a run per fold, and summary.json.",
)
@overwrite_option
@click.pass_context
def crossval(context: click.Context, /, out: Path, suite: str | None, overwrite: bool, **_settings: Any) -> None:
    """Train and score all three folds of a prepared dataset, and write the table.

    Finished folds are not trained again, and one that was killed goes on: give the same command again.
    """
    require_libraries()
    from ..training.crossval import cross_validate, run_suite, suite_table
    from ..training.distributed import process_group

    config = configure(context)
    if config.data.root is None:
        raise click.UsageError("Say what to learn from: --data.")
    with process_group(config.compute.device) as group:
        if suite:
            text = f"{suite_table(run_suite(suite, config, out, group, overwrite))}\n\n{out / SUMMARY}"
        else:
            text = _result(cross_validate(config, out, group, overwrite), out)
    if group.leads:
        click.echo(text)


def _result(summary: CrossValidationSummary, out: Path) -> str:
    from ..training.logging import f1_table, mean_text

    folds = {f"fold {number}": scores for number, scores in summary["per_fold"].items()}
    columns: dict[str, F1Scores] = {**folds, "mean": summary, "whole recordings": summary["stream"]}
    mean = f"{out / SUMMARY}: {mean_text(summary)} over {len(folds)} folds"
    return f"{f1_table(list(summary['f1']), columns)}\n\n{mean}"
