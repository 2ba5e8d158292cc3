"""`mdhr-run`: label the action units in videos, images and cameras.

Everything heavy is imported when the command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import mdhr_runtime.cli.program  # noqa: F401 -- before all that takes time to import

# isort: split
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from math import inf
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from .. import defaults
from ..addresses import is_address, redacted
from ..errors import OutputError
from ..files import ReaderGone
from ..names import table_name
from ..sinks import STANDARD_OUTPUT
from ..sinks.table import SUFFIXES, is_folder
from .console import Command, Finite, Option, overwrite_option, report, table
from .durations import time
from .label_options import FACES, LANDMARKS, RUNNING, SOURCES, face_options, option, shared
from .log_level import inform, log_level_option, warn
from .signals import Stopped

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from ..faces.choice import Choice, Region
    from ..faces.options import FaceOptions
    from ..pipeline.label import LabelReport
    from ..results import FrameResult
    from ..sinks import Sink
    from ..sources import Source


@click.command(cls=Command)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@option(
    "Results",
    "--out",
    metavar="FILE|FOLDER/",
    multiple=True,
    help="Write rows to a .csv, .jsonl or .parquet; - is JSON Lines on stdout; in a folder, every source has a .csv of "
    "its own. May be given several times.  [default, if nothing else is asked for: SOURCE's name with .csv; of cameras "
    "and several sources, with the time]",
)
@option("Results", "--overlay", metavar="FILE.mp4", help="Draw boxes, ids and scores on the video.")
@option(
    "Results",
    "--publish",
    metavar="URL",
    multiple=True,
    help="Send rows to other programs: mqtt://HOST/TOPIC, or listen for them on ws://HOST:PORT.",
)
@option(
    "Results",
    "--serve",
    metavar="[HOST:]PORT",
    help="Serve a live page with the video and its scores. HOST is 127.0.0.1 unless given.",
)
@option(
    "Results",
    "--events",
    metavar="FILE",
    multiple=True,
    help="Write when AUs occur, from onset to offset: a .csv, or an .eaf for ELAN.",
)
@option(
    "Results",
    "--event-thresholds",
    metavar="ONSET OFFSET",
    nargs=2,
    type=Finite(min=0, max=1),
    default=(0.5, 0.4),
    show_default=True,
    help="Scores at which an event begins, and below which it is over.",
)
@option(
    "Results",
    "--event-min",
    metavar="SECONDS",
    type=Finite(min=0),
    default=0.1,
    show_default=True,
    help="Pass shorter events over.",
)
@option("Results", "--summary", metavar="FILE.csv", help="Write figures of every face and person at the end.")
@option("Results", "--co-occurrence", is_flag=True, help="Also how often two AUs occur together, in the summary.")
@shared(LANDMARKS)
@overwrite_option("Results")
@option(
    "Results",
    "--provisional",
    is_flag=True,
    help="Also give every frame's scores at once, as if the video ended there; the final ones follow.",
)
@option(
    "Faces",
    "--faces",
    "kind",
    type=click.Choice(["detect", "crops"]),
    default="detect",
    show_default=True,
    help="Find the faces, or take every image as an aligned face.",
)
@shared(FACES)
@option(
    "Faces",
    "--identities",
    "across",
    type=click.Choice(["within", "across"]),
    default="within",
    show_default=True,
    callback=lambda _, __, value: value == "across",
    help="Number people within every source, or across all of them; files are then analysed one after the other.",
)
@option("Sources", "--start", metavar="TIME", type=time, default=0.0, help="Begin here: seconds, or [h:]mm:ss.")
@option("Sources", "--end", metavar="TIME", type=time, help="End here.")
@shared(SOURCES)
@option(
    "Sources",
    "--image-fps",
    type=Finite(min=0.001, max=100_000),
    default=defaults.IMAGES_PER_SECOND,
    show_default=True,
    help="Images per second that a folder of images was recorded at.",
)
@option(
    "Sources",
    "--timeout",
    metavar="SECONDS",
    type=Finite(min=0, min_open=True, max=86_400),
    default=defaults.TIMEOUT,
    show_default=True,
    help="Give a camera up that delivers nothing for so long at first; later, connect again.",
)
@shared(RUNNING)
@log_level_option("Running")
@click.version_option(package_name="mdhr-edge", cls=Option, section="Running")
@click.help_option("-h", "--help", cls=Option, section="Running")
def main(
    bundle: Path,
    sources: tuple[str, ...],
    out: tuple[str, ...],
    overlay: str | None,
    publish: tuple[str, ...],
    serve: str | None,
    events: tuple[str, ...],
    event_thresholds: tuple[float, float],
    event_min: float,
    summary: str | None,
    co_occurrence: bool,
    landmarks: bool,
    overwrite: bool,
    provisional: bool,
    start: float,
    end: float | None,
    every: int,
    fps: float | None,
    rotate: int,
    image_fps: float,
    timeout: float,
    provider: str,
    precision: str | None,
    threads: str | None,
    face: Choice,
    max_faces: int | None,
    roi: Region | None,
    **faces: Any,
) -> None:
    """Label the action units of every face in SOURCE with the model in BUNDLE.

    A SOURCE is a video or image, a folder or "pattern" of these, the number of a webcam, or the rtsp:// or http://
    address of a camera or file. In a folder, every video is a source and the images are one; folders inside are not
    searched. Rows are written as they come, one per frame and face; in frames without a face `success` is 0 and the
    AUs' cells are empty. A summary follows at the end.

    A score is the similarity, from 0 to 1, of a face to what the model has learnt of an AU; from 0.5 on the AU occurs.
    It is neither an intensity nor a probability. Compare a person with itself over time, and with others by rates less
    those at rest, not by scores. Where `context` is below its full number, near the ends of a stream, scores have seen
    less.

    Files are analysed frame by frame, a few at a time. Of a camera that is faster than this machine, frames are
    dropped; one that goes away is connected again.

    Exit status: 0 when every source is analysed; 1 when something is wrong, also when a video breaks off (the rows up
    to there are kept); 130, 143 or 129 when it is stopped by Ctrl-C, SIGTERM or SIGHUP (likewise); 141 when nobody
    reads its output any more.
    """
    if end is not None and end <= start:
        raise click.UsageError(f"--end, {end:g} s, is not after --start, {start:g} s.")
    given = {"--out": out, "--overlay": () if overlay is None else (overlay,), "--publish": publish}
    targets = [_checked(option, target) for option, some in given.items() for target in some]
    summaries = () if summary is None else (summary,)
    if co_occurrence and not summaries:
        raise click.UsageError("--co-occurrence is about a summary: give --summary FILE.csv, too.")
    if not (targets or serve is not None or events or summaries):
        targets = [table_name(sources, datetime.now())]
    sinks: list[Sink] = []
    written: list[Sink] = []  # those with a result

    def count(results: Iterable[FrameResult]) -> Iterator[FrameResult]:
        for result in results:
            yield result
            if result.final:
                written[:] = sinks

    try:
        from ..au_events import EventRule
        from ..pipeline.analysis import limit_opencv_threads
        from ..pipeline.label import label
        from ..sources import Selection, open_sources
        from ..streaming.model import load
        from ..threads import thread_count

        try:
            rule = EventRule(*event_thresholds, event_min)
        except ValueError as error:
            raise click.BadParameter(f"{error}.", param_hint="'--event-thresholds'") from error
        chosen = face_options(face, max_faces, roi, **faces)
        _check_faces(chosen)
        selection = Selection(start, inf if end is None else end, every, fps, rotate)
        opened = open_sources(sources, timeout, image_fps, selection)
        for source in opened:
            begins = f", from {source.info.begins:.3f} s of the file on" if source.info.begins else ""
            inform(f"{source.name}: {source.frame_count or '?'} frames, {source.fps or '?'} per second{begins}")
        limit_opencv_threads()
        model = load(bundle, provider, thread_count(threads), precision, _tell_trial)
        click.echo(f"provider: {model.provider} ({model.reason})", err=True)
        done = label(
            opened,
            [*targets, *([] if serve is None else [f"live://{serve}"])],
            model,
            faces=chosen,
            provisional=provisional,
            overwrite=overwrite,
            landmarks=landmarks,
            events=events,
            event_rule=rule,
            summaries=summaries,
            co_occurrence=co_occurrence,
            on_open=lambda opened: sinks.extend(_announced(opened)),
            on_problem=lambda _, error: report(error),
            on_warning=lambda name, text: warn(f"{name}: {text}", beside_progress=True),
            progress=lambda results: _progress(count(results), opened, 1 + provisional),
        )
        _tell(done, min_face=faces["min_face"] if faces["kind"] == "detect" else 0, to_stderr=STANDARD_OUTPUT in out)
    except Stopped as stopped:
        stopped.kept = [sink.summary for sink in written]
        raise
    except ReaderGone as gone:
        raise SystemExit(128 + signal.SIGPIPE) from gone
    raise SystemExit(1 if done.problems else 0)


def _tell_trial(what: str) -> None:
    click.echo(f"trying {what}", err=True)


def _check_faces(options: FaceOptions) -> None:
    """Refuse choices of which one would do nothing."""
    from ..faces.options import DEFAULTS

    unfit = {
        "--face, --max-faces or --roi": options.choice != DEFAULTS.choice,
        "--min-quality": options.min_quality,
        "--identity embedding": options.identity == "embedding",
        "--identities across": options.across,
    }
    for choice, given in unfit.items():
        if given and options.kind == "crops":
            raise click.UsageError(f"{choice} is about faces that are found, not about crops: leave it out.")
    if options.across and options.identity == "none":
        raise click.UsageError("--identities across is about people, and --identity none recognises nobody: give one.")


TAKES = {
    "--out": f"a file for rows, such as au.csv, a folder, such as au/, or {STANDARD_OUTPUT} for the standard output",
    "--overlay": "a file for a video, such as au.mp4",
    "--publish": "an address, such as mqtt://HOST/TOPIC or ws://HOST:PORT",
}
"""Targets by the option that takes them."""


def _checked(option: str, target: str) -> str:
    """A target, if it is one of those that its option takes.

    Raises:
        OutputError: It belongs to another option, or to none.
    """
    suffix = Path(target).suffix.lower()
    video = suffix == ".mp4" and not is_folder(target)
    fitting = "--publish" if is_address(target) else "--overlay" if video else "--out"
    if option == fitting:
        return target
    known = fitting != "--out" or target == STANDARD_OUTPUT or suffix in SUFFIXES
    raise OutputError(
        f"{option} does not take {redacted(target) or 'an empty name'}.",
        f"It takes {TAKES[option]}.",
        f"Write {fitting} {redacted(target)}." if known else f"Give {option} {TAKES[option]}.",
    )


def _announced(sinks: Sequence[Sink]) -> Sequence[Sink]:
    for sink in sinks:
        for notice in sink.notices:
            click.echo(notice, err=True)
        for warning in sink.warnings:
            warn(warning)
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


NEARLY = 1.25
"""Faces up to so many times the smallest that is looked for suggest that smaller ones are there, too."""


def _tell(done: LabelReport, *, min_face: int, to_stderr: bool) -> None:
    """Print what was found, per source, and what was written. `min_face` is 0 where no faces were looked for."""
    for name, summary in done.summaries.items():
        if len(done.summaries) > 1:
            click.secho(name, bold=True, err=to_stderr)
        if summary.with_face:
            click.echo(table(summary.HEADER, summary.lines()), err=to_stderr)
        faces = f" ({summary.faces} different)" if summary.faces > 1 else ""
        missing = {"dropped": done.stats[name].dropped, "lost to damaged data": done.stats[name].lost}
        dropped = "".join(f", {count} {what}" for what, count in missing.items() if count)
        click.echo(
            f"{summary.frames} frames in {done.seconds:.1f} s ({summary.frames / done.seconds:.1f} frames/s): "
            f"{summary.with_face} with a face{faces}, {summary.frames - summary.with_face} without{dropped}.",
            err=to_stderr,
        )
        lying = done.stats[name].lying
        if lying:
            ((rotation, _),) = lying.most_common(1)
            warn(
                f"{lying.total()} of {summary.frames} frames of {name} show a face on its side or upside down, which "
                f"is not scored: to turn it upright, give --rotate {rotation} (in addition to one that is given)"
            )
        elif summary.frames and not summary.with_face:
            warn(f"there is no face in {name}. {done.stats[name].faceless.causes(min_face)}")
        elif summary.smallest < NEARLY * min_face:
            warn(
                f"the smallest face in {name} has {summary.smallest:.0f} pixels, hardly more than what is looked for "
                f"(--min-face {min_face}): smaller ones may be missed; to find them, lower it"
            )
    for text in done.written:
        click.echo(text, err=True)
