"""`mdhr-run`: label the action units in a video file.

Everything heavy is imported when the command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import TYPE_CHECKING

import click

from .console import Command

if TYPE_CHECKING:
    from .analysis import Row

MIN_FACE = 48
"""Default side of the smallest face in pixels.

The model's crop enlarges a smaller face more than four times, and wrinkles do not come back by that. Looking for faces
of 20 pixels, MTCNN's usual limit, takes the detector three times as long.
"""


@click.command(cls=Command)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("video", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The table to write.  [default: VIDEO's name with .csv]")
@click.option("--provider", default="auto", show_default=True, help="What runs the model: auto, cpu or cuda.")
@click.option(
    "--min-face",
    type=click.IntRange(min=12),
    default=MIN_FACE,
    show_default=True,
    help="Side of the smallest face to look for, in pixels. Smaller takes longer.",
)
@click.version_option(package_name="mdhr-edge")
def main(bundle: Path, video: Path, out: Path | None, provider: str, min_face: int) -> None:
    """Label the action units of the largest face in VIDEO with the model in BUNDLE.

    Writes a CSV table with one row per frame, as it goes, and prints a summary. In frames without a face `success` is
    0 and the AUs' cells are empty.

    Exit status: 0 when the whole video is analysed; 1 when something is wrong, also when the video breaks off (the
    rows up to there are kept); 130 or 143 when it is stopped by Ctrl-C or SIGTERM (likewise).
    """
    out = out or Path(f"{video.stem}.csv")
    try:
        with _signals_raise():
            _run(bundle, video, out, provider, min_face)
    except _Stopped as stopped:
        click.echo(f"\nstopped: the rows that were final are in {out}", err=True)
        raise SystemExit(128 + stopped.signal) from None


def _run(bundle: Path, video: Path, out: Path, provider: str, min_face: int) -> None:
    # FFmpeg's remarks on damaged data would tear the progress bar; we say in words what matters.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    from .analysis import analyse
    from .csv_output import CsvWriter, check_writable
    from .faces.mtcnn import FaceDetector
    from .model import load
    from .summary import Summary
    from .video import Video

    source = Video(video)
    check_writable(out)
    model = load(bundle, provider)
    detector = FaceDetector(*(model.graph(name) for name in ("pnet", "rnet", "onet")), min_face)
    model.stream()  # loads the model's graphs: what they lack shows before the table is touched
    summary = Summary(model.aus)
    started = perf_counter()

    def speed(row: Row | None) -> str | None:
        return row and f"{row.frame / (perf_counter() - started):.1f} frames/s"

    rows = analyse(source, detector, model)
    with (
        CsvWriter(out, model.aus) as file,
        click.progressbar(
            rows, length=source.frame_count, label=video.name, file=sys.stderr, item_show_func=speed
        ) as progress,
    ):
        for row in progress:
            file.write(row)
            summary.add(row)

    seconds = perf_counter() - started
    if summary.faces:
        click.echo(summary)
    click.echo(
        f"{summary.frames} frames in {seconds:.1f} s ({summary.frames / seconds:.1f} frames/s): "
        f"{summary.faces} with a face, {summary.frames - summary.faces} without. Rows: {out}"
    )
    if not summary.faces:
        click.secho("warning: there is no face in any frame; for small ones lower --min-face", fg="yellow", err=True)
    source.check_complete()


class _Stopped(BaseException):
    """The user or the system wants the program to end. Not an error, hence no `Exception`."""

    def __init__(self, signal: int) -> None:
        self.signal = signal


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into `_Stopped` inside the block, once: a second signal ends the program at once."""

    def stop(number: int, _: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_DFL)
        raise _Stopped(number)

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, stop) for each in signals]
    try:
        yield
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)
