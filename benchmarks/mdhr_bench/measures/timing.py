"""Repeated calls: warm-up, rounds in which all cases take their turns, and statistics of what they took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ..results import Distribution, Ratio, Timing

STEADY = 0.05
"""Spread up to which a number is named. Above it, only a range is."""

TURN = 0.25
"""Seconds that something is called in a row when its turn comes, so that what ran before it no longer matters."""

MOST_CALLS = 50
"""Calls of a turn at most."""

WINDOW = 5
"""Calls of the warm-up that are compared with as many before them."""

SETTLED = 0.98
"""The warm-up goes on while a window takes less than this share of the one before."""

WARM_UP_SECONDS = 10.0
"""The longest warm-up: what takes seconds per call is not called 10 times before it counts."""

Progress = Callable[[Iterable[int]], Iterable[int]]
"""Shows how far the rounds have come."""


@dataclass(frozen=True)
class Case:
    """Something to time, which can be called again and again; see `Timing` for id, title, what and frames.

    Attributes:
        call: Does it once, and returns when it is done.
    """

    id: str
    title: str
    what: str
    frames: int
    call: Callable[[], object]


def time_cases(cases: Sequence[Case], rounds: int, progress: Progress = iter) -> list[Timing]:
    """Time cases in turns: A B C A B C …, so that what disturbs the machine for a while disturbs all of them.

    Args:
        cases: The cases.
        rounds: Number of turns of each.
        progress: Is given the rounds.
    """
    warm_ups = [warm_up(case.call) for case in cases]
    samples: list[list[list[float]]] = [[] for _ in cases]
    for _ in progress(range(rounds)):
        for case, (_, seconds), taken in zip(cases, warm_ups, samples, strict=True):
            taken.append(_turn(case.call, seconds))
    return [_timing(case, calls, taken) for case, (calls, _), taken in zip(cases, warm_ups, samples, strict=True)]


def warm_up(call: Callable[[], object]) -> tuple[int, float]:
    """Call something until it no longer becomes faster.

    Returns:
        Number of calls, and the seconds that one takes in the end.
    """
    seconds: list[float] = []
    while sum(seconds) < WARM_UP_SECONDS:
        seconds.append(seconds_of(call))
        if len(seconds) >= 2 * WINDOW and (
            np.median(seconds[-WINDOW:]) > SETTLED * np.median(seconds[-2 * WINDOW : -WINDOW])
        ):
            break
    return len(seconds), float(np.median(seconds[-WINDOW:]))


def summarise(values: Sequence[float]) -> Distribution:
    """Describe a distribution."""
    p50, p90, p95, p99 = (float(each) for each in np.percentile(values, (50, 90, 95, 99)))
    return Distribution(
        len(values), float(np.mean(values)), float(np.std(values)), p50, p90, p95, p99, float(max(values))
    )


def spread(values: Sequence[float] | np.ndarray) -> float:
    """Half the distance between the 10th and the 90th percentile, as a share of the median."""
    low, middle, high = np.percentile(values, (10, 50, 90))
    return float((high - low) / 2 / middle)


def ratio(of: Timing, to: Timing) -> Ratio:
    """Ratios of two times per frame, round by round."""
    values = (np.array(of.rounds) / of.frames) / (np.array(to.rounds) / to.frames)
    low, middle, high = (float(each) for each in np.percentile(values, (10, 50, 90)))
    return Ratio(of.id, to.id, middle, low, high, spread(values) <= STEADY)


def _turn(call: Callable[[], object], seconds: float) -> list[float]:
    """Milliseconds of some calls in a row."""
    calls = min(MOST_CALLS, max(1, round(TURN / seconds)))
    if calls > 1:
        call()  # brings its data back into the caches, and its threads to their places
    return [1e3 * seconds_of(call) for _ in range(calls)]


def seconds_of(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = perf_counter()
    call()
    return perf_counter() - start


def _timing(case: Case, calls: int, turns: Sequence[Sequence[float]]) -> Timing:
    rounds = tuple(float(np.median(turn)) for turn in turns)
    samples = tuple(sample for turn in turns for sample in turn)
    apart = spread(rounds)
    return Timing(
        case.id, case.title, case.what, case.frames, samples, rounds, summarise(samples), apart, apart <= STEADY, calls
    )
