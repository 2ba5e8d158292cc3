"""`mdhr-archive`: label the action units in thousands of videos, on one machine or many.

Everything heavy is imported when a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import mdhr_runtime.cli.program  # noqa: F401 -- before all that takes time to import

# isort: split
import os
import re
import shlex
import signal
import sys
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from ..addresses import is_address, redacted, without_secrets
from .console import Command, Finite, Group, Option, overwrite_option, report, table
from .label_options import FACES, LANDMARKS, RUNNING, SOURCES, face_options, option, shared
from .log_level import log_level_option, warn
from .signals import Stopped, first_interrupt

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from ..archive.labelling import LabelSettings
    from ..archive.records import Record, Task
    from ..archive.scheduling import Event, Workers

AT_ONCE_ON_GPU = 8
"""Videos that a worker with a GPU labels side by side: an H100 does 78 % of its best with 8 streams, 8 % with one."""

WHILE = 30.0
"""Seconds over which the rate that is shown is taken."""

SETTINGS = ("every", "fps", "rotate", "landmarks", "provider", "precision", "temp")
"""Options that workers are told as they are."""

COUNTED = ("done", "broken", "failed", "retries", "frames")
"""What is told at the end, besides rates."""

FEW = 5
"""Failures that are told one by one."""


class Archive(Group):
    """The program: its help is that of the command that need not be named, with the others' names."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help."""
        label.format_help(ctx, formatter)
        self.format_commands(ctx, formatter)


