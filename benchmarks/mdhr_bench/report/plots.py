"""Plots of the times of calls."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mdhr_train.report.markup import Markup, element

from ..results import Result, Timing
from .axes import BOTTOM, RIGHT, TOP, WIDTH, across, bottom_axis, left_axis, marks_of, numbered, padded, plot, up
from .latency import milliseconds, whole_of
from .units import digits, plain

HEIGHT = 260
BINS = 36
ROW = 26
NAMES = 96


def latency_plots(result: Result) -> Iterator[Markup]:
    """The distribution of the whole's calls, and all timings in rows."""
    whole = whole_of(result)
    if whole is not None and whole.samples:
        yield histogram(whole)
    timed = [timing for timing in result.timings if timing.samples]
    if timed:
        yield rows(timed)


def histogram(timing: Timing) -> Markup:
    """How many calls took how long, with the median and the 99th percentile marked."""
    samples = np.asarray(timing.samples, np.float64)
    summary = timing.summary
    # A single outlier must not press all others into one bar.
    end = min(samples.max(), summary.p99 + max(summary.p99 - samples.min(), 0.0))
    low, high = _room(float(samples.min()), float(end))
    counts, edges = np.histogram(samples[samples <= high], bins=BINS, range=(low, high))
    beyond = int((samples > high).sum())
    x = across(low, high)
    y = up(0, float(counts.max()) * 1.18, HEIGHT)
    bars = (_bar(x(a), x(b), y(0), y(float(count))) for count, a, b in zip(counts, edges, edges[1:], strict=False))
    name = plain(timing.id)
    title = (
        f"Half of the calls of {name} take at most {digits(summary.p50)} ms, 1 in 100 over {digits(summary.p99)} ms."
        if timing.steady
        else f"Calls of {name} spread too widely for one number: {milliseconds(timing).split(' (')[0]}."
    )
    caption = f"{len(samples)} calls: {plain(timing.title)}."
    if beyond:
        longest = f", the longest {digits(summary.largest)} ms" if timing.steady else ""
        caption += f" Beyond the right edge: {beyond}{longest}."
    return plot(
        title,
        f"Histogram of {len(samples)} calls over milliseconds per call; the median and the 99th percentile are marked.",
        HEIGHT,
        bottom_axis(x, HEIGHT, "time of a call (ms)", numbered(marks_of(x))),
        left_axis(y, "calls", numbered(_whole_marks(marks_of(y, 4)))),
        bars,
        _mark(x(summary.p50), "p50", "end"),
        _mark(x(summary.p99), "p99", "start" if x(summary.p99) < WIDTH - RIGHT - 26 else "end"),
        caption=caption,
    )


def _room(low: float, high: float) -> tuple[float, float]:
    pad = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    return max(0.0, low - pad), high + pad


def _whole_marks(marks: list[float]) -> list[float]:
    return [mark for mark in marks if mark == int(mark)]


def _bar(left: float, right: float, foot: float, top: float) -> Markup:
    return element("rect", x=left + 0.5, width=max(right - left - 1, 0.5), y=top, height=foot - top, class_="bar")


def _mark(x: float, label: str, anchor: str) -> Markup:
    line = element("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, class_="mark")
    shift = 4 if anchor == "start" else -4
    return element("g", line, element("text", label, x=x + shift, y=TOP + 9, text_anchor=anchor, class_="strong"))


def rows(timings: list[Timing]) -> Markup:
    """Every timing per frame, in a row: from the 1st to the 99th percentile, the middle half, the median."""
    height = TOP + ROW * len(timings) + BOTTOM
    spreads = [np.percentile(np.asarray(each.samples) / each.frames, (1, 25, 50, 75, 99)) for each in timings]
    positive = [float(value) for spread in spreads for value in spread if value > 0]
    x = across(*padded(positive or [1.0]), log=True, left=NAMES)
    drawn = (
        _row(
            plain(timing.id), [x(max(float(value), x.low)) for value in spread], TOP + ROW * (index + 0.5), timing.what
        )
        for index, (timing, spread) in enumerate(zip(timings, spreads, strict=True))
    )
    said = ", ".join(f"{plain(each.id)} {milliseconds(each, per_frame=True)}" for each in timings)
    return plot(
        _title(timings),
        f"Milliseconds per frame on a logarithmic axis; medians: {said}.",
        height,
        bottom_axis(x, height, "time of a frame (ms, logarithmic)", numbered(marks_of(x))),
        drawn,
        caption="Dot: median. Bar: the middle half of the calls. Line: from the 1st to the 99th percentile. "
        "Per frame, so that clips and steps compare.",
    )


def _title(timings: list[Timing]) -> str:
    whole = next((each for each in timings if each.what == "whole"), None)
    baselines = [each.summary.p50 / each.frames for each in timings if each.what == "baseline"]
    if whole is None or not baselines:
        return "The time of a frame."
    slower = sum(whole.summary.p50 / whole.frames < each for each in baselines)
    some = f"{slower} of {len(baselines)} baselines have"
    count = {0: "no baseline has", len(baselines): "every baseline has"}.get(slower, some)
    return f"Per frame, {count} a higher median than {plain(whole.id)}."


def _row(name: str, places: list[float], y: float, kind: str) -> Markup:
    least, low, middle, high, most = places
    return element(
        "g",
        element(
            "text", _short(name), x=NAMES - 8, y=y + 4, text_anchor="end", class_="strong" if kind == "whole" else None
        ),
        element("line", x1=least, x2=most, y1=y, y2=y, class_=f"whisker {kind}"),
        element("rect", x=low, width=max(high - low, 1.0), y=y - 5, height=10, class_=f"box {kind}"),
        element("circle", cx=middle, cy=y, r=4, class_=f"dot {kind}"),
    )


def _short(name: str, most: int = 14) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
