"""Results drawn on a frame: a box per face with its view, and beside it a panel with a bar per AU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import cos, sin
from typing import NamedTuple

import cv2
import numpy as np

from ..contract import OutputRecord
from ..faces import View
from ..results import Row
from .record import ten_thousandths

Colour = tuple[int, int, int]

FACE_COLOURS: tuple[Colour, ...] = (
    (88, 196, 221),
    (240, 172, 95),
    (149, 209, 122),
    (214, 146, 222),
    (238, 215, 100),
    (240, 128, 128),
    (132, 160, 245),
    (120, 220, 190),
)
"""RGB; a person keeps its own by its number, and a face of nobody known by its id."""
OCCURS: Colour = (255, 176, 59)
BELOW: Colour = (132, 146, 160)
TRACK: Colour = (62, 68, 76)
BRIGHT: Colour = (255, 255, 255)
DIM: Colour = (186, 194, 202)
DARK: Colour = (18, 20, 24)
POOR: Colour = (235, 90, 80)

FONT = cv2.FONT_HERSHEY_DUPLEX
DESIGN_HEIGHT = 360
"""Sizes are given for frames of this height, and grow with larger ones."""
GOOD_VIEW = 0.5
"""The quality below which a label names the worst flaw."""
HIDES_NOTHING, HIDES_TOO_MUCH = 0.005, 0.1
"""Shares of a face or panel that another panel hides: up to the first it is well placed; from the second on, it gives
way to a short label."""
CROWD = 4
SMALLER = ((2, 1.0), (CROWD, 0.8))
"""Up to so many faces, panels are drawn in this part of their size; in 0.6 of it where there are more. By the number of
faces and not by what just fits, or sizes would jump while faces move."""


class Rect(NamedTuple):
    """A rectangle in pixels; the right and lower edges do not belong to it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        """In pixels, 0 when there is nothing inside."""
        return max(self.right - self.left, 0) * max(self.bottom - self.top, 0)

    def around(self, other: Rect) -> Rect:
        """The smallest rectangle that holds both."""
        return Rect(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))

    def common(self, other: Rect) -> int:
        """Area that both share."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        return Rect(left, top, min(self.right, other.right), min(self.bottom, other.bottom)).area


class Style(NamedTuple):
    """Sizes for a frame, in pixels."""

    scale: float
    line: int
    pad: int
    name: int
    bar: int
    value: int
    font: float

    @classmethod
    def of(cls, height: int, faces: int) -> Style:
        """Sizes for a frame of some height: legible on small ones, not shouting on large ones."""
        smaller = next((factor for limit, factor in SMALLER if faces <= limit), 0.6)
        scale = max((height / DESIGN_HEIGHT) ** 0.8 * smaller, 1.0)
        line, pad, name, bar, value = (round(size * scale) for size in (13, 6, 34, 56, 28))
        return cls(scale, line, pad, name, bar, value, 0.36 * scale)

    @property
    def panel_width(self) -> int:
        """Width of a panel."""
        return self.name + self.bar + self.value + 2 * self.pad

    def panel_height(self, aus: int) -> int:
        """Height of a panel for so many AUs."""
        return aus * self.line + 2 * self.pad


def draw(image: np.ndarray, rows: Iterable[Row], aus: Sequence[str]) -> np.ndarray:
    """Draw the faces of a frame.

    Args:
        image: uint8 (H, W, 3), RGB. Not changed.
        rows: Rows of this frame; those without a face are passed over.
        aus: Names of the AUs in the order of the scores.

    Returns:
        A new image of the same shape and dtype.
    """
    image = np.ascontiguousarray(image).copy()
    height, width = image.shape[:2]
    # From left to right, so that the places of the panels do not depend on the order of the rows.
    faces = sorted((row for row in rows if row.box is not None), key=lambda row: row.box or ())
    style = Style.of(height, len(faces))
    boxes = [_rect(row, width, height) for row in faces]
    labels = [_label_place(_label(row), box, (width, height), style) for row, box in zip(faces, boxes, strict=True)]
    taken = boxes + labels
    panels: list[Rect | None] = []
    for row, box, label in zip(faces, boxes, labels, strict=True):
        panel = _place(box.around(label), style, len(aus), (width, height), taken) if row.success else None
        panels.append(panel)
        if panel is not None:
            taken.append(panel)
    if len(faces) > CROWD and any(row.success and panel is None for row, panel in zip(faces, panels, strict=True)):
        panels = [None] * len(faces)  # of many, all have one or none: the labels of the others would lie across them
    numbers = (row.face_id if row.person is None else row.person for row in faces)
    colours = [FACE_COLOURS[(number or 0) % len(FACE_COLOURS)] for number in numbers]
    for row, box, panel, colour in zip(faces, boxes, panels, colours, strict=True):
        if panel is not None:
            _draw_panel(image, panel, row, aus, style)
            _draw_edge(image, panel, box, colour, style)
    for row, box, panel, colour in zip(faces, boxes, panels, colours, strict=True):
        _draw_box(image, box, colour, style)
        if row.view is not None:
            _draw_view(image, row.view, box, colour, style)
        _draw_label(image, _label(row, aus if row.success and panel is None else ()), box, colour, style)
    return image


def _rect(row: Row, width: int, height: int) -> Rect:
    x1, y1, x2, y2 = (round(float(value)) for value in row.box or ())
    return Rect(max(x1, 0), max(y1, 0), min(x2, width), min(y2, height))


def _place(box: Rect, style: Style, aus: int, frame: tuple[int, int], taken: Sequence[Rect]) -> Rect | None:
    """Place of a face's panel: beside it, else below or above, where it hides least; None if it hides too much."""
    width, height = style.panel_width, style.panel_height(aus)
    gap = style.pad
    middle = (box.left + box.right - width) // 2
    corners = (
        (box.right + gap, box.top),
        (box.left - gap - width, box.top),
        (middle, box.bottom + gap),
        (middle, box.top - gap - height),
    )
    best, least = None, HIDES_TOO_MUCH
    for x, y in corners:
        left = min(max(x, gap), frame[0] - width - gap)
        top = min(max(y, gap), frame[1] - height - gap)
        if left < 0 or top < 0:
            return None  # the frame is smaller than a panel
        panel = Rect(left, top, left + width, top + height)
        hidden = max(panel.common(other) / max(other.area, 1) for other in taken)
        if hidden < least:
            best, least = panel, hidden
        if hidden <= HIDES_NOTHING:  # good enough: the order of preference counts
            break
    return best


