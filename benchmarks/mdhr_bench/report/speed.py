"""Tables of how fast it is. Rows lead with a ratio to something of the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from ..measures.timing import ratio as ratio_of
from ..results import ColdStart, Pipeline, Ratio, Result, Throughput, Timing, Transfer, Variant
from .tables import Table, table
from .units import ABSENT, TOO_WIDE, digits, named, quotient, scaled, share, size, span

CURVES = {
    "encoder": "frames per run of the encoder",
    "streams": "streams that take one frame each per step",
    "clip": "frames of one stream that are given at once",
}
"""Curve of the throughput → what its size counts."""


def whole_of(result: Result) -> Timing | None:
    """The timing of what a user waits for."""
    return next((timing for timing in result.timings if timing.what == "whole"), None)


def range_of(timing: Timing) -> tuple[float, float]:
    """Range of the rounds of a timing, in milliseconds of a call: their 10th and 90th percentile."""
    low, high = np.percentile(timing.rounds or timing.samples or (timing.summary.p50,), (10, 90))
    return float(low), float(high)


def derived(timing: Timing | None, of: Callable[[float], float], unit: str) -> str:
    """A quantity that follows from a timing, or where it lies if that is not steady.

    Args:
        timing: The timing; without one the quantity does not exist.
        of: The quantity for a time of a call in milliseconds.
        unit: Its unit.
    """
    if timing is None:
        return ABSENT
    low, high = sorted(map(of, range_of(timing)))
    return named(of(timing.summary.p50), low, high, timing.steady, unit)


def milliseconds(timing: Timing, per_frame: bool = False) -> str:
    """The median of a timing, or where it lies if it is not steady."""
    frames = timing.frames if per_frame else 1
    return derived(timing, lambda time: time / frames, "ms")


def latency(result: Result, timings: Sequence[Timing]) -> Table:
    """Times of a call, all kinds."""
    header = ("", "per frame", "frames", "p50", "p90", "p95", "p99", "max", "mean ± sd", "spread")
    notes = [
        "Milliseconds per call. The ratio is per frame, from rounds that alternated. The spread is half the distance "
        "between the 10th and the 90th percentile of the rounds, as a share of their median.",
        *(
            f"{timing.id}: {timing.title} ({timing.summary.count} calls in {len(timing.rounds)} rounds, after "
            f"{timing.warm_up} to warm up)."
            for timing in timings
        ),
    ]
    rows = (_latency_row(result, timing) for timing in timings)
    return table("latency", "Latency", header, rows, notes)


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
    if ratio is None and whole is not None and whole is not timing and 0 < len(timing.rounds) == len(whole.rounds):
        ratio = ratio_of(timing, whole)
    if ratio is None:
        return ABSENT
    return named(ratio.value, ratio.low, ratio.high, ratio.steady, f"× {ratio.to}")


def ratios_by_round(of: Timing, to: Timing) -> np.ndarray:
    """Time of one thing in multiples of another's, per frame, for every round that both have: float64 (R,)."""
    pairs = list(zip(of.rounds, to.rounds, strict=False))
    values = np.array(pairs, np.float64).reshape(-1, 2) / (of.frames, to.frames)
    return values[:, 0] / values[:, 1]


def ratios(result: Result, found: Sequence[Ratio]) -> Table:
    """Every ratio, with both times."""
    header = ("", "ratio", "p10–p90", "in words", "the one, per frame", "the other, per frame")
    notes = ("Medians over rounds in which both ran in turn; below one, the first is the faster. Times are medians.",)
    rows = (_ratio_row(result, ratio) for ratio in found)
    return table("ratios", "Ratios within this run", header, rows, notes)


def _ratio_row(result: Result, ratio: Ratio) -> Iterator[object]:
    yield f"{ratio.of} / {ratio.to}"
    yield named(ratio.value, ratio.low, ratio.high, ratio.steady)
    yield f"{digits(ratio.low)}–{digits(ratio.high)}" if ratio.steady else ABSENT
    yield _in_words(ratio)
    for name in (ratio.of, ratio.to):
        timing = result.timing(name)
        yield ABSENT if timing is None else milliseconds(timing, per_frame=True)


def variants(_result: Result, timed: Sequence[Variant]) -> Table:
    """What computes the bundle on this CPU in which precision, side by side."""
    header = ("", "beside the first", "p10–p90", "ms per call", "p10–p90, ms", "beside its floor")
    notes = (
        "Medians of rounds in turn, of calls with so many frames. The floor is the encoder's, in the row's precision.",
        *(f"Time of {each.timing.id}: {_largest(each.layers)}." for each in timed if each.layers),
    )
    return table("precisions", "Providers and precisions on this CPU", header, map(_variant_row, timed), notes)


def _variant_row(variant: Variant) -> Iterator[object]:
    timing, ratio, least = variant.timing, variant.ratio, variant.floor and variant.floor.milliseconds
    yield timing.id
    yield named(ratio.value, ratio.low, ratio.high, ratio.steady, "×")
    yield f"{digits(ratio.low)}–{digits(ratio.high)}"
    yield milliseconds(timing)
    yield "–".join(map(digits, range_of(timing)))
    yield derived(timing, lambda time: quotient(time, least), f"× {digits(least)} ms") if least else ABSENT


