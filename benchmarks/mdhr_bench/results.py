"""The result of a benchmark, as its JSON file holds it. This module is the definition of the format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mdhr_runtime.errors import DataError
from mdhr_runtime.files import write_text
from mdhr_runtime.records import Count, Positive, RecordError, TooNewError, read_json

SCHEMA = 1
"""Version of the format. It rises when a reader of the old version would misread a new result."""


@dataclass(frozen=True)
class Distribution:
    """The distribution of repeated measurements, all in the unit of the measurements.

    Attributes:
        count: Number of them.
        mean: Their mean.
        sd: Their standard deviation.
        p50: Their median; p90, p95 and p99 likewise.
        largest: The largest.
    """

    count: Count
    mean: float
    sd: float
    p50: float
    p90: float
    p95: float
    p99: float
    largest: float


@dataclass(frozen=True)
class Timing:
    """Repeated calls of one thing, in milliseconds.

    Attributes:
        id: Its name in ratios and comparisons, such as "step".
        title: What was called, in words.
        what: "whole" for what a user waits for, "part" for a part of it, "baseline" for what it is compared to.
        frames: Frames that one call processes.
        samples: Milliseconds of every call, in the order in which they were made.
        rounds: Median of the calls of every round: rounds of all things alternate, so that they compare.
        summary: Distribution of the samples.
        spread: How far the rounds lie apart: half the distance between their 10th and 90th percentile, as a share of
            their median.
        steady: Whether the spread is small enough to name a number.
        warm_up: Calls that were made before, until they no longer became faster.
    """

    id: str
    title: str
    what: str
    frames: Positive
    samples: tuple[float, ...]
    rounds: tuple[float, ...]
    summary: Distribution
    spread: float
    steady: bool
    warm_up: Count


@dataclass(frozen=True)
class Ratio:
    """The ratio of two times per frame, from rounds that alternated.

    Attributes:
        of: Id of the timing.
        to: Id of the baseline's timing.
        value: Median over the rounds.
        low: 10th percentile over the rounds.
        high: 90th percentile over the rounds.
        steady: Whether low and high are close enough together to name a number.
    """

    of: str
    to: str
    value: float
    low: float
    high: float
    steady: bool


@dataclass(frozen=True)
class ColdStart:
    """A new process until its first score, in seconds; medians over several processes.

    Attributes:
        imports: Until the runtime is imported.
        load: Reading and checking the bundle, and starting its graphs.
        first: The first frame's way through the graphs.
        whole: From the start of the process to the first score.
        processes: Number of processes.
    """

    imports: float
    load: float
    first: float
    whole: float
    processes: Count


@dataclass(frozen=True)
class Transfer:
    """Copies between the host and the device that the step includes, in milliseconds.

    Attributes:
        direction: "host to device" or "device to host".
        size: Bytes of one copy.
        summary: Distribution.
    """

    direction: str
    size: Count
    summary: Distribution


@dataclass(frozen=True)
class Throughput:
    """Frames per second at one size.

    Attributes:
        curve: "encoder": frames per run of the encoder; "streams": streams that take one frame each per step;
            "clip": frames of one stream that are given at once.
        size: The number that the curve varies.
        frames_per_second: Median over the rounds.
        low: 10th percentile over the rounds.
        high: 90th percentile over the rounds.
        knee: Whether this is the smallest size that comes within a few per cent of the curve's best.
    """

    curve: str
    size: Count
    frames_per_second: float
    low: float
    high: float
    knee: bool


@dataclass(frozen=True)
class Stage:
    """A stage of the pipeline. Stages overlap in time: their shares do not add up to one.

    Attributes:
        name: "decode", "detection", "alignment", "encoding", "temporal" or "output".
        seconds: Time spent inside it, median over the runs.
        share: That time as a share of the wall time.
    """

    name: str
    seconds: float
    share: float


@dataclass(frozen=True)
class Pipeline:
    """A video on its way to a table.

    Attributes:
        video: Name of the file.
        width: Of a frame, in pixels.
        height: Of a frame, in pixels.
        frames: Number of frames.
        faces: Number of rows with a face.
        seconds: Wall time, median over the runs.
        low: The shortest run.
        high: The longest run.
        stages: Where the time went.
        encoder_alone: Seconds that the same runs of the encoder take with nothing beside them.
        overhead: Share of the wall time in which the encoder does not run.
        runs: Number of runs.
    """

    video: str
    width: Count
    height: Count
    frames: Count
    faces: Count
    seconds: float
    low: float
    high: float
    stages: tuple[Stage, ...]
    encoder_alone: float
    overhead: float
    runs: Count


@dataclass(frozen=True)
class Memory:
    """Memory of a process that streams, in bytes.

    Attributes:
        imported: Resident when the runtime is imported.
        loaded: Resident when the bundle is loaded.
        streaming: Resident after some frames of one stream.
        peak: The most that was ever resident.
        state: State of one stream, as the bundle describes it.
        per_stream: Resident memory that each further stream adds; what is measured includes a stream's buffers.
        device: Memory that the process takes on the GPU; None without one.
    """

    imported: Count
    loaded: Count
    streaming: Count
    peak: Count
    state: Count
    per_stream: Count
    device: Count | None


@dataclass(frozen=True)
class Energy:
    """Energy while steps ran one after the other.

    Attributes:
        source: What measured it, and of what, such as "RAPL, package".
        joules_per_frame: Energy of a frame.
        watts: Mean power while it ran.
        idle_watts: Mean power before.
        frames: Number of frames.
    """

    source: str
    joules_per_frame: float
    watts: float
    idle_watts: float
    frames: Count


@dataclass(frozen=True)
class Ceiling:
    """The machine's best case, measured in the same run.

    Attributes:
        id: "copy", or "matmul" with a precision; results from before there were several have one "matmul", in the
            precision of the bundle.
        title: What was run, in words.
        unit: "FLOP/s" or "B/s".
        value: The best round.
        summary: Distribution over the rounds.
    """

    id: str
    title: str
    unit: str
    value: float
    summary: Distribution


@dataclass(frozen=True)
class Cost:
    """The work of a graph for one frame of one stream, counted from its ONNX file.

    Attributes:
        graph: Its name.
        flops: Floating point operations; a multiplication with an addition counts as two.
        by_operator: The same by ONNX operator, of those that count.
        weights: Bytes of its weights.
        inputs: Bytes of its inputs, states included.
        outputs: Bytes of its outputs, states included.
        traffic: Bytes that its operators read and write one by one, if nothing stayed in a cache or was fused.
    """

    graph: str
    flops: Count
    by_operator: Mapping[str, Count]
    weights: Count
    inputs: Count
    outputs: Count
    traffic: Count


@dataclass(frozen=True)
class Floor:
    """The least time that a step, or the encoder alone, can take by the ceilings measured here.

    Attributes:
        milliseconds: Sum over the graphs of the larger of both limits.
        compute: Milliseconds that the operations take at the ceiling of the matrix product in their precision.
        memory: Milliseconds that weights, inputs and outputs take at the ceiling of the copy.
        times: How many times as long the step takes as this.
    """

    milliseconds: float
    compute: float
    memory: float
    times: float


@dataclass(frozen=True)
class Variant:
    """The encoder or the step as one provider computes it in one precision, in turns with others.

    Attributes:
        timing: Its time; the id says all that in words, and how many frames of one stream a call takes.
        ratio: Its ratio to the first of as many frames.
        floor: The least time of the encoder by the ceiling of that precision; None for the step, or without ceilings.
        layers: Kinds of the encoder's layers with their kernels → share of the time of all, as far as OpenVINO tells.
    """

    timing: Timing
    ratio: Ratio
    floor: Floor | None
    layers: Mapping[str, float]


@dataclass(frozen=True)
class Prediction:
    """The floor of a step on a machine that was not measured, from its datasheet. Not a measurement.

    Attributes:
        machine: Its name.
        flops: Peak operations per second of dense matrix products in the precision.
        bandwidth: Bytes per second of its memory.
        precision: "float16".
        milliseconds: The floor.
        limit: "compute" or "memory", what makes most of the floor.
        source: Where the peaks are stated.
    """

    machine: str
    flops: float
    bandwidth: float
    precision: str
    milliseconds: float
    limit: str
    source: str


@dataclass(frozen=True)
class Missing:
    """Something that was not measured.

    Attributes:
        what: What.
        why: Why.
    """

    what: str
    why: str


@dataclass
class Result:
    """All that one run of the benchmark found. It grows while the run goes on.

    Attributes:
        environment: The machine and its software: names to text, numbers, or further such mappings.
        bundle: The bundle: name, hash, backbone, dataset, precision.
        settings: How it was measured.
        started: When, as ISO 8601 in UTC.
        seconds: How long it took.
        complete: Whether the run came to its end. In a partial result, parts are missing.
        warnings: What a reader must know before they believe a number, such as load by other programs.
        missing: What was not measured, and why.
        schema: Version of the format.
    """

    environment: dict[str, Any]
    bundle: dict[str, Any]
    settings: dict[str, Any]
    started: str
    seconds: float = 0.0
    complete: bool = False
    warnings: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    cold_start: ColdStart | None = None
    timings: list[Timing] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    throughput: list[Throughput] = field(default_factory=list)
    pipeline: list[Pipeline] = field(default_factory=list)
    memory: Memory | None = None
    energy: list[Energy] = field(default_factory=list)
    ceilings: list[Ceiling] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    floor: Floor | None = None
    predictions: list[Prediction] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    schema: Positive = SCHEMA

    def timing(self, name: str) -> Timing | None:
        """The timing with an id, if it was taken."""
        return next((timing for timing in self.timings if timing.id == name), None)

    def ceiling(self, name: str) -> Ceiling | None:
        """The ceiling with an id, if it was measured."""
        return next((ceiling for ceiling in self.ceilings if ceiling.id == name), None)

    @property
    def precision(self) -> str:
        """What the graphs were computed in; before it could be chosen, that was the bundle's."""
        provider = self.environment.get("provider")
        stated = provider.get("precision") if isinstance(provider, Mapping) else None
        return str(stated or self.bundle.get("precision"))

    def peak(self, precision: str | None = None) -> Ceiling | None:
        """The ceiling of matrix products in a precision, by default the model's own, if it was measured."""
        return self.ceiling(f"matmul {precision or self.precision}") or self.ceiling("matmul")


def is_result(path: Path) -> bool:
    """Whether a file is a whole result, and nothing else is in it."""
    try:
        whole = json.loads(json.dumps(asdict(read_result(path))))
    except DataError:
        return False
    # An older version wrote fewer parts.
    return bool(whole == whole | json.loads(path.read_text(encoding="utf-8")))


def write_result(result: Result, path: Path) -> None:
    """Write a result as JSON. The file is replaced whole, so that it is valid at any moment.

    Raises:
        OutputError: The file cannot be written.
    """
    write_text(path, json.dumps(asdict(result), indent=1) + "\n")


def read_result(path: Path) -> Result:
    """Read a result.

    Raises:
        DataError: There is no such file, or it is not a result, or one of a newer version.
    """
    try:
        result: Result = read_json(path, Result, SCHEMA)
    except TooNewError as error:
        raise DataError(f"{path} is newer than this software.", str(error), "Upgrade mdhr-edge.") from error
    except RecordError as error:
        fix = "Give the JSON file that `mdhr-bench … --out FILE.json` wrote, or run the benchmark again."
        raise DataError(f"{path} cannot be read as a benchmark's result.", str(error), fix) from error
    return result
