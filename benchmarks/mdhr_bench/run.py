"""One run of the benchmark: its parts, one after the other, into a result that is valid at any moment."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import click

from mdhr_runtime.bundle import MANIFEST, file_hash
from mdhr_runtime.cli.console import step
from mdhr_runtime.contract import ENCODER, FRAMES_DIM, STREAMS_DIM, TEMPORAL
from mdhr_runtime.errors import MdhrError
from mdhr_runtime.streaming.model import load

from .cost.counting import count_graph
from .cost.floor import floor_here, predict
from .machine.describe import describe
from .machine.load import LoadWatch, busy
from .measures.baselines import COMPARED, baseline_cases
from .measures.cases import step_cases
from .measures.hardware import measure_ceilings, measure_transfers
from .measures.pipeline import pipeline
from .measures.processes import cold_start, memory
from .measures.rates import measure_energy, measure_throughput
from .measures.timing import Case, Progress, ratio, time_cases
from .measures.variants import measure_variants
from .results import Missing, Result, write_result


class Benchmark:
    """A run of the benchmark.

    After every part the result is written, so that an interrupted run leaves a valid file that says what is missing.

    Args:
        bundle: The bundle's folder.
        provider: What runs it; see `mdhr_runtime.load`.
        precision: What it is computed in, likewise.
        videos: Video files for the pipeline.
        rounds: Turns of everything that is timed.
        out: The JSON file, or None.

    Attributes:
        model: The bundle, loaded.
        result: What was found so far.

    Raises:
        MdhrError: The bundle or the provider cannot be used.
    """

    def __init__(
        self,
        bundle: Path,
        provider: str,
        precision: str | None = None,
        videos: Sequence[Path] = (),
        rounds: int = 20,
        out: Path | None = None,
    ) -> None:
        self._path, self._videos, self._rounds, self._out = bundle, videos, rounds, out
        trouble = busy()
        self.model = load(bundle, provider, precision=precision)
        # Named, so that new processes neither choose again nor otherwise.
        self._chosen = self.model.provider, self.model.precision
        manifest = self.model.bundle.manifest
        self.result = Result(
            environment=describe(self.model.provider, self.model.reason),
            bundle={
                "name": self.model.bundle.path.name,
                # The manifest holds the hashes of all other files.
                "hash": file_hash(self.model.bundle.path / MANIFEST),
                "backbone": manifest.backbone,
                "dataset": manifest.layout.name,
                "precision": manifest.precision,
            },
            settings={"provider": provider, "precision": precision, "rounds": rounds, "videos": len(videos)},
            started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        self.result.environment["provider"]["precision"] = self.model.precision
        self._begun = monotonic()
        if trouble:
            self.warn(trouble)

    def __call__(self) -> Result:
        """Do all parts.

        Raises:
            OutputError: The result cannot be written; that is found out before anything is measured.
        """
        self.save()
        with tempfile.TemporaryDirectory(prefix="mdhr-bench.") as folder, LoadWatch() as watch:
            for part in PARTS:
                self._do(part, Path(folder))
        if watch.sentence:
            self.warn(watch.sentence)
        self.result.complete = True
        self.save()
        return self.result

    def warn(self, sentence: str) -> None:
        """Tell the user and the reader of the result what they must know before they believe a number."""
        click.secho(f"warning: {sentence}", fg="yellow", err=True)
        self.result.warnings.append(sentence)

    def save(self) -> None:
        """Write the result as it is."""
        self.result.seconds = monotonic() - self._begun
        if self._out:
            write_result(self.result, self._out)

    def _do(self, part: Part, folder: Path) -> None:
        try:
            part.measure(self, folder)
        except MdhrError as error:
            told = f"{error.what} {error.why} {error.fix}"
            self.result.missing.append(Missing(part.name, told))
            click.secho(f"not measured: {part.name}: {told}", fg="yellow", err=True)
        self.save()

    def cold_start(self, _: Path) -> None:
        """A new process until its first score."""
        with step("cold start"):
            self.result.cold_start = cold_start(self._path, *self._chosen)

    def memory(self, _: Path) -> None:
        """Memory of a new process that streams."""
        with step("memory"):
            self.result.memory = memory(self._path, *self._chosen)

    def pipeline(self, _: Path) -> None:
        """Videos to tables, each in a new process."""
        if not self._videos:
            self.result.missing.append(Missing("pipeline", "No --video was given."))
        for video in self._videos:
            with step(f"pipeline, {video.name}"):
                self.result.pipeline.append(pipeline(self._path, *self._chosen, video))

    def ceilings(self, folder: Path) -> None:
        """The machine's ceilings."""
        with step("ceilings of the machine"):
            self.result.ceilings, missing = measure_ceilings(self.model, folder)
        self.result.missing += missing

    def latency(self, folder: Path) -> None:
        """The step, its parts, and everything that it is compared to, in turns."""
        with step("prepare the baselines"):
            found = list(baseline_cases(self.model, folder))
        self.result.missing += [each for each in found if isinstance(each, Missing)]
        cases = [*step_cases(self.model), *(each for each in found if isinstance(each, Case))]
        self.result.timings = time_cases(cases, self._rounds, rounds_shown("latency"))
        timings = {timing.id: timing for timing in self.result.timings}
        self.result.ratios = [ratio(timings[of], timings[to]) for of, to in COMPARED if {of, to} <= timings.keys()]

    def transfers(self, _: Path) -> None:
        """Copies to the device and back."""
        if not self.model.on_gpu:
            self.result.missing.append(Missing("transfers", "The graphs run on the host: nothing is copied."))
        else:
            with step("transfers"):
                self.result.transfers = measure_transfers(self.model)

    def throughput(self, _: Path) -> None:
        """Frames per second over sizes."""
        rounds = max(3, self._rounds // 2)
        self.result.throughput = measure_throughput(self.model, rounds, rounds_shown("throughput"))

    def energy(self, _: Path) -> None:
        """Energy of a frame."""
        with step("energy"):
            self.result.energy, missing = measure_energy(self.model)
        self.result.missing += missing

    def floor(self, _: Path) -> None:
        """Count the work of the graphs, and the least time that it takes here and on other machines."""
        with step("count operations and bytes"):
            sizes = {FRAMES_DIM: 1, STREAMS_DIM: 1}
            paths = {name: self.model.bundle.graph_path(name) for name in (ENCODER, TEMPORAL)}
            costs = [count_graph(name, path, sizes) for name, path in paths.items()]
        self.result.costs = costs
        stored, whole = self.model.bundle.manifest.precision, self.result.timing("step")
        self.result.predictions = predict(costs, stored)
        self.result.floor = floor_here(self.result, costs, self.model.precision, whole) if whole else None
        if self.result.floor is None:
            self.result.missing.append(Missing("floor", "The ceilings or the step were not measured."))

    def variants(self, _: Path) -> None:
        """Every provider and precision that computes the bundle rightly on this CPU, side by side."""
        if not self.model.on_gpu:
            progress = rounds_shown("precisions")
            self.result.missing += measure_variants(self.model, self.result, self._rounds, progress)


class Part(NamedTuple):
    """A part of the run.

    Attributes:
        name: Its name, as reports look for it among what is missing.
        measure: Measures it, into the run's result, with a folder for temporary files.
    """

    name: str
    measure: Callable[[Benchmark, Path], None]


PARTS = (
    # New processes first: this one has not filled the memory yet.
    Part("cold start", Benchmark.cold_start),
    Part("memory", Benchmark.memory),
    Part("pipeline", Benchmark.pipeline),
    Part("latency", Benchmark.latency),
    # Beside the step, whose time is told in units of it.
    Part("ceilings", Benchmark.ceilings),
    Part("transfers", Benchmark.transfers),
    Part("throughput", Benchmark.throughput),
    Part("energy", Benchmark.energy),
    Part("floor", Benchmark.floor),
    Part("precisions", Benchmark.variants),
)
"""In the order in which they are measured."""


def rounds_shown(label: str) -> Progress:
    """Show rounds as a progress bar on stderr."""

    def show(rounds: Iterable[int]) -> Iterator[int]:
        with click.progressbar(list(rounds), label=label, file=sys.stderr) as bar:
            yield from bar

    return show
