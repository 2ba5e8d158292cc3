"""Plots of the throughput over batches and streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mdhr_train.report.markup import Markup, element

from ..results import Result, Throughput
from .axes import across, bottom_axis, left_axis, marks_of, numbered, plot, up
from .speed import CURVES, curves_of
from .units import digits, plain, quotient

HEIGHT = 250
LABELS = 7
"""How many sizes can stand below a plot."""


def throughput_plots(result: Result) -> Iterator[Markup]:
    """One plot per curve of more than one point."""
    for name, points in curves_of(result).items():
        if len(points) > 1:
            yield curve_plot(plain(name), points)


def curve_plot(name: str, points: Sequence[Throughput]) -> Markup:
    """Frames per second over the size, with the range of the rounds and the knee."""
    # Room at the sides keeps the outermost points off the axis.
    x = across(points[0].size / 1.15, points[-1].size * 1.15, log=True)
    y = up(0, max(max(point.high, point.frames_per_second) for point in points) * 1.15, HEIGHT)
    upper = [(x(point.size), y(point.high)) for point in points]
    lower = [(x(point.size), y(point.low)) for point in reversed(points)]
    middle = [(x(point.size), y(point.frames_per_second)) for point in points]
    dots = (element("circle", cx=across_, cy=up_, r=3, class_="point") for across_, up_ in middle)
    said = ", ".join(f"{digits(point.frames_per_second)} frames/s at {point.size}" for point in points)
    return plot(
        _title(name, points),
        f"Frames per second over {CURVES.get(name, 'the size')}: {said}.",
        HEIGHT,
        bottom_axis(x, HEIGHT, f"{CURVES.get(name, name)} (logarithmic)", _sizes(points)),
        left_axis(y, "frames/s", numbered(marks_of(y, 5))),
        element("path", d=f"M{_path((*upper, *lower))}Z", class_="band"),
        element("polyline", points=_path(middle), class_="line line-1"),
        dots,
        (_knee(x(point.size), y(point.frames_per_second)) for point in points if point.knee),
        caption="Line: median of the rounds. Band: their 10th to 90th percentile. Ring: the knee, the smallest size "
        "that comes within a few per cent of the best.",
    )


def _title(name: str, points: Sequence[Throughput]) -> str:
    best = max(points, key=lambda point: point.frames_per_second)
    knee = next((point for point in points if point.knee), best)
    gain = digits(quotient(knee.frames_per_second, points[0].frames_per_second))
    if knee is points[0]:
        return f"{name}: more than {knee.size} at once gains little ({digits(knee.frames_per_second)} frames/s)."
    return f"{name}: {knee.size} at once give {gain} × the frames/s of {points[0].size}."


def _sizes(points: Sequence[Throughput]) -> list[tuple[float, str]]:
    every = -(-len(points) // LABELS)
    return [(float(point.size), str(point.size)) for point in points[::every]]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _knee(x: float, y: float) -> Markup:
    label = element("text", "knee", x=x, y=y + 20, text_anchor="middle", class_="strong")
    return element("g", element("circle", cx=x, cy=y, r=7, class_="ring"), label)
