"""The paper's figures 3 and 4 for frames of the test part: weights of the scales, and edges between AUs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mdhr_runtime.contract import SCORE
from mdhr_runtime.layout import Layout

from ..model.backbone import INPUT_SIZE
from ..model.facial_dynamics import scale_size
from .examples import Example
from .inside import Inside
from .markup import Markup, element
from .pictures import colour_scale, data_uri, heat
from .places import places

NODE = 9.0
"""Radius of a node, in pixels of the network's input."""
SHOWN_FROM = 0.02
"""Edges of less weight are left out."""


def scale_weights(examples: Sequence[Example], insides: Sequence[Inside], scales: Sequence[int]) -> Markup:
    """Heat maps of the adaptive weights over the faces.

    Args:
        examples: The frames.
        insides: What the network computes for them; all have weights.
        scales: Numbers of the scales, from 1, the finest.
    """
    shown = np.stack([inside.weights for inside in insides])
    low, high = float(shown.min()), float(shown.max())
    titles = ("Frame", *(f"Scale {scale} · {scale_size(scale)}×{scale_size(scale)}" for scale in scales))
    head = element("tr", (element("th", title, scope="col") for title in titles))
    rows = (_weights_row(example, inside, low, high) for example, inside in zip(examples, insides, strict=True))
    table = element("table", element("thead", head), element("tbody", rows), class_="maps")
    return element("figure", element("div", table, class_="scroll"), colour_scale(f"weight {low:.2f}", f"{high:.2f}"))


def _weights_row(example: Example, inside: Inside, low: float, high: float) -> Markup:
    face = example.frames[example.index]
    maps = (
        element("td", _picture(heat(face, weights, low, high), "weights"), element("p", f"mean {weights.mean():.2f}"))
        for weights in inside.weights
    )
    return element("tr", element("td", _picture(face, "frame"), _caption(example)), maps)


def edges(examples: Sequence[Example], insides: Sequence[Inside], layout: Layout) -> Markup:
    """The graph between the AUs, drawn on the faces.

    Args:
        examples: The frames.
        insides: What the network computes for them; all have attention.
        layout: AUs and where they are.
    """
    graphs = (_graph(example, inside, layout) for example, inside in zip(examples, insides, strict=True))
    keys = (("occurs, by its score", "node on"), ("does not", "node"), ("occurs, by its label", "label"))
    legend = element("ul", (element("li", _key(name), label) for label, name in keys), class_="legend")
    return element("figure", legend, element("div", graphs, class_="graphs"))


def _graph(example: Example, inside: Inside, layout: Layout) -> Markup:
    spots = INPUT_SIZE * np.array(places(layout))
    pairs = _pairs(inside.attention)
    size = {"width": INPUT_SIZE, "height": INPUT_SIZE}
    drawing = element(
        "svg",
        element("image", href=data_uri(example.frames[example.index]), **size),
        element("rect", class_="veil", **size),
        (_edge(spots[m], spots[n], float(inside.attention[n, m])) for m, n in pairs),
        (
            _node(au, spot, SCORE.occurs(score), label == 1)
            for au, spot, score, label in zip(layout.aus, spots, inside.scores, example.labels, strict=True)
        ),
        viewBox=f"0 0 {INPUT_SIZE} {INPUT_SIZE}",
        role="img",
        aria_label=f"Edges between action units in {example.recording}, frame {example.number}",
    )
    return element("div", drawing, _caption(example, f" · {len(pairs) or 'no'} edges"))


def _pairs(attention: np.ndarray) -> list[tuple[int, int]]:
    """The edges m→n between different AUs as pairs (m, n); strong ones come last, to be drawn on top."""
    found = [(m, n) for n, m in np.argwhere(attention >= SHOWN_FROM).tolist() if m != n]
    return sorted(found, key=lambda pair: attention[pair[1], pair[0]])


def _edge(start: np.ndarray, end: np.ndarray, weight: float) -> Markup:
    """An arrow, thicker and less transparent with its weight."""
    strength = math.sqrt(weight)
    look = {"stroke_width": 3 * strength, "opacity": 0.25 + 0.75 * strength}
    return element("path", d=_arrow(start, end), class_="edge", **look)


def _arrow(start: np.ndarray, end: np.ndarray) -> str:
    """A bent line between the rims of two nodes with a head at its end, so that m→n and n→m do not hide each other."""
    across = np.array([-(end - start)[1], (end - start)[0]])
    bend = (start + end) / 2 + 0.12 * across
    begin, tip = start + _towards(start, bend), end + _towards(end, bend)
    back = _towards(tip, bend) * 0.6
    side = np.array([-back[1], back[0]]) * 0.55
    points = [begin, bend, tip, tip + back + side, tip, tip + back - side]
    (x0, y0), (x1, y1), (x2, y2), (x3, y3), _, (x4, y4) = np.round(points, 1).tolist()
    return f"M{x0} {y0}Q{x1} {y1} {x2} {y2}M{x3} {y3}L{x2} {y2}L{x4} {y4}"


def _towards(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    return (end - start) * (NODE / max(float(np.hypot(*(end - start))), 1e-6))


def _node(au: int, spot: np.ndarray, found: bool, labelled: bool) -> Markup:
    x, y = spot.tolist()
    ring = element("circle", cx=x, cy=y, r=NODE + 2.5, class_="label") if labelled else None
    disc = element("circle", cx=x, cy=y, r=NODE, class_="node on" if found else "node")
    number = element("text", au, x=x, y=y + 3.2, text_anchor="middle", class_="on" if found else None)
    return element("g", ring, disc, number)


def _key(name: str) -> Markup:
    circle = element("circle", cx=9, cy=8, r=6, class_=name)
    return element("svg", circle, width=20, height=16, class_="key", aria_hidden="true")


def _caption(example: Example, more: str = "") -> Markup:
    return element("p", f"{example.recording}, frame {example.number}{more}")


def _picture(image: np.ndarray, alt: str) -> Markup:
    return element("img", src=data_uri(image), alt=alt, width=INPUT_SIZE, height=INPUT_SIZE)
