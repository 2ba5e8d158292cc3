"""Comparison of two results of the benchmark: changes, and whether they are more than the noise."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .report.overview import absent_parts
from .report.speed import curves_of, range_of, ratios_by_round
from .report.tables import leaves
from .report.units import ABSENT, digits, plain, quotient
from .results import Result

CONFIDENCE = 0.99
"""Of the intervals. A comparison has some twenty rows: with 0.95, one of them would differ by chance."""

RESAMPLES = 4000
"""Samples of the bootstrap, enough for a percentile this far outside to repeat to a few per mille of the ratio."""

FEWEST = 5
"""Rounds of either result, below which their medians say nothing about the noise."""

MACHINE = "machine"

WORDS = {
    "load": {"load", "current", "available", "used", "busy", "temperature", "sm"},
    "power mode": {"power", "governor", "min", "max", "persistence", "limit"},
}
"""Kind of a difference → words of which its name has one."""

TOPICS = {
    "machine": MACHINE,
    "cpu": MACHINE,
    "gpu": MACHINE,
    "packages": "versions",
    "code": "versions",
    "system": "versions",
    "provider": "settings",
}
"""Topic of the environment → kind of its differences that have none of the words."""

KINDS = (MACHINE, "bundle", "settings", "power mode", "versions", "load", "other")
"""Kinds of differences, in the order in which they are told."""


class Verdicts(NamedTuple):
    """Words for a quantity that fell, and for one that rose."""

    fell: str
    rose: str


TIME, RATE, AMOUNT = Verdicts("faster", "slower"), Verdicts("slower", "faster"), Verdicts("less", "more")


@dataclass(frozen=True)
class Quantity:
    """A number of a result that can be compared.

    Attributes:
        name: What it is, the same in both results.
        unit: Its unit.
        value: The number: a median where there are rounds.
        verdicts: Words for its having fallen or risen.
        low: Lower end of where it lies; None for a single measurement.
        high: Upper end of where it lies, likewise.
        steady: Whether the number may be named.
        rounds: The values that the median is of, if they were kept.
    """

    name: str
    unit: str
    value: float
    verdicts: Verdicts
    low: float | None = None
    high: float | None = None
    steady: bool = True
    rounds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Difference:
    """Something about the runs themselves that differs.

    Attributes:
        kind: One of `KINDS`.
        name: What.
        before: In the first run.
        after: In the second.
    """

    kind: str
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """A quantity in both runs.

    Attributes:
        before: In the first run.
        after: In the second.
        ratio: The second by the first; NaN if there is none.
        low: Lower end of the ratio's interval; None where the noise is not known.
        high: Upper end, likewise.
        verdict: In words.
    """

    before: Quantity
    after: Quantity
    ratio: float
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Two results beside each other.

    Attributes:
        same_machine: Whether both ran on the same machine; if not, times are compared as ratios to baselines.
        interrupted: What is missing in which result, because it was interrupted.
        warnings: The warnings of both runs.
        differences: What else differs between the runs, by `KINDS`.
        changes: Every quantity that both have.
        only_before: Quantities that only the first has.
        only_after: Quantities that only the second has.
    """

    same_machine: bool
    interrupted: tuple[str, ...]
    warnings: tuple[str, ...]
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]


def compare(before: Result, after: Result, seed: int = 0) -> Comparison:
    """Compare two results.

    On the same machine absolute times are compared; on different ones what has a baseline in its own run.

    Args:
        before: The first, whole or partial.
        after: The second, likewise.
        seed: Seed of the bootstrap.
    """
    differences = tuple(sorted(_differences(before, after), key=lambda each: KINDS.index(each.kind)))
    same = all(each.kind != MACHINE for each in differences)
    quantities = absolute if same else relative
    first, second = ({each.name: each for each in quantities(result)} for result in (before, after))
    generator = np.random.default_rng(seed)
    runs = {"before": before, "after": after}
    return Comparison(
        same_machine=same,
        interrupted=tuple(
            f"The run {name} was interrupted before its end. Missing: "
            f"{', '.join(absent_parts(result)) or 'no part as a whole'}. Compared is what both have."
            for name, result in runs.items()
            if not result.complete
        ),
        warnings=tuple(f"{name}: {plain(each)}" for name, result in runs.items() for each in result.warnings),
        differences=differences,
        changes=tuple(change(first[name], second[name], generator) for name in first if name in second),
        only_before=tuple(name for name in first if name not in second),
        only_after=tuple(name for name in second if name not in first),
    )


def _differences(before: Result, after: Result) -> Iterator[Difference]:
    yield from _unequal(before.environment, after.environment, _kind)
    yield from _unequal(before.bundle, after.bundle, lambda _name: "bundle")
    yield from _unequal(before.settings, after.settings, lambda _name: "settings")


def _unequal(before: Mapping[str, Any], after: Mapping[str, Any], kind: Callable[[str], str]) -> Iterator[Difference]:
    first, second = dict(leaves(before)), dict(leaves(after))
    for name in dict.fromkeys((*first, *second)):
        values = first.get(name, ABSENT), second.get(name, ABSENT)
        if values[0] != values[1]:
            yield Difference(kind(name), plain(name), plain(values[0]), plain(values[1]))


