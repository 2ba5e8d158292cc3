"""`mdhr-run`: label the action units in videos, images and cameras.

Everything heavy is imported when the command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import os

import mdhr_runtime.cli.program  # noqa: F401 -- before all that takes time to import

# NumPy has small products only here; threads for them would take memory, and crash where there is too little.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# isort: split
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from .. import defaults
from ..files import ReaderGone
from ..sinks import STANDARD_OUTPUT
from .console import Command, Option, report, table
from .signals import Stopped

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from ..pipeline.label import LabelReport
    from ..results import FrameResult
    from ..sinks import Sink
    from ..sources import Source

F = TypeVar("F", bound=Callable[..., Any])


def _option(section: str, *names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, cls=Option, section=section, **settings)


@click.command(cls=Command)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@_option(
    "Results",
    "--out",
    metavar="FILE",
    multiple=True,
    help="Write rows to a .csv, .jsonl or .parquet; - is JSON Lines on stdout. May be given several times.  "
    "[default, if nothing else is asked for: SOURCE's name with .csv]",
)
@_option("Results", "--overlay", metavar="FILE.mp4", help="Draw boxes, ids and scores on the video.")
@_option(
    "Results",
    "--publish",
    metavar="URL",
    multiple=True,
    help="Send rows to other programs: mqtt://HOST/TOPIC, or listen for them on ws://HOST:PORT.",
)
@_option(
    "Results",
    "--serve",
    metavar="[HOST:]PORT",
    help="Serve a live page with the video and its scores. HOST is 127.0.0.1 unless given.",
)
@_option(
    "Results",
    "--provisional",
    is_flag=True,
    help="Also give every frame's scores at once, as if the video ended there; the final ones follow.",
)
@_option(
    "Faces",
    "--faces",
    type=click.Choice(["detect", "crops"]),
    default="detect",
    show_default=True,
    help="Find the faces, or take every image as an aligned face.",
)
@_option(
    "Faces",
    "--min-face",
    type=click.IntRange(min=12),
    default=defaults.MIN_FACE,
    show_default=True,
    help="Side of the smallest face to look for, in pixels. Smaller takes longer.",
)
@_option(
    "Faces",
    "--detect-every",
    metavar="FRAMES",
    type=click.IntRange(min=1),
    default=defaults.DETECT_EVERY,
    show_default=True,
    help="Look for new faces every so many frames; known faces are followed in between.",
)
@_option(
    "Faces",
    "--max-gap",
    metavar="FRAMES",
    type=click.IntRange(min=0),
    default=defaults.MAX_GAP,
    show_default=True,
    help="Frames that a face may be away and keep its id.",
)
@_option(
    "Sources",
    "--image-fps",
    type=click.FloatRange(min=0, min_open=True),
    default=defaults.IMAGES_PER_SECOND,
    show_default=True,
    help="Images per second that a folder of images was recorded at.",
)
@_option(
    "Sources",
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=defaults.TIMEOUT,
    show_default=True,
    help="Give a camera up that delivers nothing for so long at first; later, connect again.",
)
@_option(
    "Running",
    "--provider",
    default="auto",
    show_default=True,
    help="What runs the model: tensorrt (the bundle's engines), cuda, ort-tensorrt or cpu; auto takes the fastest that "
    "is there, and says which.",
)
@click.version_option(package_name="mdhr-edge", cls=Option, section="Running")
@click.help_option(cls=Option, section="Running")
def main(
    bundle: Path,
    sources: tuple[str, ...],
    out: tuple[str, ...],
    overlay: str | None,
    publish: tuple[str, ...],
    serve: str | None,
    provisional: bool,
    faces: Literal["detect", "crops"],
    min_face: int,
    detect_every: int,
    max_gap: int,
    image_fps: float,
    timeout: float,
    provider: str,
) -> None:
    """Label the action units of every face in SOURCE with the model in BUNDLE.

    A SOURCE is a video file, a folder or "pattern" of images, the number of a webcam, or the rtsp:// or http:// address
    of a camera. Several run at once. Rows are written as they come, one per frame and face; in frames without a face
    `success` is 0 and the AUs' cells are empty. A summary follows at the end.

    Files are analysed frame by frame. Of a camera that is faster than this machine, frames are dropped; one that goes
    away is connected again.

    Exit status: 0 when every source is analysed; 1 when something is wrong, also when a video breaks off (the rows up
    to there are kept); 130, 143 or 129 when it is stopped by Ctrl-C, SIGTERM or SIGHUP (likewise); 141 when nobody
    reads its output any more.
    """
    # FFmpeg's remarks on damaged data would tear the progress bar; our own warnings say what matters.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    targets = [*out, *([overlay] if overlay else []), *publish]
    if not targets and not serve:
        targets = [_table_name(sources)]
    sinks: list[Sink] = []
    written: list[Sink] = []  # those with a result

    def count(results: Iterable[FrameResult]) -> Iterator[FrameResult]:
        for result in results:
            yield result
            if result.final:
                written[:] = sinks

    try:
        from ..pipeline.analysis import limit_opencv_threads
        from ..pipeline.label import label
        from ..sources import open_sources
        from ..streaming.model import load

        opened = open_sources(sources, timeout, image_fps)
        limit_opencv_threads()
        model = load(bundle, provider)
        click.echo(f"provider: {model.provider} ({model.reason})", err=True)
        done = label(
            opened,
            [*targets, *([f"live://{serve}"] if serve else [])],
            model,
            faces=faces,
            min_face=min_face,
            detect_every=detect_every,
            max_gap=max_gap,
            provisional=provisional,
            on_open=lambda opened: sinks.extend(_announced(opened)),
            on_problem=lambda _, error: report(error),
            on_warning=lambda name, text: click.secho(f"\nwarning: {name}: {text}", fg="yellow", err=True),
            progress=lambda results: _progress(count(results), opened, 1 + provisional),
        )
        _tell(done, to_stderr=STANDARD_OUTPUT in out)
    except Stopped as stopped:
        stopped.kept = [sink.summary for sink in written]
        raise
    except ReaderGone as gone:
        raise SystemExit(128 + signal.SIGPIPE) from gone
    raise SystemExit(1 if done.problems else 0)


def _announced(sinks: Sequence[Sink]) -> Sequence[Sink]:
    for sink in sinks:
        for notice in sink.notices:
            click.echo(notice, err=True)
        for warning in sink.warnings:
            click.secho(f"warning: {warning}", fg="yellow", err=True)
    return sinks


def _progress(results: Iterable[FrameResult], sources: Sequence[Source], per_frame: int) -> ProgressBar[FrameResult]:
    """A bar on stderr that moves as results are taken; every frame has `per_frame` of them."""
    counts = [source.frame_count for source in sources if source.frame_count is not None]
    length = sum(counts) * per_frame if len(counts) == len(sources) else None
    title = sources[0].name if len(sources) == 1 else f"{len(sources)} sources"
    started = perf_counter()

    def speed(result: FrameResult | None) -> str | None:
        return None if result is None else f"{bar.pos / per_frame / (perf_counter() - started):.1f} frames/s"

    bar = click.progressbar(results, length=length, label=title, file=sys.stderr, item_show_func=speed)
    return bar


def _tell(done: LabelReport, *, to_stderr: bool) -> None:
    """Print what was found, per source, and what was written."""
    for name, summary in done.summaries.items():
        if len(done.summaries) > 1:
            click.secho(name, bold=True, err=to_stderr)
        if summary.with_face:
            click.echo(table(summary.HEADER, summary.lines()), err=to_stderr)
        faces = f" ({summary.faces} different)" if summary.faces > 1 else ""
        dropped = f", {done.stats[name].dropped} dropped" if done.stats[name].dropped else ""
        click.echo(
            f"{summary.frames} frames in {done.seconds:.1f} s ({summary.frames / done.seconds:.1f} frames/s): "
            f"{summary.with_face} with a face{faces}, {summary.frames - summary.with_face} without{dropped}.",
            err=to_stderr,
        )
    if not any(summary.with_face for summary in done.summaries.values()):
        click.secho("warning: there is no face in any frame; for small ones lower --min-face", fg="yellow", err=True)
    for text in done.written:
        click.echo(text, err=True)


def _table_name(sources: Sequence[str]) -> str:
    """The table's name if none is given: that of the source, or a common one."""
    if len(sources) > 1:
        return "au.csv"
    name = sources[0]
    if name.isdecimal():
        return f"camera{name}.csv"
    stem = Path(name).resolve().stem if "://" not in name else name.split("@")[-1].split("://")[-1]
    return re.sub(r"[^\w.-]+", "_", stem).strip("_") + ".csv"
