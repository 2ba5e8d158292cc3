"""Frames per second over sizes, to the knee: more at once is faster only so far."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mdhr_runtime.streaming.model import Model

from ..results import Throughput
from .sampling import Progress, Way, time_ways
from .ways import batch_call, chunk_call, encoder_call

SIZES = (1, 2, 4, 8, 16, 32)

KNEE = 0.95
"""Share of a curve's best from which a size is as good as the best."""

CURVES: dict[str, Callable[[Model, int], Callable[[], object]]] = {
    "encoder": encoder_call,
    "streams": batch_call,
    "clip": chunk_call,
}
"""Curve → what makes the call of a size; see `Throughput`."""


def measure_throughput(model: Model, rounds: int, progress: Progress = iter) -> list[Throughput]:
    """Measure all curves, in turns.

    Args:
        model: The model.
        rounds: Number of turns of every size.
        progress: Is given the rounds.
    """
    limits = _limits(model)
    ways = [
        Way(f"{curve}-{size}", curve, "part", size, make(model, size))
        for curve, make in CURVES.items()
        for size in SIZES
        if size <= limits[curve]
    ]
    timings = time_ways(ways, rounds, progress)
    points = []
    for curve in CURVES:
        rates = {each.frames: 1e3 * each.frames / np.array(each.rounds) for each in timings if each.title == curve}
        points += _curve(curve, rates)
    return points


def _limits(model: Model) -> dict[str, int]:
    """The largest size of each curve: engines have limits, and a stream takes no more than a chunk."""
    return {
        "encoder": model.graph("encoder").limits.get("frames", max(SIZES)),
        "streams": max(SIZES),
        "clip": model.batch().most_frames,
    }


def _curve(curve: str, rates: dict[int, np.ndarray]) -> list[Throughput]:
    """Points of a curve from the frames per second of every size's rounds."""
    middle = {size: float(np.median(values)) for size, values in rates.items()}
    knee = min(size for size, value in middle.items() if value >= KNEE * max(middle.values()))
    return [
        Throughput(curve, size, middle[size], *(float(x) for x in np.percentile(values, (10, 90))), size == knee)
        for size, values in rates.items()
    ]
