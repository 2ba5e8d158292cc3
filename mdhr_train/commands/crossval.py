"""`mdhr-train crossval`: train and score all folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mdhr_runtime.cli.console import Command

from ..threads import share_cores
from .checks import require_libraries
from .run_options import configure, run_options

SUITES = ("table3", "table4", "table5", "parts")  # of a module that imports torch; a test holds them equal


@click.command(cls=Command)
@run_options("data.fold")
@click.option(
    "--suite",
    type=click.Choice(SUITES),
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
@click.pass_context
def crossval(context: click.Context, out: Path, suite: str | None, **_settings: Any) -> None:
    """Train and score all three folds of a prepared dataset, and write the table.

    Finished folds are not trained again, and one that was killed goes on: give the same command again.
    """
    share_cores()
    require_libraries()
    from ..training.crossval import cross_validate
    from ..training.distributed import process_group
    from ..training.suite import run_suite, suite_table
    from ..training.summary import f1_table

    config = configure(context)
    if config.data.root is None:
        raise click.UsageError("Say what to learn from: --data.")
    with process_group(config.compute.device) as group:
        summary = run_suite(suite, config, out, group) if suite else cross_validate(config, out, group)
    if group.leads and suite:
        click.echo(f"{suite_table(summary)}\n\n{out / 'summary.json'}")
    elif group.leads:
        folds = {f"fold {number}": scores for number, scores in summary["per_fold"].items()}
        columns = {**folds, "mean": summary, "whole recordings": summary["stream"]}
        click.echo(f1_table(list(summary["f1"]), columns))
        click.echo(f"\n{out / 'summary.json'}: mean F1 {summary['mean_f1']:.3f} over {len(folds)} folds")
