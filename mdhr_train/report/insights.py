"""The paper's figures 3 and 4 for one run: weights of the scales, and edges between AUs, on frames of the test part."""

from __future__ import annotations

import base64
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mdhr_runtime.contract import SCORE
from mdhr_runtime.errors import MdhrError, RunError
from mdhr_runtime.layout import Layout
from mdhr_runtime.plotting.page import Markup, element

from ..checkpoints import load_checkpoint
from ..data.lists import DataWarning, read_fold
from ..datasets import dataset_in
from ..model.backbone import INPUT_SIZE
from ..model.facial_dynamics import GRID, scale_size
from ..training.config import read_config
from ..training.run_files import BEST, CONFIG
from .inside import Example, Inside, choose, look_inside
from .runs import TrainedRun

NODE = 9.0
"""Radius of a node, in pixels of the network's input."""
SHOWN_FROM = 0.02
"""Edges of less weight are left out."""

HEAT = cv2.COLORMAP_INFERNO
QUALITY = 85
"""Of the JPEGs."""
PLACES: Mapping[int, tuple[float, float]] = {
    1: (-0.22, -0.26),
    2: (0.66, -0.28),
    4: (0.05, -0.13),
    5: (-0.52, -0.08),
    6: (-0.66, 0.4),
    7: (0.52, 0.16),
    8: (-0.26, 0.75),
    9: (0.02, 0.36),
    10: (0.14, 0.74),
    11: (-0.4, 0.58),
    12: (-0.46, 0.86),
    13: (0.4, 0.74),
    14: (0.56, 0.9),
    15: (-0.61, 1.22),
    16: (-0.39, 1.29),
    17: (-0.01, 1.46),
    18: (-0.06, 0.85),
    19: (0.19, 1.15),
    20: (0.6, 1.15),
    21: (-0.57, 1.43),
    22: (-0.43, 1.08),
    23: (0.39, 1.04),
    24: (-0.25, 0.95),
    25: (-0.01, 1.05),
    26: (0.19, 1.36),
    27: (0.39, 1.25),
    28: (-0.21, 1.16),
    29: (-0.25, 1.46),
    30: (0.4, 1.46),
    31: (0.88, 1.08),
    32: (-0.01, 1.25),
    33: (-0.76, 0.84),
    34: (-0.76, 1.04),
    35: (0.8, 0.86),
    36: (0.76, 0.66),
    37: (0.19, 0.94),
    38: (0.23, 0.55),
    39: (-0.17, 0.56),
    41: (0.51, -0.08),
    42: (-0.22, 0.14),
    43: (0.29, 0.0),
    44: (-0.43, 0.22),
    45: (-0.76, -0.02),
    46: (0.76, -0.04),
    61: (0.75, 0.16),
    62: (-0.66, 0.17),
    63: (-0.29, -0.06),
    64: (0.3, 0.22),
}
"""Across in distances of the eyes from the middle of the face, to the image's right; down in parts of the way from the
eyes to the mouth. AUs that both sides of a face make stand on one of them, so that all have room beside each other."""

NO_WEIGHTS = "This network fuses the scales without adaptive weights."
NO_EDGES = "This network has no edges between action units."


class Figures(NamedTuple):
    """The two figures, or a sentence in place of one that cannot be drawn.

    Attributes:
        weights: Adaptive weights per scale.
        edges: Edges between AUs.
        problem: Why the network could not be run, or None.
    """

    weights: Markup
    edges: Markup
    problem: str | None = None


def figures(run: TrainedRun, data: Path | None) -> Figures:
    """Run `best.pt` on frames of the test part and draw what it computes.

    Args:
        run: The run.
        data: Folder of the prepared dataset, or None for the one that the run was trained on.

    Raises:
        MdhrError: `data` was given, and it or the checkpoint cannot be read. Without it a sentence says so in place of
            the figures: a report of a run whose images are gone is still a report.
    """
    try:
        return _figures(run, data or _trained_on(run))
    except MdhrError as error:
        if data is not None:
            raise
        problem = f"{error.what} {error.why}"
        return Figures(_left_out(problem), _left_out(problem), problem)


