"""How `mdhr-archive` does with many videos, and how fast it is beside `mdhr-run`.

    python benchmarks/archive.py simulate                 100,000 videos on 200 workers, in time that is reckoned
    python benchmarks/archive.py speed BUNDLE VIDEO...    two workers beside one, and beside two runs of `mdhr-run`

The simulation has the real schedule, and writes the real records into a folder; there are no model, videos or tables.
"""

from __future__ import annotations

import heapq
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import click
import numpy as np

from mdhr_runtime.archive.folders import Input, open_folder
from mdhr_runtime.archive.records import ArchiveVideo, Problem, Record, Results, Task, fit_key
from mdhr_runtime.archive.scheduling import Died, Event, Finished, Workers, schedule
from mdhr_runtime.cli.console import table

MEDIAN, SPREAD = 240.0, 1.2
"""Of a lognormal distribution of lengths, in seconds: an assumption. Half of the videos have up to 4 minutes, 1 % more
than an hour, and the longest of 100,000 half a day to a whole."""

BYTES_PER_SECOND, RATE_SPREAD = 250_000.0, 0.5
"""Likewise of the videos' bit rates, so that a file's size tells its length roughly only."""

FPS = 30.0
"""Frames per second of all videos."""

DAMAGED, DEADLY, ACCIDENTS = 0.01, 0.0001, 0.001
"""Shares of videos that break off somewhere, that kill every worker, and whose worker dies by chance."""

RESTART = 10.0
"""Seconds until there is a new worker in the place of a dead one."""


@click.group()
def main() -> None:
    """Simulate archives, and measure their speed."""


@dataclass
class Simulated(Workers):
    """Workers of which each takes one video at a time, in time that is reckoned.

    Attributes:
        seconds: Id → seconds of work of a video, until it is done or breaks off.
        ends: Id → how it ends: "done", "failed", "deadly", "accident"; the last is "done" at a second attempt.
        results: Where records are written.
        workers: Number of workers.
        now: Seconds since the beginning.
    """

    seconds: dict[str, float]
    ends: dict[str, str]
    results: Results
    workers: int
    now: float = 0.0
    _due: list[tuple[float, int, Event | None]] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self._free = self.workers

    @property
    def free(self) -> int:
        """See `Workers`."""
        return self._free

    def begin(self, task: Task, tries: int = 1, alone: bool = False) -> bool:
        """See `Workers`."""
        seconds, end = self.seconds[task.video.id], self.ends[task.video.id]
        self._free -= 1
        if end == "deadly" or (end == "accident" and tries == 1):
            self._at(self.now + seconds / 2, Died(task, "It was killed.", final=False))
        else:
            self._at(self.now + seconds, Finished(task, record_of(task, end, round(seconds * FPS), tries)))
        return True

    def _at(self, when: float, event: Event | None) -> None:
        self._count += 1
        heapq.heappush(self._due, (when, self._count, event))

    def wait(self, seconds: float) -> list[Event]:
        """See `Workers`: the clock goes on to what happens next."""
        self.now, _, event = heapq.heappop(self._due)
        if isinstance(event, Died):
            self._at(self.now + RESTART, None)
            return [event]
        self._free += 1
        if event is None:
            return []
        assert isinstance(event, Finished)
        self.results.commit(event.task.video.name, event.record)
        return [event]

    def close(self, now: bool = False) -> None:
        """See `Workers`."""


def record_of(task: Task, end: str, frames: int, tries: int) -> Record:
    """A record as the real workers write it."""
    ours: dict[str, Any] = {"bundle": "0" * 64, "options": "0" * 16, "host": "worker-001", "provider": "cpu float32"}
    found: dict[str, Any] = {"frames": frames, "rows": frames, "faces": 1, "media_seconds": frames / FPS}
    state: dict[str, Any] = {"status": "done", "table": "0" * 64}
    if end == "failed":
        problem = Problem(f"{task.video.address} breaks off.", "Its data is damaged.", "Get it again.")
        state = {"status": "failed", "problem": problem}
    about: dict[str, Any] = {
        "id": task.video.id,
        "source": task.video.address,
        "key": task.key,
        "input": task.input.version,
    }
    return Record(**about, size=task.input.size, tries=tries, **ours, **found, **state)


def invent(videos: int, pace: float, seed: int) -> tuple[list[Task], dict[str, float], dict[str, str]]:
    """Invent a collection: its tasks, the seconds of work of each, and how each ends."""
    chance = np.random.default_rng(seed)
    lengths = chance.lognormal(log(MEDIAN), SPREAD, videos)
    sizes = lengths * chance.lognormal(log(BYTES_PER_SECOND), RATE_SPREAD, videos)
    likely = (DAMAGED, DEADLY, ACCIDENTS)
    ends = chance.choice(["failed", "deadly", "accident", "done"], videos, p=[*likely, 1 - sum(likely)])
    tasks = []
    for number in range(videos):
        video = ArchiveVideo(f"site-{number % 50:02}/recording-{number:06}.mp4", f"s3://bucket/{number:06}.mp4")
        state = Input(int(sizes[number]), f"ETag {number:032x}")
        tasks.append(Task(video, state, fit_key(video, state, "0" * 64, "0" * 16)))
    ids = [task.video.id for task in tasks]
    work = lengths * FPS / pace * np.where(ends == "failed", 0.5, 1.0)
    return tasks, dict(zip(ids, map(float, work), strict=True)), dict(zip(ids, map(str, ends), strict=True))


