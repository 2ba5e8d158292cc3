"""Curves over the epochs of one or several runs, as small charts side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from .markup import Markup, element
from .runs import Epoch, Run

WIDTH, HEIGHT = 320, 180
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 12, 26


class Panel(NamedTuple):
    """A chart: its title, its value of an epoch, and how a value is written. Its axis starts at 0."""

    title: str
    value: Callable[[Epoch], float | None]
    form: str


PANELS = (
    Panel("Validation F1, mean over the AUs (%)", lambda epoch: _per_cent(epoch.validation_f1), "{:g}"),
    Panel("Loss L", lambda epoch: epoch.loss, "{:g}"),
    Panel("Loss of the occurrences, L_AU", lambda epoch: epoch.loss_au, "{:g}"),
    Panel("Loss of the regional combinations, L_sub", lambda epoch: epoch.loss_sub, "{:g}"),
    Panel("Learning rate", lambda epoch: epoch.lr, "{:.3g}"),
    Panel("Time spent waiting for data (%)", lambda epoch: _per_cent(epoch.waiting_share), "{:g}"),
)


def curves(runs: Sequence[Run]) -> Markup:
    """All panels; a run is one line, and a dot on it marks the epoch of its `best.pt`."""
    legend = element(
        "ul", (element("li", _key(index), f"fold {run.fold}") for index, run in enumerate(runs)), class_="legend"
    )
    panels = element("div", (_panel(panel, runs) for panel in PANELS), class_="panels")
    return element("figure", legend if len(runs) > 1 else None, panels)


def _panel(panel: Panel, runs: Sequence[Run]) -> Markup:
    lines = [[(epoch.epoch, panel.value(epoch)) for epoch in run.epochs] for run in runs]
    known = [[(x, y) for x, y in line if y is not None and math.isfinite(y)] for line in lines]
    points = [point for line in known for point in line]
    title = element("h3", panel.title)
    if not points:
        return element("div", title, element("p", "Not measured in this run.", class_="quiet"), class_="panel")
    last = max(max(x for x, _ in points), 2)
    marks = _ticks(max(y for _, y in points))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - 1) / (last - 1)
        up = y / marks[-1]
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    drawn = (
        _line(index, [place(*point) for point in line], [place(x, y) for x, y in line if x == run.best_epoch])
        for index, (run, line) in enumerate(zip(runs, known, strict=True))
    )
    axes = (_grid_line(place(1, mark)[1], panel.form.format(mark)) for mark in marks)
    epochs = (
        element("text", label, x=place(x, 0)[0], y=HEIGHT - 8, text_anchor=anchor)
        for x, label, anchor in ((1, "1", "start"), ((1 + last) / 2, "epoch", "middle"), (last, last, "end"))
    )
    chart = element(
        "svg", axes, epochs, drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=panel.title, class_="curve"
    )
    return element("div", title, chart, class_="panel")


def _line(index: int, points: Sequence[tuple[float, float]], best: Sequence[tuple[float, float]]) -> Iterator[Markup]:
    name = f"line line-{index % 3 + 1}"
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield element("polyline", points=path, class_=name)
    if len(points) == 1:
        yield element("circle", cx=points[0][0], cy=points[0][1], r=2, class_=name)
    for x, y in best:
        yield element("circle", cx=x, cy=y, r=4, class_=f"best {name}")


def _grid_line(y: float, label: str) -> list[Markup]:
    line = element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid")
    return [line, element("text", label, x=LEFT - 6, y=y + 4, text_anchor="end")]


def _ticks(high: float) -> list[float]:
    """Three to six round numbers from 0 to `high` or a little more, equally far apart."""
    if high <= 0:
        return [0.0, 1.0]
    rough = high / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    return [round(index * step, 12) for index in range(math.ceil(high / step - 1e-9) + 1)]


def _key(index: int) -> Markup:
    line = element("line", x1=1, x2=21, y1=8, y2=8, class_=f"line line-{index % 3 + 1}")
    return element("svg", line, width=22, height=16, aria_hidden="true")


def _per_cent(share: float | None) -> float | None:
    return None if share is None else 100 * share
