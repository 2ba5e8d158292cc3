"""`mdhr-train report`: one HTML file that shows a run."""

from __future__ import annotations

from pathlib import Path

import click

from mdhr_runtime.cli.console import Command

from ..training.run_files import REPORT
from .options import claim_file, overwrite_option, require_libraries


@click.command("report", cls=Command)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="ROOT",
    help="Folder of the prepared dataset, if it no longer lies where the run found it.",
)
@click.option("--out", type=click.Path(path_type=Path), help="HTML file to write.  [default: RUN/report.html]")
@overwrite_option
def report(run: Path, data: Path | None, out: Path | None, overwrite: bool) -> None:
    """Show a finished run, cross-validation or suite (RUN) as one HTML file that needs nothing beside itself.

    It holds F1 per action unit beside the paper's, confusion counts, training curves, the adaptive weights of the
    scales over faces of the test part, and the edges between action units; of a suite, F1 per network and action unit.
    """
    require_libraries()
    from ..report import is_report, write_report
    from ..report.runs import TrainedSuite, inputs_of, read

    source = read(run)
    if data is not None and isinstance(source, TrainedSuite):
        raise click.UsageError(f"{run} is a suite, and its report needs no data: leave out --data.")
    out = out or run / REPORT
    claim_file(out, is_report, inputs_of(source, data), overwrite)
    problem = write_report(source, data, out)
    if problem is not None:
        click.echo(f"The figures of the network's inside are left out. {problem}", err=True)
    click.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