@main.command()
@click.option("--videos", default=100_000, show_default=True)
@click.option("--workers", default=200, show_default=True)
@click.option("--pace", default=30.0, show_default=True, help="Frames per second of a worker.")
@click.option("--seed", default=0, show_default=True)
def simulate(videos: int, workers: int, pace: float, seed: int) -> None:
    """A collection of invented videos, some of which fail or kill workers."""
    tasks, work, ends = invent(videos, pace, seed)
    before = peak()
    with tempfile.TemporaryDirectory() as folder:
        results = Results(open_folder(folder))
        crew = Simulated(work, ends, results, workers)

        def give_up(task: Task, why: str) -> Record:
            record = record_of(task, "failed", 0, 2)
            results.commit(task.video.name, record)
            return record

        begun = perf_counter()
        tally = schedule(tasks, crew, give_up)
        took = perf_counter() - begun
        after = peak()
        files = [file.stat().st_size for file in Path(folder, "records").iterdir()]
        begun = perf_counter()
        standings = results.standings()
        listing = perf_counter() - begun
    assert sorted(standings) == sorted(task.video.name for task in tasks)
    total, longest = sum(work.values()), max(work.values())
    ideal = max(total / workers, longest)
    rows = [
        ("hours of video until they end or break off", f"{total * pace / FPS / 3600:.0f}"),
        ("done, failed", f"{tally.done}, {tally.failed}"),
        ("retries", f"{tally.retries}"),
        ("all work over the workers, hours", f"{total / workers / 3600:.2f}"),
        ("longest video, hours", f"{longest / 3600:.2f}"),
        ("makespan, hours", f"{crew.now / 3600:.2f}"),
        ("makespan to the larger of both", f"{crew.now / ideal:.4f}"),
        ("records", f"{len(files)}"),
        ("bytes of records, of each", f"{sum(files)}, {sum(files) / len(files):.0f}"),
        ("seconds to list them", f"{listing:.2f}"),
        ("real seconds of schedule and records", f"{took:.1f}"),
        ("more memory at the peak, MiB", f"{(after - before) / 2**20:.1f}"),
    ]
    click.echo(table((f"{videos} videos on {workers} workers", ""), rows))


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def start(*command: object) -> subprocess.Popen[str]:
    """Start a program of ours with one thread per model."""
    words = [sys.executable, "-m", *map(str, command), "--threads", "1"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def printed(process: subprocess.Popen[str]) -> str:
    """What a program prints until it ends well."""
    text, _ = process.communicate()
    if process.returncode:
        raise click.ClickException(text)
    return text


def archived(bundle: Path, videos: Sequence[Path], workers: int) -> float:
    """Seconds in which an archive is labelled, from the beginning of its first video to the end of its last."""
    with tempfile.TemporaryDirectory() as folder:
        printed(start("mdhr_runtime.cli.archive", bundle, *videos, "--out", folder, "--workers", workers))
        results = Results(open_folder(folder))
        records = [results.read(name, standing) for name, (standing,) in results.standings().items()]
    assert len(records) == len(videos)
    return max(record.ended for record in records) - min(record.ended - record.seconds for record in records)


def run_twice(bundle: Path, videos: Sequence[Path]) -> float:
    """Seconds that the longer of two `mdhr-run`s says it has taken, each with half of the videos."""
    with tempfile.TemporaryDirectory() as folder:
        tables = Path(folder, "0.parquet"), Path(folder, "1.parquet")
        runs = [start("mdhr_runtime", bundle, *videos[half::2], "--out", tables[half]) for half in (0, 1)]
        return max(float(found) for run in runs for found in re.findall(r"frames in ([0-9.]+) s", printed(run)))


@main.command()
@click.argument("bundle", type=click.Path(exists=True, path_type=Path))
@click.argument("videos", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--rounds", default=3, show_default=True)
def speed(bundle: Path, videos: tuple[Path, ...], rounds: int) -> None:
    """Two workers beside one, and beside two runs of `mdhr-run`, in turns; start-up is left out.

    Give an even number of videos of different names, a minute's work or more. Every model has one thread.
    """
    against_one, against_runs = [], []
    for number in range(rounds):
        one, two, runs = archived(bundle, videos, 1), archived(bundle, videos, 2), run_twice(bundle, videos)
        against_one.append(one / two)
        against_runs.append(runs / two)
        click.echo(f"round {number + 1}: one worker {one:.1f} s, two {two:.1f} s, two runs of mdhr-run {runs:.1f} s")
    click.echo(f"two workers are {median(against_one):.2f} × as fast as one, and {median(against_runs):.2f} × two runs")


if __name__ == "__main__":
    main()