def _figures(run: TrainedRun, root: Path) -> Figures:
    path, dataset, aus = run.folder / BEST, run.summary["dataset"], tuple(run.summary["aus"])
    model = load_checkpoint(path).model
    layout = model.config.layout
    if layout.au_names != aus:
        raise RunError(
            f"{path} is not of this run.",
            f"It labels {' '.join(layout.au_names)}, the run {' '.join(aus)}.",
            "Copy the run's own checkpoint there.",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the training has said what there is to say
        fold = read_fold(root, dataset_in(root, dataset), run.summary["fold"])
    examples = choose(fold, model.config)
    insides = [look_inside(model, example.frames, example.index) for example in examples]
    has_weights, has_edges = insides[0].weights is not None, insides[0].attention is not None
    return Figures(
        scale_weights(examples, insides, model.config.scales) if has_weights else _left_out(NO_WEIGHTS),
        edges(examples, insides, layout) if has_edges else _left_out(NO_EDGES),
    )


def _trained_on(run: TrainedRun) -> Path:
    """Folder of the dataset that a run was trained on."""
    try:
        root = read_config(run.folder / CONFIG).get("data.root")
        why = f"{run.folder / CONFIG} does not say so."
    except MdhrError as error:
        root, why = None, f"{error.what} {error.why}"
    if not isinstance(root, str):
        raise RunError(
            "Where the run's dataset lies is not known.", why, "Name the folder of the prepared dataset with --data."
        )
    return Path(root)


def _left_out(sentence: str) -> Markup:
    return element("p", f"Left out. {sentence}", class_="notice")


def scale_weights(examples: Sequence[Example], insides: Sequence[Inside], scales: Sequence[int]) -> Markup:
    """Heat maps of the adaptive weights over the faces.

    Args:
        examples: The frames.
        insides: What the network computes for them; all have weights.
        scales: Numbers of the scales, from 1, the finest.
    """
    shown = np.stack([inside.weights for inside in insides if inside.weights is not None])
    low, high = float(shown.min()), float(shown.max())
    titles = ("Frame", *(f"Scale {scale} · {scale_size(scale)}×{scale_size(scale)}" for scale in scales))
    head = element("tr", (element("th", title, scope="col") for title in titles))
    rows = (_weights_row(example, weights, low, high) for example, weights in zip(examples, shown, strict=True))
    table = element("table", element("thead", head), element("tbody", rows), class_="maps")
    return element("figure", element("div", table, class_="scroll"), colour_scale(f"weight {low:.2f}", f"{high:.2f}"))


def _weights_row(example: Example, scales: np.ndarray, low: float, high: float) -> Markup:
    face = example.frames[example.index]
    maps = (
        element("td", _picture(heat(face, weights, low, high), "weights"), element("p", f"mean {weights.mean():.2f}"))
        for weights in scales
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
    assert inside.attention is not None
    pairs = _pairs(inside.attention)
    size = {"width": INPUT_SIZE, "height": INPUT_SIZE}
    drawing = element(
        "svg",
        element("image", href=data_uri(example.frames[example.index]), **size),
        element("rect", class_="veil", **size),
        (_edge(spots[m], spots[n], float(inside.attention[n, m])) for m, n in pairs),
        (
            _node(au, spot, bool(SCORE.occurs(score)), label == 1)
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
    width, opacity = 3 * strength, 0.25 + 0.75 * strength
    return element("path", d=_arrow(start, end), class_="edge", stroke_width=width, opacity=opacity)


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


def places(layout: Layout) -> list[tuple[float, float]]:
    """Places of the AUs of a layout in the network's input: x and y in its sides, per AU.

    AUs without a known place are side by side in the middle of their region.
    """
    crop = layout.crop
    (left, left_y), (right, right_y), (_, mouth_y) = (
        tuple((part * crop.reference_size - crop.margin) * crop.scale / crop.input_size for part in point)
        for point in (crop.left_eye, crop.right_eye, crop.mouth)
    )
    middle, eyes = (left + right) / 2, (left_y + right_y) / 2
    unknown = [au for au in layout.aus if au not in PLACES]

    def place(au: int, region: int) -> tuple[float, float]:
        if au in PLACES:
            across, down = PLACES[au]
            return middle + across * (right - left), eyes + down * (mouth_y - eyes)
        return (unknown.index(au) + 1) / (len(unknown) + 1), sum(layout.regions[region].rows) / (2 * GRID)

    return [place(au, region) for au, region in zip(layout.aus, layout.region_of, strict=True)]


def data_uri(image: np.ndarray) -> str:
    """Write uint8 (H, W, 3), RGB, as a JPEG in a `data:` address."""
    _, content = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode()}"


def heat(face: np.ndarray, values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Lay a map over a face.

    Args:
        face: uint8 (H, W, 3), RGB.
        values: float (h, w) that covers the face.
        low: The value that has the first colour of the scale.
        high: The value that has the last.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    height, width = face.shape[:2]
    smooth = cv2.resize(values.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    level = (255 * np.clip((smooth - low) / max(high - low, 1e-6), 0, 1)).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(level, HEAT), cv2.COLOR_BGR2RGB)
    grey = cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(colours, 0.62, grey, 0.38, 0)


def colour_scale(low: str, high: str) -> Markup:
    """The colours of `heat`, with what stands at their ends."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)[None]
    blue_green_red = cv2.applyColorMap(levels, HEAT)[0].tolist()
    stops = ", ".join(f"rgb({red} {green} {blue})" for blue, green, red in blue_green_red)
    bar = element("span", class_="ramp", style=f"background: linear-gradient(to right, {stops})")
    return element("p", low, bar, high, class_="scale")