def _largest(shares: Mapping[str, float]) -> str:
    largest = list(shares.items())[:4]
    rest = ("all others", 1 - sum(value for _, value in largest))
    return ", ".join(f"{name} {share(value)}" for name, value in (*largest, rest))


def _in_words(ratio: Ratio) -> str:
    if not ratio.steady:
        return ABSENT
    if ratio.low <= 1 <= ratio.high:
        return "no clear difference"
    if ratio.value < 1:
        return f"{digits(quotient(1, ratio.value))} × as fast"
    return f"{digits(ratio.value)} × as long"


def cold_start(result: Result, start: ColdStart) -> Table:
    """A new process until its first score."""
    whole = whole_of(result)
    parts = {
        "whole": start.whole,
        "importing the runtime": start.imports,
        "loading the bundle": start.load,
        "first frame": start.first,
    }
    beside = "beside" if whole is None else f"beside {whole.id}"
    rows = (
        (name, _beside(value * 1000, whole), share(quotient(value, start.whole)), digits(value))
        for name, value in parts.items()
    )
    notes = (f"Medians over {start.processes} new processes, each row for itself; they need not add up.",)
    return table("cold-start", "Cold start", ("", beside, "of the whole", "seconds"), rows, notes)


def _beside(value: float, whole: Timing | None) -> str:
    """A number of milliseconds in calls of the whole."""
    return derived(whole, lambda time: quotient(value, time), "×")


def transfers(result: Result, copies: Sequence[Transfer]) -> Table:
    """Copies between the host and the device."""
    whole = whole_of(result)
    header = ("", "beside" if whole is None else f"beside {whole.id}", "size", "p50", "p99", "max", "mean ± sd", "rate")
    rows = (
        (
            each.direction,
            _beside(each.summary.p50, whole),
            size(each.size),
            *map(digits, (each.summary.p50, each.summary.p99, each.summary.largest)),
            f"{digits(each.summary.mean)} ± {digits(each.summary.sd)}",
            scaled(quotient(each.size * 1000, each.summary.p50), "B/s"),
        )
        for each in copies
    )
    return table("transfers", "Copies between host and device", header, rows, ("Milliseconds per copy.",))


def curves_of(points: Sequence[Throughput]) -> dict[str, list[Throughput]]:
    """The curves of the throughput, each by rising size."""
    curves: dict[str, list[Throughput]] = {}
    for point in sorted(points, key=lambda point: point.size):
        curves.setdefault(point.curve, []).append(point)
    return curves


def throughput(_result: Result, points: Sequence[Throughput]) -> Table:
    """Frames per second over the size."""
    header = ("", "beside the smallest", "frames/s", "p10–p90", "ms per frame", "")
    curves = curves_of(points)
    rows = (_throughput_row(point, curve[0]) for curve in curves.values() for point in curve)
    notes = [
        *(f"{name}: {CURVES[name]}." for name in curves if name in CURVES),
        "The knee is the smallest size that comes within a few per cent of the curve's best.",
    ]
    return table("throughput", "Throughput", header, rows, notes)


def _throughput_row(point: Throughput, first: Throughput) -> Sequence[object]:
    return (
        f"{point.curve} × {point.size}",
        f"{digits(quotient(point.frames_per_second, first.frames_per_second))} ×",
        digits(point.frames_per_second),
        f"{digits(point.low)}–{digits(point.high)}",
        digits(quotient(1000, point.frames_per_second)),
        "knee" if point.knee else "",
    )


def pipeline(_result: Result, videos: Sequence[Pipeline]) -> Table:
    """Videos on their way to a table, and where their time goes."""
    header = ("", "beside the wall time", "seconds", "ms per frame")
    rows = (row for each in videos for row in _pipeline_rows(each))
    notes = [
        *map(_video, videos),
        "Stages run beside one another: their shares overlap and do not add up to one.",
    ]
    return table("pipeline", "Video to table", header, rows, notes)


def _pipeline_rows(pipeline: Pipeline) -> Iterator[tuple[str, str, str, str]]:
    times = {stage.name: (stage.share, stage.seconds) for stage in pipeline.stages}
    alone = quotient(pipeline.encoder_alone, pipeline.seconds)
    for name, (part, seconds) in {
        "wall time": (1.0, pipeline.seconds),
        **times,
        "encoder with nothing beside it": (alone, pipeline.encoder_alone),
    }.items():
        per_frame = digits(quotient(seconds * 1000, pipeline.frames))
        yield f"{pipeline.video}: {name}", share(part), digits(seconds), per_frame


def _video(pipeline: Pipeline) -> str:
    return (
        f"{pipeline.video}: {pipeline.frames} frames of {pipeline.width} × {pipeline.height}, {pipeline.faces} rows "
        f"with a face; {digits(pipeline.low)} to {digits(pipeline.high)} s in {pipeline.runs} runs, "
        f"{digits(quotient(pipeline.frames, pipeline.seconds))} frames/s; "
        f"{digits(quotient(pipeline.seconds, pipeline.encoder_alone))} × the encoder with nothing beside it; "
        f"in {share(pipeline.overhead)} of the wall time the encoder does not run."
    )
