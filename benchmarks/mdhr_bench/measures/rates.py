"""Frames per second over sizes, to the knee where more at once is no faster; and the energy of a frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from time import monotonic

import numpy as np

from mdhr_runtime.contract import ENCODER, FRAMES_DIM
from mdhr_runtime.errors import MdhrError
from mdhr_runtime.streaming.model import Model

from ..machine.power import Meter, find_meters
from ..results import Energy, Missing, Throughput
from .cases import batch_call, chunk_call, encoder_call, some_frames
from .timing import Case, Progress, time_cases

SIZES = (1, 2, 4, 8, 16, 32)
"""Sizes of every curve. Those that still gain at the largest go on in powers of two."""

LARGEST = 512
"""The largest size of any curve."""

GAIN = 1.05
"""Gain in frames per second that a doubled size must bring for the curve to go on."""

KNEE = 0.95
"""Share of a curve's best from which a size is as good as the best."""

CURVES: dict[str, Callable[[Model, int], Callable[[], object]]] = {
    "encoder": encoder_call,
    "streams": batch_call,
    "clip": chunk_call,
}
"""Curve → what makes the call of a size; see `Throughput`."""

STEPS_SECONDS = 10.0
"""Seconds that steps run for their energy: a hundred new values of most meters, ten of the slowest."""

IDLE_SECONDS = 5.0
"""Seconds of rest before, whose power is told beside."""


def measure_throughput(model: Model, rounds: int, progress: Progress = iter) -> list[Throughput]:
    """Measure all curves, in turns.

    Args:
        model: The model.
        rounds: Number of turns of every size.
        progress: Is given the rounds.
    """
    # Engines have limits, and a stream takes no more than a chunk.
    limits = {ENCODER: model.graph(ENCODER).limits.get(FRAMES_DIM, LARGEST), "clip": model.batch().most_frames}
    rates: dict[str, dict[int, np.ndarray]] = {curve: {} for curve in CURVES}
    sizes = {curve: [size for size in SIZES if size <= limits.get(curve, LARGEST)] for curve in CURVES}
    while any(sizes.values()):
        cases = [
            Case(f"{curve}-{size}", curve, "part", size, CURVES[curve](model, size))
            for curve, wanted in sizes.items()
            for size in wanted
        ]
        for timing in time_cases(cases, rounds, progress):
            rates[timing.title][timing.frames] = 1e3 * timing.frames / np.array(timing.rounds)
        sizes = {curve: _further(rates[curve], limits.get(curve, LARGEST)) for curve in sizes if sizes[curve]}
    return [point for curve, of_sizes in rates.items() for point in _points(curve, of_sizes)]


def _further(rates: Mapping[int, np.ndarray], limit: int) -> list[int]:
    """The next size of a curve, if it may be that large and the last doubling brought enough."""
    *_, before, last = (0, *sorted(rates))
    gained = before and np.median(rates[last]) >= GAIN * np.median(rates[before])
    return [2 * last] if gained and 2 * last <= min(limit, LARGEST) else []


def _points(curve: str, rates: Mapping[int, np.ndarray]) -> list[Throughput]:
    """Points of a curve from the frames per second of every size's rounds."""
    middle = {size: float(np.median(values)) for size, values in rates.items()}
    knee = min(size for size, value in middle.items() if value >= KNEE * max(middle.values()))
    low, high = ({size: float(np.percentile(each, end)) for size, each in rates.items()} for end in (10, 90))
    return [Throughput(curve, size, middle[size], low[size], high[size], size == knee) for size in rates]


def measure_energy(model: Model) -> tuple[list[Energy], list[Missing]]:
    """Measure the energy of a frame, with every meter of this machine, one after the other.

    Args:
        model: The model.

    Returns:
        What was measured, and which meters could not be read.
    """
    meters, missing = find_meters()
    found = []
    for meter in meters:
        try:
            found.append(_energy(meter, model))
        except MdhrError as error:
            missing.append(Missing(f"energy by {meter.name}", f"{error.what} {error.why}"))
    return found, missing


def _energy(meter: Meter, model: Model) -> Energy:
    push, frame = model.stream().push, some_frames(model, 1)

    def run_steps() -> int:
        frames, end = 0, monotonic() + STEPS_SECONDS
        while monotonic() < end:
            push(frame)
            frames += 1
        return frames

    idle, resting, _ = meter.measure(lambda: time.sleep(IDLE_SECONDS))
    joules, seconds, frames = meter.measure(run_steps)
    return Energy(
        meter.name,
        joules_per_frame=joules / frames,
        watts=joules / seconds,
        idle_watts=idle / resting,
        frames=frames,
    )
