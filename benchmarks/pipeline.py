"""What the pipeline costs beside the encoder, and whether it holds out.

    python benchmarks/pipeline.py share BUNDLE VIDEO      the encoder's share of the wall time
    python benchmarks/pipeline.py many BUNDLE VIDEO       four files at once beside one after the other
    python benchmarks/pipeline.py endurance BUNDLE VIDEO  memory, files and threads over a long time of looped video
    python benchmarks/pipeline.py provisional BUNDLE VIDEO  how far provisional scores are from final ones

Figures compare within one run: on a machine that does other things too, repeat them. The real command runs but for its
outputs; `endurance` needs Linux.
"""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path
from time import perf_counter, process_time

import click
import numpy as np

import mdhr_runtime
from mdhr_runtime.analysis import Analysis, leave_the_cores, make_finders
from mdhr_runtime.outputs.csv_file import CsvFile
from mdhr_runtime.sources import Frame, Video, open_sources

BUNDLE = click.argument("bundle", type=click.Path(exists=True, path_type=Path))
VIDEO = click.argument("video", type=click.Path(exists=True, path_type=Path))
ROUNDS = click.option("--rounds", default=3, show_default=True)


@click.group()
def main():
    """Measure the pipeline."""
    leave_the_cores()  # as the command does


class Timed:
    """A graph whose runs are timed and can be seen from outside."""

    def __init__(self, graph):
        self._graph = graph
        self.seconds = 0.0
        self.batches = []

    def __getattr__(self, name):
        return getattr(self._graph, name)

    def run(self, inputs, outputs):
        begun = perf_counter()
        self._graph.run(inputs, outputs)
        self.seconds += perf_counter() - begun
        self.batches.append(len(next(iter(inputs.values()))) if "frames" in inputs else 0)


def analyse(model, sources, out=None):
    """Run the pipeline to its end; return the number of final results and the seconds."""
    begun = perf_counter()
    output = CsvFile(out or Path(os.devnull), model.aus)
    with output, Analysis(sources, model, make_finders(model), keep_images=False) as analysis:
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
def share(bundle, video, rounds):
    """The encoder's share of the wall time, and its time with the machine for itself."""
    model = mdhr_runtime.load(bundle)
    encoder, temporal = Timed(model.graph("encoder")), Timed(model.graph("temporal"))
    graphs = {"encoder": encoder, "temporal": temporal}
    load = model.graph
    model.graph = lambda name: graphs.get(name) or load(name)
    analyse(model, [Video(video)])  # warm up
    for _ in range(rounds):
        encoder.seconds = temporal.seconds = 0.0
        encoder.batches.clear()
        count, seconds = analyse(model, [Video(video)])
        inside, related = encoder.seconds / seconds, temporal.seconds / seconds
        alone = encoder_alone(model, tuple(encoder.batches))
        click.echo(
            f"{count} frames, {count / seconds:.1f} frames/s, {seconds:.2f} s: "
            f"in the encoder {inside:.1%}, in the temporal graph {related:.1%}; "
            f"the encoder alone would take {alone / seconds:.1%}"
        )


def encoder_alone(model, batches):
    """Seconds that the encoder takes for batches of these sizes and nothing beside it."""
    batch = model.batch()
    crops = np.random.default_rng(0).integers(0, 256, (max(batches), 224, 224, 3), np.uint8)
    begun = perf_counter()
    for size in batches:
        batch._encode([crops[:size]])
    return perf_counter() - begun


@main.command()
@BUNDLE
@VIDEO
@ROUNDS
@click.option("--files", default=4, show_default=True)
def many(bundle, video, rounds, files):
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


class Looped:
    """A video file over and over, as one long source."""

    live = False
    frame_count = None

    def __init__(self, path, seconds):
        self.name, self.warnings = path.name, []
        self._path, self._seconds = path, seconds
        self.fps = Video(path).fps
        self._stopped = False

    def __iter__(self):
        number = 0
        while not self._stopped and number / self.fps < self._seconds:
            for frame in Video(self._path):
                number += 1
                yield Frame(number, number / self.fps, frame.image)
            yield None  # the jump back to the beginning

    def stop(self):
        self._stopped = True


@main.command()
@BUNDLE
@VIDEO
@click.option("--minutes", default=30.0, show_default=True, help="Of video.")
@click.option("--every", default=60.0, show_default=True, help="Seconds of video between two lines.")
def endurance(bundle, video, minutes, every):
    """Memory, open files and threads while a long video is analysed."""
    model = mdhr_runtime.load(bundle)
    begun, due = perf_counter(), 0.0
    with Analysis([Looped(video, 60 * minutes)], model, make_finders(model)) as analysis:
        for result in analysis:
            if result.timestamp >= due:
                due += every
                click.echo(f"{result.timestamp / 60:5.1f} min of video: {state()}")
    click.echo(f"{minutes:g} min of video in {(perf_counter() - begun) / 60:.1f} min, {process_time() / 60:.1f} of CPU")


def state():
    """Resident memory, open files and threads of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    resident = pages * resource.getpagesize() / 2**20
    threads = len(os.listdir("/proc/self/task"))
    files = len(os.listdir("/proc/self/fd"))
    return f"{resident:.1f} MiB resident, {files} files, {threads} threads ({threading.active_count()} of Python)"


@main.command()
@BUNDLE
@VIDEO
def provisional(bundle, video):
    """How far provisional scores are from final ones."""
    model = mdhr_runtime.load(bundle)
    early, final = [], []
    with Analysis([Video(video)], model, make_finders(model), provisional=True, keep_images=False) as analysis:
        for result in analysis:
            rows = final if result.final else early
            rows.extend(row.scores for row in result.rows if row.success)
    early, final = np.stack(early), np.stack(final)
    distance = np.abs(early - final)
    flips = ((early >= 0.5) != (final >= 0.5)).mean()
    click.echo(
        f"{len(final)} rows of {video.name}: mean distance {distance.mean():.4f}, 95 % below "
        f"{np.quantile(distance, 0.95):.4f}, largest {distance.max():.4f}; "
        f"{flips:.1%} of the occurrences change; spread of the final scores {final.std(axis=0).mean():.4f}"
    )


if __name__ == "__main__":
    main()
