"""Axes of the page's plots, and the frame that every plot stands in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mdhr_train.report.markup import Child, Markup, element

WIDTH = 420
"""Width of a plot in its own units; a page shows it larger or smaller."""

LEFT, RIGHT, TOP, BOTTOM = 58, 14, 14, 42
"""Margins for the labels."""


@dataclass(frozen=True)
class Scale:
    """From values to places.

    Attributes:
        low: Value at `start`.
        high: Value at `end`.
        start: Place in the plot's units.
        end: Likewise.
        log: Whether equal distances are equal factors.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value; beyond the ends, the end."""
        low, high, value = map(math.log, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        part = (value - low) / (high - low)
        return self.start + min(max(part, 0.0), 1.0) * (self.end - self.start)


def across(low: float, high: float, log: bool = False, left: float = LEFT) -> Scale:
    """A scale over the width of a plot."""
    return Scale(low, high, left, WIDTH - RIGHT, log)


def up(low: float, high: float, height: float, log: bool = False) -> Scale:
    """A scale over the height of a plot."""
    return Scale(low, high, height - BOTTOM, TOP, log)


def padded(values: Sequence[float], factor: float = 1.15) -> tuple[float, float]:
    """Ends of a logarithmic scale that leave room around positive values."""
    return min(values) / factor, max(values) * factor


def marks_of(scale: Scale, most: int = 6) -> list[float]:
    """Round numbers within a scale, as evenly spread as its kind allows, and not more than `most` or so."""
    return _log_marks(scale.low, scale.high, most) if scale.log else _even_marks(scale.low, scale.high, most)


def _even_marks(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _log_marks(low: float, high: float, most: int) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        marks = [factor * 10.0**decade for decade in decades for factor in factors]
        inside = [mark for mark in marks if low <= mark <= high]
        if len(inside) <= most:
            break
    inside = inside[:: math.ceil(len(inside) / most)]
    # Less than half a decade may hold a single round number, which says nothing about the scale.
    return inside if len(inside) > 1 else _even_marks(low, high, 4)


def bottom_axis(scale: Scale, height: float, title: str, labels: Sequence[tuple[float, str]]) -> Iterator[Markup]:
    """Labels below a plot, grid lines above them, and the axis's title with its unit."""
    foot = height - BOTTOM
    for value, label in labels:
        x = scale(value)
        yield element("line", x1=x, x2=x, y1=TOP, y2=foot, class_="grid")
        yield element("text", label, x=x, y=foot + 15, text_anchor="middle")
    yield element("text", title, x=(scale.start + scale.end) / 2, y=height - 8, text_anchor="middle", class_="axis")


def left_axis(scale: Scale, title: str, labels: Sequence[tuple[float, str]]) -> Iterator[Markup]:
    """Labels left of a plot, grid lines beside them, and the axis's title with its unit, turned."""
    for value, label in labels:
        y = scale(value)
        yield element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid")
        yield element("text", label, x=LEFT - 6, y=y + 4, text_anchor="end")
    middle = (scale.start + scale.end) / 2
    yield element(
        "text", title, x=12, y=middle, text_anchor="middle", class_="axis", transform=f"rotate(-90 12 {middle:g})"
    )


def numbered(marks: Sequence[float]) -> list[tuple[float, str]]:
    """Marks with their numbers."""
    return [(mark, f"{mark:,.12g}") for mark in marks]


def plot(title: str, description: str, height: float, *content: Child, caption: str | None = None) -> Markup:
    """A plot under a title that says what it shows.

    Args:
        title: The finding.
        description: What the plot shows, for who does not see it.
        height: Height in the plot's units.
        *content: What is drawn.
        caption: What a reader has to know to read it.
    """
    picture = element(
        "svg",
        element("title", title),
        element("desc", description),
        content,
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        aria_label=f"{title} {description}",
        class_="plot",
    )
    return element("figure", element("h3", title), picture, element("figcaption", caption) if caption else None)
