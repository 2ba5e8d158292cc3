"""`mdhr-train crossval`: train and score all folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mdhr_runtime.console import Command, share_cores, spoken_warnings

from .checks import require_libraries
from .run_options import configure, run_options


@click.command(cls=Command)
@run_options("data.fold")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="crossval",
    show_default=True,
    help="Folder; gets a run per fold, and summary.json.",
)
@click.pass_context
def crossval(context: click.Context, out: Path, **_settings: Any) -> None:
    """Train and score all three folds of a prepared dataset, and write the table.

    Finished folds are not trained again, and one that was killed goes on: give the same command again.
    """
    share_cores()
    require_libraries()
    from ..training.crossval import cross_validate
    from ..training.distributed import process_group
    from ..training.summary import f1_table

    config = configure(context)
    if config.data.root is None:
        raise click.UsageError("Say what to learn from: --data.")
    with process_group(config.compute.device) as group, spoken_warnings():
        summary = cross_validate(config, out, group)
    if group.leads:
        folds = {f"fold {number}": scores for number, scores in summary["per_fold"].items()}
        columns = {**folds, "mean": summary, "whole recordings": summary["stream"]}
        click.echo(f1_table(list(summary["f1"]), columns))
        click.echo(f"\n{out / 'summary.json'}: mean F1 {summary['mean_f1']:.3f} over {len(folds)} folds")
