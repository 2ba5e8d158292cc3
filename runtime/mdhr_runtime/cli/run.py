"""`mdhr-run`: label the action units in videos, images and cameras.

Everything heavy is imported when the command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from .console import Command, Option, Stopped, report, stopped_by_signals

if TYPE_CHECKING:
    from ..pipeline.analysis import Analysis
    from ..results import FrameResult
    from ..sinks.base import Output, SourceInfo
    from ..sources import Source
    from ..streaming.model import Model
    from ..summary import Summary

STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Settings:
    """What the command line says; see the options."""

    bundle: Path
    sources: tuple[str, ...]
    out: tuple[str, ...]
    overlay: str | None
    publish: tuple[str, ...]
    serve: str | None
    provisional: bool
    faces: str
    min_face: int
    detect_every: int
    max_gap: int
    image_fps: float
    timeout: float
    provider: str

    @property
    def targets(self) -> tuple[str, ...]:
        """Where results go, other than the page; a table if nothing else was asked for."""
        asked = (*self.out, *([self.overlay] if self.overlay else []), *self.publish)
        return asked or (() if self.serve else (_table_name(self.sources),))


def _option(section: str, *names: str, **settings: Any) -> Callable[[Callable], Callable]:
    return click.option(*names, cls=Option, section=section, **settings)


# The defaults stand in modules that import OpenCV; tests hold them equal.
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
    default=48,
    show_default=True,
    help="Side of the smallest face to look for, in pixels. Smaller takes longer.",
)
@_option(
    "Faces",
    "--detect-every",
    metavar="FRAMES",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Look for new faces every so many frames; known faces are followed in between.",
)
@_option(
    "Faces",
    "--max-gap",
    metavar="FRAMES",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="Frames that a face may be away and keep its id.",
)
@_option(
    "Sources",
    "--image-fps",
    type=click.FloatRange(min=0, min_open=True),
    default=25.0,
    show_default=True,
    help="Images per second that a folder of images was recorded at.",
)
@_option(
    "Sources",
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
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
def main(**options: Any) -> None:
    """Label the action units of every face in SOURCE with the model in BUNDLE.

    A SOURCE is a video file, a folder or "pattern" of images, the number of a webcam, or the rtsp:// or http:// address
    of a camera. Several run at once. Rows are written as they come, one per frame and face; in frames without a face
    `success` is 0 and the AUs' cells are empty. A summary follows at the end.

    Files are analysed frame by frame. Of a camera that is faster than this machine, frames are dropped; one that goes
    away is connected again.

    Exit status: 0 when every source is analysed; 1 when something is wrong, also when a video breaks off (the rows up
    to there are kept); 130 or 143 when it is stopped by Ctrl-C or SIGTERM (likewise); 141 when nobody reads its output
    any more.
    """
    settings = Settings(**options)
    try:
        with stopped_by_signals():
            problems = _run(settings)
    except Stopped as stopped:
        kept = ", ".join(target for target in settings.targets if target != STANDARD_OUTPUT)
        click.echo("\nstopped" + (f": the rows that were final are in {kept}" if kept else ""), err=True)
        raise SystemExit(128 + stopped.signal) from None
    except _reader_gone() as gone:
        raise SystemExit(128 + signal.SIGPIPE) from gone
    raise SystemExit(1 if problems else 0)


def _run(settings: Settings) -> bool:
    """Do the work; return whether a source had a problem."""
    # FFmpeg's remarks on damaged data would tear the progress bar; we say in words what matters.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    from ..pipeline.analysis import Analysis, limit_opencv_threads, make_face_providers
    from ..sinks.base import SourceInfo
    from ..sinks.table import open_output
    from ..sources import open_sources
    from ..streaming.model import load
    from ..summary import Summary

    sources = open_sources(settings.sources, settings.timeout, settings.image_fps)
    infos = [SourceInfo(source.name, source.fps, source.live) for source in sources]
    limit_opencv_threads()
    model = load(settings.bundle, settings.provider)
    click.echo(f"provider: {model.provider} ({model.reason})", err=True)
    finders = make_face_providers(model, settings.faces, settings.min_face, settings.detect_every, settings.max_gap)
    with ExitStack() as stack:
        # Everything is checked before any file is touched: outputs do that when they are entered.
        outputs = [open_output(target, model.aus, infos) for target in settings.targets]
        analysis = Analysis(
            sources,
            model,
            finders,
            provisional=settings.provisional,
            keep_images=bool(settings.overlay or settings.serve),
            on_problem=lambda _, error: report(error),
            on_warning=lambda name, text: click.secho(f"\nwarning: {name}: {text}", fg="yellow", err=True),
        )
        if settings.serve:
            outputs.append(_live_page(settings.serve, model, infos, analysis))
        for output in outputs:
            stack.enter_context(output)
        stack.enter_context(analysis)
        summaries = {source.name: Summary(model.aus) for source in sources}
        seconds = _write(analysis, outputs, summaries, sources, provisional=settings.provisional)
    _tell(summaries, analysis, seconds, to_stderr=STANDARD_OUTPUT in settings.out)
    for output in outputs:
        click.echo(output.summary, err=True)
    return bool(analysis.problems)


def _write(
    analysis: Analysis,
    outputs: Sequence[Output],
    summaries: dict[str, Summary],
    sources: Sequence[Source],
    *,
    provisional: bool,
) -> float:
    """Hand every result to every output; return the seconds that it took."""
    counts = [source.frame_count for source in sources]
    length = None if None in counts else sum(counts) * (1 + provisional)
    label = sources[0].name if len(sources) == 1 else f"{len(sources)} sources"
    started = perf_counter()

    def speed(result: FrameResult | None) -> str | None:
        frames = sum(summary.frames for summary in summaries.values())
        return result and f"{frames / (perf_counter() - started):.1f} frames/s"

    with click.progressbar(analysis, length=length, label=label, file=sys.stderr, item_show_func=speed) as progress:
        for result in progress:
            for output in outputs:
                output.write(result)
            summaries[result.source].add(result)
    return perf_counter() - started


def _tell(summaries: dict[str, Summary], analysis: Analysis, seconds: float, *, to_stderr: bool) -> None:
    """Print what was found, per source."""
    stats = analysis.stats()
    for name, summary in summaries.items():
        if len(summaries) > 1:
            click.secho(name, bold=True, err=to_stderr)
        if summary.with_face:
            click.echo(summary, err=to_stderr)
        faces = f" ({summary.faces} different)" if summary.faces > 1 else ""
        dropped = f", {stats[name].dropped} dropped" if stats[name].dropped else ""
        click.echo(
            f"{summary.frames} frames in {seconds:.1f} s ({summary.frames / seconds:.1f} frames/s): "
            f"{summary.with_face} with a face{faces}, {summary.frames - summary.with_face} without{dropped}.",
            err=to_stderr,
        )
    if not any(summary.with_face for summary in summaries.values()):
        click.secho("warning: there is no face in any frame; for small ones lower --min-face", fg="yellow", err=True)


def _live_page(address: str, model: Model, infos: Sequence[SourceInfo], analysis: Analysis) -> Output:
    from ..live import Address, LivePage

    page = LivePage(Address.parse(address), model.aus, infos, analysis.stats)
    click.echo(f"live page: {page.url}", err=True)
    if page.exposed:
        click.secho("warning: whoever reaches this port can watch; there is no password", fg="yellow", err=True)
    return page


def _table_name(sources: Sequence[str]) -> str:
    """The table's name if none is given: that of the source, or a common one."""
    if len(sources) > 1:
        return "au.csv"
    name = sources[0]
    if name.isdecimal():
        return f"camera{name}.csv"
    stem = Path(name).resolve().stem if "://" not in name else name.split("@")[-1].split("://")[-1]
    return re.sub(r"[^\w.-]+", "_", stem).strip("_") + ".csv"


def _reader_gone() -> type[Exception]:
    from ..sinks.lines import ReaderGone

    return ReaderGone