def _draw_box(image: np.ndarray, box: Rect, colour: Colour, style: Style) -> None:
    """A thin frame with strong corners."""
    left, top, right, bottom = box.left, box.top, box.right - 1, box.bottom - 1
    thin, thick = max(round(style.scale), 1), max(round(2.4 * style.scale), 2)
    cv2.rectangle(image, (left, top), (right, bottom), colour, thin, cv2.LINE_AA)
    arm = max(min(right - left, bottom - top) // 6, thick)
    for x, towards_x in ((left, arm), (right, -arm)):
        for y, towards_y in ((top, arm), (bottom, -arm)):
            cv2.line(image, (x, y), (x + towards_x, y), colour, thick, cv2.LINE_AA)
            cv2.line(image, (x, y), (x, y + towards_y), colour, thick, cv2.LINE_AA)


def _draw_view(image: np.ndarray, view: View, box: Rect, colour: Colour, style: Style) -> None:
    """Points at the landmarks, a line from the nose to where it points, and the quality as a bar below the box."""
    points = [(round(float(x)), round(float(y))) for x, y in view.landmarks]
    for point in points:
        cv2.circle(image, point, max(round(1.6 * style.scale), 1), colour, cv2.FILLED, cv2.LINE_AA)
    x, y = points[2]
    pitch, yaw, _ = view.pose
    reach = (box.right - box.left) / 2
    tip = (round(x - reach * sin(yaw)), round(y + reach * sin(pitch) * cos(yaw)))
    cv2.line(image, (x, y), tip, colour, max(round(1.6 * style.scale), 1), cv2.LINE_AA)
    half = max(round(style.scale), 1)
    middle = min(box.bottom + 3 * half, image.shape[0] - half)
    end = box.left + round((box.right - box.left) * view.quality)
    _bar(image, box.left, box.right, middle, half, TRACK)
    _bar(image, box.left, end, middle, half, colour if view.quality >= GOOD_VIEW else POOR)


def named_flaw(row: Row) -> str | None:
    """The worst flaw of a poor view; None of a good one."""
    if row.view is None or row.view.quality >= GOOD_VIEW:
        return None
    return next(iter(row.view.flaws), None)


def _label(row: Row, aus: Sequence[str] = ()) -> str:
    """Person and face, and the worst flaw of a poor view; with AUs, briefly, and which of them occur."""
    person, face, comma = ("P", "F", "") if aus else ("person ", "face ", ",")
    who = f"{face}{row.face_id}" if row.person is None else f"{person}{row.person}{comma} {face}{row.face_id}"
    told: list[str] = []
    if aus and row.occurrences is not None:
        active = (au.removeprefix("AU").lstrip("0") for au, occurs in zip(aus, row.occurrences, strict=True) if occurs)
        told.append(" ".join(("AU", *active)))
    if flaw := named_flaw(row):
        told.append(flaw)
    return f"{who}: {', '.join(told)}" if told else who


def _draw_label(image: np.ndarray, text: str, box: Rect, colour: Colour, style: Style) -> None:
    """A text at its place."""
    left, top, right, bottom = _label_place(text, box, (image.shape[1], image.shape[0]), style)
    cv2.rectangle(image, (left, top), (right - 1, bottom - 1), colour, cv2.FILLED)
    _text(image, text, (left + style.pad // 2, bottom - style.pad // 2), DARK, style)


def _label_place(text: str, box: Rect, frame: tuple[int, int], style: Style) -> Rect:
    """Place of a text: above the box, or inside where there is no room."""
    (width, height), _ = cv2.getTextSize(text, FONT, style.font, 1)
    width, height = (side + style.pad // 2 * 2 for side in (width, height))
    left = max(min(box.left, frame[0] - width), 0)
    bottom = box.top if box.top >= height else min(box.top + height, frame[1])
    return Rect(left, bottom - height, left + width, bottom)


def _draw_edge(image: np.ndarray, panel: Rect, box: Rect, colour: Colour, style: Style) -> None:
    """The edge of the panel that looks to the face, in the face's colour."""
    wide = max(round(2 * style.scale), 2)
    left = panel.right - wide if panel.right <= box.left else panel.left
    cv2.rectangle(image, (left, panel.top), (left + wide - 1, panel.bottom - 1), colour, cv2.FILLED)


def _draw_panel(image: np.ndarray, panel: Rect, row: Row, aus: Sequence[str], style: Style) -> None:
    """A line per AU: its name, a bar with a mark at the threshold of occurrence, its score."""
    if row.scores is None or row.occurrences is None:
        return
    inside = image[panel.top : panel.bottom, panel.left : panel.right]
    cv2.addWeighted(inside, 0.16, np.full_like(inside, DARK), 0.84, 0, dst=inside)
    bar_left = panel.left + style.pad + style.name
    mark = bar_left + round(style.bar * _part(row.output, row.output.threshold))
    for index, (au, score, occurs) in enumerate(zip(aus, row.scores, row.occurrences, strict=True)):
        top = panel.top + style.pad + index * style.line
        middle, half = top + style.line // 2, round(3.2 * style.scale)
        baseline = middle + round(4 * style.scale)
        value = f"{ten_thousandths(score) // 100 / 100:.2f}"
        _text(image, au, (panel.left + style.pad + round(2 * style.scale), baseline), BRIGHT if occurs else DIM, style)
        _bar(image, bar_left, bar_left + style.bar, middle, half, TRACK)
        end = bar_left + round(style.bar * _part(row.output, float(score)))
        _bar(image, bar_left, end, middle, half, OCCURS if occurs else BELOW)
        cv2.line(image, (mark, middle - half), (mark, middle + half), DARK if occurs else DIM, 1)
        _text(image, value, (bar_left + style.bar + style.pad // 2 + 1, baseline), OCCURS if occurs else DIM, style)


def _part(output: OutputRecord, value: float) -> float:
    """Position of a value in the output's range, from 0 to 1."""
    return (value - output.lowest) / (output.highest - output.lowest)


def _bar(image: np.ndarray, left: int, right: int, middle: int, half: int, colour: Colour) -> None:
    if right > left:
        cv2.rectangle(image, (left, middle - half), (right - 1, middle + half), colour, cv2.FILLED)


def _text(image: np.ndarray, text: str, corner: tuple[int, int], colour: Colour, style: Style) -> None:
    cv2.putText(image, text, corner, FONT, style.font, colour, 1 if style.scale < 3 else 2, cv2.LINE_AA)
