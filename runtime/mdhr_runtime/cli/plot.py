"""`mdhr-plot`: draw the timeline of a face's action units from a table of `mdhr-run`.

Everything heavy is imported when the command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import mdhr_runtime.cli.program  # noqa: F401 -- before all that takes time to import

# isort: split
from pathlib import Path

import click

from .console import Command, overwrite_option
from .log_level import log_level_option


@click.command(cls=Command)
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The picture, .png or .svg.  [default: TABLE.png, as in au.csv.png]",
)
@click.option("--face", type=int, help="Number of the face.  [default: the one that is seen most]")
@click.option("--source", help="Name of the video or camera.  [default: that of the face, or the most frequent]")
@overwrite_option()
@log_level_option()
@click.version_option(package_name="mdhr-edge")
def main(table: Path, out: Path | None, face: int | None, source: str | None, overwrite: bool) -> None:
    """Draw how the action units of a face in TABLE go on over time.

    TABLE is a .csv, .jsonl or .parquet file that mdhr-run wrote. Every action unit has a line for its score, shaded
    where it occurs (score at least 0.5), and nothing on grey ground where the face is not seen. Provisional rows are
    passed over.
    """
    from ..plotting.tables import read_table
    from ..plotting.timeline import check_name, choose, draw

    picture = out or table.with_name(f"{table.name}.png")
    check_name(picture)
    timeline, others = choose(read_table(table), table, source, face)
    draw(timeline, picture, inputs=[table], overwrite=overwrite)
    click.echo(f"face {timeline.face_id} of {timeline.source}: {picture}")
    if others:
        click.echo(f"Not drawn: {', '.join(others)}. Choose with --source and --face.", err=True)
