"""The roofline: what the graphs reach beside what the machine allows (Williams, Waterman and Patterson, CACM 2009)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from mdhr_train.report.markup import Markup, element

from ..results import Result, Timing
from .axes import BOTTOM, LEFT, TOP, WIDTH, Scale, across, bottom_axis, left_axis, plot, up
from .latency import range_of, whole_of
from .resources import intensity, moved, work_of
from .units import PREFIXES, digits, named, plain, quotient, scaled

HEIGHT = 300
LINE = 15
"""Distance of two labels, at the least."""


class Point(NamedTuple):
    """Something that was timed and whose operations were counted.

    Attributes:
        name: What.
        intensity: Operations per byte of weights, inputs and outputs.
        rate: Operations per second at the median.
        low: Operations per second at the 90th percentile of the rounds.
        high: Operations per second at the 10th percentile of the rounds.
        steady: Whether the rate may be named.
    """

    name: str
    intensity: float
    rate: float
    low: float
    high: float
    steady: bool


def points_of(result: Result) -> list[Point]:
    """The graphs that were timed by themselves, and all together as the whole."""
    whole, work = whole_of(result), work_of(result)
    parts = [
        (timing, float(cost.flops), float(moved(cost)))
        for cost in result.costs
        if (timing := result.timing(cost.graph)) is not None
    ]
    if whole is not None:
        parts.append((whole, work["FLOP/s"], work["B/s"]))
    return [_point(*part) for part in parts if part[1] > 0 and part[2] > 0 and part[0].summary.p50 > 0]


def _point(timing: Timing, flops: float, count: float) -> Point:
    # Costs are per frame and times per call.
    work = 1000 * flops * timing.frames
    fastest, slowest = range_of(timing)
    rates = (quotient(work, time) for time in (timing.summary.p50, slowest, fastest))
    return Point(plain(timing.id), intensity(flops, count), *rates, timing.steady)


def roofline_plots(result: Result) -> Iterator[Markup]:
    """The roofline, if both ceilings were measured."""
    peak, copy = result.ceiling("matmul"), result.ceiling("copy")
    points = points_of(result)
    if peak is not None and copy is not None and peak.value > 0 and copy.value > 0 and points:
        yield roofline(peak.value, copy.value, points)


def roofline(peak: float, bandwidth: float, points: Sequence[Point]) -> Markup:
    """Operations per second over operations per byte, both logarithmic.

    Args:
        peak: FLOP/s of the matrix product.
        bandwidth: B/s of the copy.
        points: What is shown below the roof.
    """
    ridge = peak / bandwidth
    reach = [*(point.intensity for point in points), ridge]
    x = across(_decade(min(reach) / 3, math.floor), _decade(max(reach) * 3, math.ceil), log=True)
    heights = [value for point in points for value in (point.low, point.high)]
    bottom = min(*heights, bandwidth * min(reach))
    y = up(_decade(bottom / 2, math.floor), max(peak, *heights) * 3, HEIGHT, log=True)
    start = max(x.low, y.low / bandwidth)
    roof = [(start, bandwidth * start), (ridge, peak), (x.high, peak)]
    last = points[-1]
    allowed = min(peak, bandwidth * last.intensity)
    reached = named(100 * last.rate / allowed, 100 * last.low / allowed, 100 * last.high / allowed, last.steady, "%")
    said = "; ".join(
        f"{point.name}: {digits(point.intensity)} FLOP/B, {_rate(point)}, the roof there is "
        f"{scaled(min(peak, bandwidth * point.intensity), 'FLOP/s')}"
        for point in points
    )
    return plot(
        f"{last.name} reaches {reached} of what the roof allows at its {digits(last.intensity)} FLOP/B.",
        f"Roofline with logarithmic axes. The roof rises with {scaled(bandwidth, 'B/s')} up to "
        f"{scaled(peak, 'FLOP/s')} at {digits(ridge)} FLOP/B. {said}.",
        HEIGHT,
        bottom_axis(x, HEIGHT, "operations per byte moved (FLOP/B, logarithmic)", _decades(x)),
        left_axis(y, "FLOP/s (logarithmic)", _decades(y)),
        element("polyline", points=" ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in roof), class_="roof"),
        element("text", f"matrix product: {scaled(peak, 'FLOP/s')}", x=x.end - 2, y=y(peak) - 6, text_anchor="end"),
        _slope_label(x, y, bandwidth, start, ridge),
        _points(points, x, y),
        caption="Roof: the ceilings measured in this run. Bytes moved are weights, inputs and outputs once each. Bars: "
        "10th to 90th percentile of the rounds. A point above the roof kept its bytes in a cache.",
    )


def _rate(point: Point) -> str:
    if point.steady:
        return scaled(point.rate, "FLOP/s")
    return f"{scaled(point.low, 'FLOP/s')} to {scaled(point.high, 'FLOP/s')} (spread too wide)"


def _decade(value: float, towards: Callable[[float], int]) -> float:
    return 10.0 ** towards(math.log10(value))


def _decades(scale: Scale) -> list[tuple[float, str]]:
    powers = range(math.ceil(math.log10(scale.low) - 1e-9), math.floor(math.log10(scale.high) + 1e-9) + 1)
    return [(10.0**power, _prefixed(power)) for power in powers]


def _prefixed(power: int) -> str:
    if power < 3:
        return f"{10.0**power:.12g}"
    order = min(power // 3, len(PREFIXES) - 1)
    return f"{10 ** (power - 3 * order)} {PREFIXES[order]}"


def _slope_label(x: Scale, y: Scale, bandwidth: float, start: float, ridge: float) -> Markup | None:
    """The copy's ceiling, written along the slope below it."""
    ends = [(x(at), y(bandwidth * at)) for at in (start, ridge)]
    (x0, y0), (x1, y1) = ends
    label = f"copy: {scaled(bandwidth, 'B/s')}"
    if math.hypot(x1 - x0, y1 - y0) < 7 * len(label):
        return element("text", label, x=x1 - 6, y=y1 - 6, text_anchor="end")
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    angle = math.degrees(math.atan2(y1 - y0, x1 - x0))
    turn = f"translate({middle_x:.1f} {middle_y:.1f}) rotate({angle:.1f})"
    return element("text", label, x=0, y=-6, text_anchor="middle", transform=turn)


def _points(points: Sequence[Point], x: Scale, y: Scale) -> Iterator[Markup]:
    heights = _apart([y(point.rate) + 4 for point in points], HEIGHT - BOTTOM - 4)
    for point, label in zip(points, heights, strict=True):
        across_, up_ = x(point.intensity), y(point.rate)
        left = across_ > LEFT + 0.6 * (WIDTH - LEFT)
        to = across_ + (-16 if left else 16)
        yield element(
            "g",
            element("line", x1=across_, x2=across_, y1=y(point.low), y2=y(point.high), class_="whisker whole"),
            element("line", x1=across_, x2=to, y1=up_, y2=label - 4, class_="leader"),
            element("circle", cx=across_, cy=up_, r=4.5, class_="dot whole"),
            element("text", point.name, x=to, y=label, text_anchor="end" if left else "start", class_="strong"),
        )


def _apart(places: Sequence[float], lowest: float) -> list[float]:
    """Move places down until no two are nearer than a line, then all up as far as they are too low."""
    moved_: dict[int, float] = {}
    before = TOP - LINE
    for index in sorted(range(len(places)), key=places.__getitem__):
        before = moved_[index] = max(places[index], before + LINE)
    excess = max(0.0, before - lowest)
    return [moved_[index] - excess for index in range(len(places))]
