"""Endurance of the pipeline, and what it gives up for speed.

    python benchmarks/endurance.py many BUNDLE VIDEO         several files at once beside one after the other
    python benchmarks/endurance.py memory BUNDLE VIDEO       memory, files and threads over a long time of looped video
    python benchmarks/endurance.py provisional BUNDLE VIDEO  how far provisional scores are from final ones

Figures compare within one run: on a machine that does other things too, repeat them. The real pipeline runs but for its
outputs; `memory` needs Linux.
"""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter, process_time

import click
import numpy as np

import mdhr_runtime
from mdhr_runtime.pipeline.analysis import Analysis, limit_opencv_threads, make_face_providers
from mdhr_runtime.sinks import SinkContext
from mdhr_runtime.sinks.csv_file import CsvFile
from mdhr_runtime.sources import Frame, Source, SourceBase, Video, open_sources
from mdhr_runtime.streaming.model import Model

BUNDLE = click.argument("bundle", type=click.Path(exists=True, path_type=Path))
VIDEO = click.argument("video", type=click.Path(exists=True, path_type=Path))
ROUNDS = click.option("--rounds", default=3, show_default=True)


@click.group()
def main() -> None:
    """Measure the pipeline over a long time."""
    limit_opencv_threads()  # as the command does


def analyse(model: Model, sources: Sequence[Source]) -> tuple[int, float]:
    """Run the pipeline to its end; return the number of final results and the seconds."""
    begun = perf_counter()
    output = CsvFile(os.devnull, SinkContext(model.aus))
    with output, Analysis(sources, model, make_face_providers(model), keep_images=False) as analysis:
        count = 0
        for result in analysis:
            output.write(result)
            count += result.final
    assert not analysis.problems
    return count, perf_counter() - begun


@main.command()
@BUNDLE
@VIDEO
@ROUNDS
@click.option("--files", default=4, show_default=True)
def many(bundle: Path, video: Path, rounds: int, files: int) -> None:
    """Several files at once beside one file: frames per second."""
    model = mdhr_runtime.load(bundle)
    analyse(model, [Video(video)])  # warm up
    for _ in range(rounds):
        one_count, one_seconds = analyse(model, [Video(video)])
        count, seconds = analyse(model, open_sources([video] * files))
        one, together = one_count / one_seconds, count / seconds
        click.echo(
            f"one {one:.1f} frames/s, {files} at once {together:.1f} frames/s: {together / one:.3f}; "
            f"largest resident memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"
        )


class Looped(SourceBase):
    """A video file over and over, as one long source."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__(path.name, fps=Video(path).fps)
        self._path, self._seconds = path, seconds

    def __iter__(self) -> Iterator[Frame | None]:
        number, fps = 0, self.fps or 25.0  # where the file does not tell
        while not self._stopped.is_set() and number / fps < self._seconds:
            for frame in filter(None, Video(self._path)):
                number += 1
                yield Frame(number, number / fps, frame.image)
            yield None  # the jump back to the beginning


@main.command("memory")
@BUNDLE
@VIDEO
@click.option("--minutes", default=30.0, show_default=True, help="Of video.")
@click.option("--every", default=60.0, show_default=True, help="Seconds of video between two lines.")
def endurance(bundle: Path, video: Path, minutes: float, every: float) -> None:
    """Memory, open files and threads while a long video is analysed."""
    model = mdhr_runtime.load(bundle)
    begun, due = perf_counter(), 0.0
    with Analysis([Looped(video, 60 * minutes)], model, make_face_providers(model)) as analysis:
        for result in analysis:
            if result.timestamp >= due:
                due += every
                click.echo(f"{result.timestamp / 60:5.1f} min of video: {state()}")
    click.echo(f"{minutes:g} min of video in {(perf_counter() - begun) / 60:.1f} min, {process_time() / 60:.1f} of CPU")


def state() -> str:
    """Resident memory, open files and threads of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    resident = pages * resource.getpagesize() / 2**20
    threads = len(os.listdir("/proc/self/task"))
    files = len(os.listdir("/proc/self/fd"))
    return f"{resident:.1f} MiB resident, {files} files, {threads} threads ({threading.active_count()} of Python)"


@main.command()
@BUNDLE
@VIDEO
def provisional(bundle: Path, video: Path) -> None:
    """Measure the distance of provisional scores from final ones."""
    model = mdhr_runtime.load(bundle)
    early: list[np.ndarray]
    final: list[np.ndarray]
    early, final = [], []
    with Analysis([Video(video)], model, make_face_providers(model), provisional=True, keep_images=False) as analysis:
        for result in analysis:
            rows = final if result.final else early
            rows.extend(row.scores for row in result.rows if row.scores is not None)
    first, last = np.stack(early), np.stack(final)
    distance = np.abs(first - last)
    flips = (model.output.occurs(first) != model.output.occurs(last)).mean()
    click.echo(
        f"{len(last)} rows of {video.name}: mean distance {distance.mean():.4f}, 95 % below "
        f"{np.quantile(distance, 0.95):.4f}, largest {distance.max():.4f}; "
        f"{flips:.1%} of the occurrences change; spread of the final scores {last.std(axis=0).mean():.4f}"
    )


if __name__ == "__main__":
    main()