def shard(value: object) -> tuple[int, int]:
    """Read which part of a collection is meant: `3/32`."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", str(value), re.ASCII)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise click.BadParameter(f"{value!r} is no part: write K/N, from 1/N to N/N.")
    return int(found[1]), int(found[2])


def share(value: object) -> float:
    """Read a share: `20%`."""
    found = re.fullmatch(r"(\d{1,2}(?:\.\d+)?|100)%", str(value), re.ASCII)
    if found is None:
        raise click.BadParameter(f"{value!r} is no share: write a percentage, 20%.")
    return float(found[1]) / 100


@click.group(cls=Archive, unnamed="label")
@click.version_option(package_name="mdhr-edge")
def main() -> None:
    """Label the action units in many videos."""


@main.command("label", cls=Command, hidden=True)
@click.argument("bundle")
@click.argument("sources", metavar="[SOURCE...]", nargs=-1)
@option("Results", "--out", metavar="FOLDER|URL", required=True, help="Folder of the results, also s3://bucket/folder.")
@shared(LANDMARKS)
@shared(FACES)
@option(
    "Sources",
    "--manifest",
    metavar="FILE",
    help="A list of videos instead of SOURCE: a .txt with a path per line, or a .csv, .jsonl or .parquet with the "
    "column path, and if need be id, start and end. Further columns go into the tables.",
)
@option("Sources", "--shard", metavar="K/N", type=shard, default="1/1", help="Label the K-th of N parts only.")
@shared(SOURCES)
@option("Running", "--ray", metavar="local|auto|ADDRESS", help="Label on a Ray cluster, or one that is started here.")
@option(
    "Running",
    "--workers",
    metavar="N",
    type=click.IntRange(min=1),
    help="Processes with a model each.  [default: one per GPU, or as many as the cores and the memory have room for]",
)
@option("Running", "--gpus", metavar="N", type=Finite(min=0), default=0.0, help="GPUs of a worker of --ray, as 0.5.")
@option(
    "Running",
    "--at-once",
    metavar="N",
    type=click.IntRange(min=1),
    help=f"Videos that a worker labels side by side.  [default: {AT_ONCE_ON_GPU} with a GPU, else 1]",
)
@option("Running", "--temp", metavar="FOLDER", help="Where fetched videos and unfinished tables are kept.")
@option("Running", "--stop-after", metavar="20%", type=share, help="End if more than this share of the videos fails.")
@option("Running", "--retry-failed", is_flag=True, help="Also label those again that failed or broke off before.")
@shared(RUNNING)
@log_level_option("Running")
@click.version_option(package_name="mdhr-edge", cls=Option, section="Running")
@click.help_option("-h", "--help", cls=Option, section="Running")
def label(
    bundle: str,
    sources: tuple[str, ...],
    out: str,
    manifest: str | None,
    shard: tuple[int, int],
    ray: str | None,
    workers: int | None,
    gpus: float,
    at_once: int | None,
    threads: str | None,
    stop_after: float | None,
    retry_failed: bool,
    **choices: Any,
) -> None:
    """Label the action units of every face in many videos with the model in BUNDLE.

    A SOURCE is a video, a folder, in which videos are searched at any depth, a "pattern", or a URL such as
    s3://bucket/videos. Every video has a Parquet table in the results, and a record that says how it went. What has a
    record that fits is not done again: to go on after an end of any kind, or with more videos, give the same command.
    Several programs may work on the same results, best on a --shard each. docs/archive.md tells of clusters.

    At the first Ctrl-C the videos at work are finished, and no others begun; a second one, or SIGTERM, ends at once.

    Exit status: 0 when every video is done; 1 when one failed or broke off, now or before, or something else is wrong;
    130, 143 or 129 when it is stopped by Ctrl-C, SIGTERM or SIGHUP.
    """
    from ..archive.folders import Input, open_folder
    from ..archive.labelling import LabelSettings, blank_record, bundle_digest, publish
    from ..archive.outstanding import outstanding
    from ..archive.records import Problem, Results, Task, fit_key
    from ..archive.scheduling import schedule
    from ..archive.videos import find_videos
    from ..targets import refuse_inputs

    if gpus and ray is None:
        raise click.UsageError("--gpus is about --ray: without it, every GPU of this machine has a worker.")
    digest, address = bundle_digest(bundle), out if is_address(out) else os.path.abspath(out)
    if not is_address(out):
        refuse_inputs(Path(os.path.realpath(address)), [Path(bundle)])
    results, place = Results(open_folder(address)), shlex.quote(redacted(out))
    found = find_videos(sources, manifest)
    for notice in found.notices:
        warn(notice)
    plain = {name: choices.pop(name) for name in SETTINGS}
    faces = face_options(**choices)
    settings = LabelSettings(os.path.abspath(bundle), digest, address, faces, columns=found.columns, **plain)
    due = outstanding(found, results, digest, settings.options, shard=shard, retry_failed=retry_failed)
    counts = (due.done, due.broken + due.failed, len(due.missing), len(due.tasks))
    header = ("videos", "done before", "failed before", "changed", "missing", "to do")
    click.echo(table(header, [(sum(counts), *counts[:2], due.changed, *counts[2:])]), err=True)
    results.write_plan(due.plan)

    def fail(task: Task, problem: Problem, tries: int = 1) -> Record:
        """Write the record of a video that no worker can label."""
        record = replace(blank_record(settings, task), problem=problem, tries=tries)
        publish(results, task, record, Path())
        return record

    def give_up(task: Task, why: str) -> Record:
        what, fix = f"{task.video.id} ends the process that labels it.", "Look whether other programs can play it."
        return fail(task, Problem(what, f"It did so twice, the last time by {why}.", fix), tries=2)

    with first_interrupt() as asked:
        course = Course(due.tasks, len(due.missing), asked)
        for video, error in due.missing:
            task = Task(video, Input(0, ""), fit_key(video, None, digest, settings.options))
            course.add(fail(task, Problem.of(error)))  # results that it has stay
        with closing(course):
            if due.tasks:
                with crew_for(settings, len(due.tasks), ray, gpus, workers, at_once, threads) as crew, course.bar:
                    schedule(due.tasks, crew, give_up, stop_after=stop_after, on_event=course, stopping=course.stopping)
        click.echo(f"Next: mdhr-archive status {place}, or mdhr-archive collect {place} --out all.parquet", err=True)
        if asked():
            raise Stopped(signal.SIGINT)
    raise SystemExit(1 if course.faulty or due.broken or due.failed else 0)


def crew_for(
    settings: LabelSettings,
    tasks: int,
    ray: str | None,
    gpus: float,
    count: int | None,
    at_once: int | None,
    threads: str | None,
) -> Workers:
    """Make the workers: as many as are asked for, or this machine or the cluster has room for, at most one per task."""
    from ..archive.processes import Processes, default_workers, visible_gpus
    from ..threads import thread_count

    each = None if threads is None else thread_count(threads)
    own = visible_gpus() if ray is None and takes_gpu(settings) else []
    at_once = at_once or (AT_ONCE_ON_GPU if own or gpus else 1)
    if ray is not None:
        from ..archive.ray_actors import RayActors

        settings = replace(settings, threads=each or 1, at_once=at_once)
        return RayActors(settings, count, ray, num_cpus=each or 1, num_gpus=gpus, most=tasks)
    count = min(tasks, count or len(own) or default_workers(each)[0])
    each = each or max(1, thread_count() // count)
    click.echo(f"workers: {count}, threads of each: {each}, videos at once: {at_once}", err=True)
    return Processes(replace(settings, threads=each, at_once=at_once), count, own)


def takes_gpu(settings: LabelSettings) -> bool:
    """Whether the model is to run on a GPU, as far as what is installed decides it."""
    from ..backends.table import AUTO, PROVIDERS, precisions
    from ..bundle import open_bundle
    from ..errors import ProviderError

    bundle = open_bundle(settings.bundle)
    for name, provider in PROVIDERS.items():
        if provider.on_gpu and settings.provider in (name, AUTO):
            with suppress(ProviderError):
                return bool(precisions(bundle, name))
    return False


class Course:
    """What has become of the videos so far, as events tell it, and the progress bar; told as a whole at the end.

    Args:
        tasks: The tasks.
        missing: Number of further videos.
        asked: Whether the user wants an end.
    """

    def __init__(self, tasks: Sequence[Task], missing: int, asked: Callable[[], bool]) -> None:
        self._asked, self._told, self._videos = asked, False, len(tasks) + missing
        self._ended, self._hours, self.faulty = Counter[str](), 0.0, list[str]()
        self._begun = perf_counter()
        self._recent = deque([(self._begun, 0)])
        length, show = sum(task.input.size for task in tasks) or 1, lambda _: self._shown()
        self.bar: ProgressBar[int] = click.progressbar(
            length=length, label="labelling", file=sys.stderr, update_min_steps=0, item_show_func=show, show_eta=False
        )

    def __call__(self, event: Event) -> None:
        """Take what has happened."""
        from ..archive.scheduling import Finished, Frames

        size = 0
        if isinstance(event, Frames):
            self._recent.append((perf_counter(), event.count))
        elif isinstance(event, Finished):
            size = event.task.input.size
            self.add(event.record)
        elif not event.final:
            warn(f"{event.task.video.id} is tried again: its worker ended, {event.why}", beside_progress=True)
        self.bar.update(size)

    def add(self, record: Record) -> None:
        """Count a record."""
        self._ended += Counter({record.status: 1, "videos": 1, "frames": record.frames, "retries": record.tries - 1})
        self._hours += record.media_seconds / 3600
        if record.problem is not None and len(self.faulty) < FEW:
            self.faulty.append(without_secrets(f"{record.id}: {record.problem.what} {record.problem.why}"))

    def stopping(self) -> bool:
        """Whether nothing is to be begun any more; said once."""
        if self._asked() and not self._told:
            self._told = True
            text = "The videos at work are finished, and no others begun. Ctrl-C once more ends at once."
            click.echo(f"\n{text}", err=True)
        return self._told

    def _shown(self) -> str:
        while len(self._recent) > 1 and self._recent[0][0] < perf_counter() - WHILE:
            self._recent.popleft()
        rate = sum(count for _, count in self._recent) / max(perf_counter() - self._recent[0][0], 1.0)
        told = f"{self._ended['videos']}/{self._videos} videos, {rate:.1f} frames/s"
        if not self.bar.pos:  # click would reckon from nothing
            return told
        left = (perf_counter() - self._begun) * ((self.bar.length or 1) / self.bar.pos - 1)
        return f"{told}, {timedelta(seconds=round(left))} left"

    def close(self) -> None:
        """Print what has become of all, and why of the first that failed."""
        rate = self._ended["frames"] / (perf_counter() - self._begun)
        cells = [*(self._ended[name] for name in COUNTED), f"{rate:.1f}", f"{self._hours:.2f}"]
        click.echo(table((*COUNTED, "frames/s", "hours of video"), [cells]))
        for text in self.faulty:
            click.secho(text, fg="red", err=True)


@main.command(cls=Command)
@click.argument("results", metavar="RESULTS")
@log_level_option()
def status(results: str) -> None:
    """Say how far RESULTS are: videos that are done, broken, failed and pending, frames/s, and hours left."""
    from ..archive.folders import open_folder
    from ..archive.records import Results
    from ..archive.status import status as status_of

    found = status_of(Results(open_folder(results)))
    click.echo(table(found.HEADER, found.rows()))
    if found.failures:
        click.echo("\n" + table(found.FAILURES_HEADER, found.failure_rows()))


@main.command(cls=Command)
@click.argument("results", metavar="RESULTS")
@click.option("--out", metavar="FILE.parquet", type=click.Path(path_type=Path), help="The rows of all tables.")
@click.option("--summary", metavar="FILE.parquet", type=click.Path(path_type=Path), help="The rows of all summaries.")
@overwrite_option()
@log_level_option()
def collect(results: str, out: Path | None, summary: Path | None, overwrite: bool) -> None:
    """Write the tables of all videos in RESULTS into one file, and so their summaries.

    Exit status: 0, also while videos are pending; 1 when a table is not what its record tells of, and is left out.
    """
    from ..archive.collecting import collect as collect_all
    from ..archive.folders import open_folder
    from ..archive.records import Results

    if out is None and summary is None:
        raise click.UsageError("Nothing is to be written: give --out FILE.parquet or --summary FILE.parquet.")

    found = collect_all(
        Results(open_folder(results)),
        out,
        summary,
        overwrite=overwrite,
        progress=lambda names: click.progressbar(names, label="collecting", file=sys.stderr),
    )
    counted = ("done", "broken", "failed", "pending", "others")
    click.echo(table((*counted, "left out"), [[*(getattr(found, name) for name in counted), len(found.left_out)]]))
    for path, rows in zip(filter(None, (out, summary)), found.rows, strict=True):
        click.echo(f"{rows} rows: {path}")
    for name, error in list(found.left_out.items())[:FEW]:
        click.echo(f"{name} is left out:", err=True)
        report(error)
    raise SystemExit(1 if found.left_out else 0)


@main.command(cls=Command)
@click.option("--videos", type=click.IntRange(min=1), required=True, help="Number of videos.")
@click.option("--hours", type=Finite(min=0, min_open=True), required=True, help="Hours of video in all.")
@click.option("--fps", type=Finite(min=0, min_open=True), default=30.0, show_default=True, help="Frames per second.")
@click.option("--faces", type=Finite(min=0, min_open=True), default=1.0, show_default=True, help="Faces per frame.")
@click.option("--bench", metavar="RESULT.json", type=click.Path(path_type=Path), help="A result of mdhr-bench.")
@click.option("--within", metavar="HOURS", type=Finite(min=0, min_open=True), help="When all is to be done.")
def plan(videos: int, hours: float, fps: float, faces: float, bench: Path | None, within: float | None) -> None:
    """Say what a collection takes: frames, bytes, and, from a result of mdhr-bench, hours, machines and cores."""
    from ..archive.planning import read_pace, size_of_results

    if within is not None and bench is None:
        raise click.UsageError("--within is about machines: tell of one with --bench RESULT.json.")
    frames = round(3600 * hours * fps)
    rows = [("frames", f"{frames}"), ("GB of results", f"{size_of_results(videos, frames, faces) / 1e9:.2f}")]
    if bench is not None:
        pace = read_pace(bench, faces)
        alone = frames / pace.frames_per_second / 3600
        rows += [("frames/s of such a machine", f"{pace.frames_per_second:.1f}"), ("hours on one", f"{alone:.1f}")]
        rows += [("cores to keep its GPU busy", f"{pace.cores:.1f}")] if pace.cores else []
        rows += [(f"machines for {within:g} hours", f"{ceil(alone / within)}")] if within else []
    click.echo(table((f"{videos} videos, {hours:g} hours", ""), rows))
    if bench is not None:
        click.echo(f"The rate is of {pace.basis}.")


if __name__ == "__main__":
    main()
