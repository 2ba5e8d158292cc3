"""Tables about time beyond single calls. Rows lead with a ratio to something of the same run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..results import Pipeline, Result, Throughput, Timing
from .latency import range_of, whole_of
from .tables import Table, table
from .units import ABSENT, digits, named, quotient, scaled, share, size

CURVES = {
    "encoder": "frames per run of the encoder",
    "streams": "streams that take one frame each per step",
    "clip": "frames of one stream that are given at once",
}
"""Curve of the throughput → what its size counts."""


def cold_start(result: Result) -> Table | None:
    """A new process until its first score."""
    start = result.cold_start
    if start is None:
        return None
    whole = whole_of(result)
    parts = {
        "whole": start.whole,
        "importing the runtime": start.imports,
        "loading the bundle": start.load,
        "first frame": start.first,
    }
    beside = "beside" if whole is None else f"beside {whole.id}"
    rows = (
        (name, _times(value * 1000, whole), share(quotient(value, start.whole)), digits(value))
        for name, value in parts.items()
    )
    notes = (f"Medians over {start.processes} new processes, each row for itself; they need not add up.",)
    return table("cold-start", "Cold start", ("", beside, "of the whole", "seconds"), rows, notes)


def _times(value: float, timing: Timing | None) -> str:
    """How many times as long as a call of a timing a number of milliseconds is."""
    if timing is None:
        return ABSENT
    low, high = range_of(timing)
    return named(quotient(value, timing.summary.p50), quotient(value, high), quotient(value, low), timing.steady, "×")


def transfers(result: Result) -> Table | None:
    """Copies between the host and the device."""
    if not result.transfers:
        return None
    whole = whole_of(result)
    header = ("", "beside" if whole is None else f"beside {whole.id}", "size", "p50", "p99", "max", "mean ± sd", "rate")
    rows = (
        (
            each.direction,
            _times(each.summary.p50, whole),
            size(each.size),
            *map(digits, (each.summary.p50, each.summary.p99, each.summary.largest)),
            f"{digits(each.summary.mean)} ± {digits(each.summary.sd)}",
            scaled(quotient(each.size * 1000, each.summary.p50), "B/s"),
        )
        for each in result.transfers
    )
    return table("transfers", "Copies between host and device", header, rows, ("Milliseconds per copy.",))


def curves_of(result: Result) -> dict[str, list[Throughput]]:
    """The curves of the throughput, each by rising size."""
    curves: dict[str, list[Throughput]] = {}
    for point in sorted(result.throughput, key=lambda point: point.size):
        curves.setdefault(point.curve, []).append(point)
    return curves


def throughput(result: Result) -> Table | None:
    """Frames per second over the size."""
    if not result.throughput:
        return None
    header = ("", "beside the smallest", "frames/s", "p10–p90", "ms per frame", "")
    curves = curves_of(result)
    rows = (_throughput_row(point, points[0]) for points in curves.values() for point in points)
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


def pipeline(result: Result) -> Table | None:
    """Videos on their way to a table, and where their time goes."""
    if not result.pipeline:
        return None
    header = ("", "beside the wall time", "seconds", "ms per frame")
    rows = (row for each in result.pipeline for row in _pipeline_rows(each))
    notes = [
        *map(_video, result.pipeline),
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
