"""Tables of what was timed call by call. Rows lead with a ratio to something of the same run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..results import Ratio, Result, Timing
from .tables import Table, table
from .units import ABSENT, TOO_WIDE, digits, named, quotient, share, span


def whole_of(result: Result) -> Timing | None:
    """The timing of what a user waits for."""
    return next((timing for timing in result.timings if timing.what == "whole"), None)


def range_of(timing: Timing) -> tuple[float, float]:
    """Where the rounds of a timing lie, in milliseconds of a call: their 10th and 90th percentile."""
    low, high = np.percentile(timing.rounds or timing.samples or (timing.summary.p50,), (10, 90))
    return float(low), float(high)


def milliseconds(timing: Timing, per_frame: bool = False) -> str:
    """The median of a timing, or where it lies if it is not steady."""
    frames = timing.frames if per_frame else 1
    low, high = range_of(timing)
    return named(timing.summary.p50 / frames, low / frames, high / frames, timing.steady, "ms")


def latency(result: Result) -> Table | None:
    """Times of a call, all kinds."""
    if not result.timings:
        return None
    header = ("", "per frame", "frames", "p50", "p90", "p95", "p99", "max", "mean ± sd", "spread")
    notes = [
        "Milliseconds per call. The ratio is per frame, from rounds that alternated. The spread is half the distance "
        "between the 10th and the 90th percentile of the rounds, as a share of their median.",
        *(_described(timing) for timing in result.timings),
    ]
    rows = (_latency_row(result, timing) for timing in result.timings)
    return table("latency", "Latency", header, rows, notes)


def _described(timing: Timing) -> str:
    rounds, calls = len(timing.rounds), timing.summary.count
    return f"{timing.id}: {timing.title} ({calls} calls in {rounds} rounds, after {timing.warm_up} to warm up)."


def _latency_row(result: Result, timing: Timing) -> Iterator[object]:
    yield timing.id
    yield _leading(result, timing)
    yield timing.frames
    if timing.steady:
        summary = timing.summary
        yield from map(digits, (summary.p50, summary.p90, summary.p95, summary.p99, summary.largest))
        yield f"{digits(summary.mean)} ± {digits(summary.sd)}"
    else:
        yield f"{span(*range_of(timing))} ms {TOO_WIDE}"
        yield from (ABSENT,) * 5
    yield f"±{share(timing.spread)}"


def _leading(result: Result, timing: Timing) -> str:
    """The ratio that a row leads with: to the first baseline of the timing, or else to the whole."""
    ratio = next((each for each in result.ratios if each.of == timing.id), None)
    whole = whole_of(result)
    if ratio is None and whole is not None and whole is not timing:
        ratio = ratio_between(timing, whole)
    if ratio is None:
        return ABSENT
    return named(ratio.value, ratio.low, ratio.high, ratio.steady, f"× {ratio.to}")


def ratios_by_round(of: Timing, to: Timing) -> np.ndarray:
    """How many times as long one thing takes as another, per frame, for every round that both have: float64 (R,)."""
    pairs = list(zip(of.rounds, to.rounds, strict=False))
    values = np.array(pairs, np.float64).reshape(-1, 2) / (of.frames, to.frames)
    return values[:, 0] / values[:, 1]


def ratio_between(of: Timing, to: Timing) -> Ratio | None:
    """A ratio that the run did not state, from the rounds of both; None without rounds."""
    values = ratios_by_round(of, to)
    if not values.size:
        return None
    low, value, high = map(float, np.percentile(values, (10, 50, 90)))
    return Ratio(of.id, to.id, value, low, high, of.steady and to.steady)


def ratios(result: Result) -> Table | None:
    """Every ratio, with both times."""
    if not result.ratios:
        return None
    header = ("", "ratio", "p10–p90", "in words", "the one, per frame", "the other, per frame")
    notes = ("Medians over rounds in which both ran in turn; below one, the first is the faster. Times are medians.",)
    rows = (_ratio_row(result, ratio) for ratio in result.ratios)
    return table("ratios", "Ratios within this run", header, rows, notes)


def _ratio_row(result: Result, ratio: Ratio) -> Iterator[object]:
    yield f"{ratio.of} / {ratio.to}"
    yield named(ratio.value, ratio.low, ratio.high, ratio.steady)
    yield f"{digits(ratio.low)}–{digits(ratio.high)}" if ratio.steady else ABSENT
    yield _in_words(ratio)
    for name in (ratio.of, ratio.to):
        timing = result.timing(name)
        yield ABSENT if timing is None else milliseconds(timing, per_frame=True)


def _in_words(ratio: Ratio) -> str:
    if not ratio.steady:
        return ABSENT
    if ratio.low <= 1 <= ratio.high:
        return "no clear difference"
    if ratio.value < 1:
        return f"{digits(quotient(1, ratio.value))} × as fast"
    return f"{digits(ratio.value)} × as long"