def _kind(name: str) -> str:
    words = set(re.findall(r"[a-z]+", name.lower()))
    for kind, of_kind in WORDS.items():
        if words & of_kind:
            return kind
    return TOPICS.get(name.split(",")[0], "other")


def absolute(result: Result) -> Iterator[Quantity]:
    """Quantities that are compared on the same machine."""
    for timing in (*result.timings, *(variant.timing for variant in result.variants)):
        low, high = (each / timing.frames for each in range_of(timing))
        rounds = tuple(each / timing.frames for each in timing.rounds)
        value = float(np.median(rounds)) if rounds else timing.summary.p50 / timing.frames
        yield Quantity(timing.id, "ms/frame", value, TIME, low, high, timing.steady, rounds)
    if result.cold_start is not None:
        yield Quantity("cold start", "s", result.cold_start.whole, TIME)
    for point in result.throughput:
        name = f"{point.curve} × {point.size}"
        yield Quantity(name, "frames/s", point.frames_per_second, RATE, point.low, point.high)
    for run in result.pipeline:
        yield Quantity(f"{run.video}, {run.frames} frames", "s", run.seconds, TIME, run.low, run.high)
    yield from _memory(result)
    for energy in result.energy:
        yield Quantity(f"energy of a frame, {energy.source}", "J", energy.joules_per_frame, AMOUNT)
        yield Quantity(f"power, {energy.source}", "W", energy.watts, AMOUNT)


def relative(result: Result) -> Iterator[Quantity]:
    """Quantities that can be compared on different machines: ratios to something of the same run, and memory."""
    for ratio in (*result.ratios, *(variant.ratio for variant in result.variants)):
        of, to = result.timing(ratio.of), result.timing(ratio.to)
        rounds = tuple(map(float, ratios_by_round(of, to))) if of is not None and to is not None else ()
        value = float(np.median(rounds)) if rounds else ratio.value
        yield Quantity(f"{ratio.of} / {ratio.to}", "×", value, TIME, ratio.low, ratio.high, ratio.steady, rounds)
    for curve, (first, *others) in curves_of(result.throughput).items():
        for point in others:
            name = f"{curve} × {point.size} / × {first.size}"
            value = quotient(point.frames_per_second, first.frames_per_second)
            low, high = quotient(point.low, first.high), quotient(point.high, first.low)
            yield Quantity(name, "×", value, RATE, low, high)
    for run in result.pipeline:
        value, low, high = (quotient(each, run.encoder_alone) for each in (run.seconds, run.low, run.high))
        yield Quantity(f"{run.video}, {run.frames} frames / encoder alone", "×", value, TIME, low, high)
    yield from _memory(result)


def _memory(result: Result) -> Iterator[Quantity]:
    taken = result.memory
    if taken is None:
        return
    for name, count in {
        "loaded": taken.loaded,
        "streaming": taken.streaming,
        "at its peak": taken.peak,
        "of a further stream": taken.per_stream,
        "of the GPU": taken.device,
    }.items():
        if count is not None:
            yield Quantity(f"memory {name}", "MiB", count / 2**20, AMOUNT)


def change(before: Quantity, after: Quantity, generator: np.random.Generator) -> Change:
    """The change of a quantity, and whether that is more than the noise.

    Args:
        before: In the first run.
        after: In the second run.
        generator: Draws the bootstrap's samples.
    """
    ratio = quotient(after.value, before.value) if before.value > 0 else math.nan
    if not math.isfinite(ratio):
        return Change(before, after, math.nan, None, None, "no ratio")
    interval: tuple[float, float] | None
    if before.rounds or after.rounds:
        if min(len(before.rounds), len(after.rounds)) < FEWEST:
            return Change(before, after, ratio, None, None, f"fewer than {FEWEST} rounds: not judged")
        interval = bootstrap(before.rounds, after.rounds, generator)
    else:
        interval = _extremes(before, after)
    if interval is None:
        return Change(before, after, ratio, None, None, "one measurement each: noise not known")
    low, high = interval
    verdict = f"no difference beyond the noise (±{digits(50 * (high - low))} %)"
    if high < 1:
        verdict = before.verdicts.fell
    elif low > 1:
        verdict = before.verdicts.rose
    return Change(before, after, ratio, low, high, verdict)


def bootstrap(before: Sequence[float], after: Sequence[float], generator: np.random.Generator) -> tuple[float, float]:
    """Interval of the ratio of two medians, by the percentile bootstrap (Efron and Tibshirani, 1993, chapter 13).

    Args:
        before: Rounds of the first run.
        after: Rounds of the second run.
        generator: Draws the samples.

    Returns:
        The ends of the interval that holds the ratio with `CONFIDENCE`.
    """
    first, second = (
        np.median(generator.choice(np.asarray(rounds, np.float64), (RESAMPLES, len(rounds))), axis=1)
        for rounds in (before, after)
    )
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(second / first, (tail, 100 - tail))
    return float(low), float(high)


def _extremes(before: Quantity, after: Quantity) -> tuple[float, float] | None:
    """The ratio's interval where only the ends of both ranges are known; None where they are of one measurement."""
    ends = [end for end in (before.low, before.high, after.low, after.high) if end is not None and end > 0]
    if len(ends) < 4:
        return None
    before_low, before_high, after_low, after_high = ends
    if before_low == before_high or after_low == after_high:
        return None
    return after_low / before_high, after_high / before_low
