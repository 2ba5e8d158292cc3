"""`mdhr-plot`: draw the action units of a face or person from a table of `mdhr-run`.

Everything heavy is imported when the command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import mdhr_runtime.cli.program  # noqa: F401 -- before all that takes time to import

# isort: split
from collections.abc import Callable
from pathlib import Path

import click

from .console import Command, overwrite_option
from .log_level import log_level_option, warn


@click.command(cls=Command)
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The picture, .png or .svg.  [default: TABLE.png, as in au.csv.png]",
)
@click.option("--face", type=int, help="Number of the face.  [default: the one that is seen most]")
@click.option("--person", type=int, help="Number of the person, whose faces are drawn as one.")
@click.option("--source", help="Name of the video or camera.  [default: that of the face, or the most frequent]")
@overwrite_option()
@log_level_option()
@click.version_option(package_name="mdhr-edge")
def main(
    table: Path, out: Path | None, face: int | None, person: int | None, source: str | None, overwrite: bool
) -> None:
    """Draw what TABLE tells of the action units (AUs) of a face or person.

    TABLE is a .csv, .jsonl or .parquet file that mdhr-run wrote, also if another program has written it again.

    Of results, every AU has a line for its score over time, shaded where it occurs (score at least 0.5), and nothing
    on grey ground where the face is not seen or not scored. Provisional rows are passed over. Of events, every AU has
    bars from onset to offset, coloured by the peak, with a dot at the apex. Of a summary, every AU has bars for its
    share of the time, its events per minute and their duration, for up to eight people or faces, and pairs of AUs a
    matrix.
    """
    from ..au_events import AuEvent
    from ..plotting import events, shares, timeline
    from ..plotting.picture import Chart, Subject, check_name, write
    from ..plotting.tables import Figures, Seen, Table

    picture = out or table.with_name(f"{table.name}.png")
    check_name(picture)
    read = Table(table)
    choose: dict[type, Callable[..., tuple[Chart, list[str]]]]
    choose = {Seen: timeline.choose, AuEvent: events.choose, Figures: shares.choose}
    chart, others = choose[read.kind](read, table, Subject(source, face, person))
    write(chart, picture, inputs=[table], overwrite=overwrite)
    if read.renamed:
        warn(f"{table} is not in UTF-8: the names in it are read as Windows-1252.")
    click.echo(f"{', '.join(subject.words for subject in chart.subjects)}: {picture}")
    if others:
        click.echo(f"Not drawn: {', '.join(others)}. Choose with --source, --face and --person.", err=True)
