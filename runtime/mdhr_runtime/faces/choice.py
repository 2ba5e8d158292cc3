"""Choosing faces: the largest, the nearest to a point, so many of them, or those in a region of the picture.

Chosen faces stay chosen, so that none flickers in and out. One gives its place up only after `PATIENCE` frames in a row
in which it was gone, or a face that is not chosen was `CLEARLY` times as large or as near to the point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot

from ..errors import FramesError
from .base import FoundFace

CLEARLY = 1.25
PATIENCE = 15
"""Half a second: as many frames as the model's window has, the context that every change of face costs."""
MARGIN = 0.25
"""How far the centre of a face that is in the region may leave it, in sides of the face."""


@dataclass(frozen=True)
class Choice:
    """Which faces are given.

    Places are in pixels of the upright picture, or in fractions of its sides where no number is above 1. When a source
    changes the size of its pictures, they keep their places in the first.

    Attributes:
        most: How many faces; None for all.
        point: (x, y): those with the nearest centres come first; None for the largest.
        region: (x, y, width, height), which their centres are in; None for the whole picture.
    """

    most: int | None = None
    point: tuple[float, float] | None = None
    region: tuple[float, float, float, float] | None = None

    def in_fractions(self, width: int, height: int) -> Choice:
        """The same choice with places in fractions of a picture's sides.

        Raises:
            FramesError: The region or the point is outside of the picture, or the point outside of the region.
        """
        x, y, w, h = _fractions(self.region or (0, 0, 1, 1), width, height)
        point = None if self.point is None else _fractions(self.point, width, height)
        size = f"The picture has {width}×{height} pixels."
        inside = "Give a place in it, in pixels or in fractions of its sides, such as 0.5."
        if self.region and not (-w < x < 1 and -h < y < 1):
            raise FramesError(f"The region {_text(self.region)} is outside of the picture.", size, inside)
        if self.point and point and not 0 <= min(point) <= max(point) <= 1:
            raise FramesError(f"The point {_text(self.point)} is outside of the picture.", size, inside)
        if self.region and self.point and point and not (x <= point[0] <= x + w and y <= point[1] <= y + h):
            raise FramesError(
                f"The point {_text(self.point)} is outside of the region {_text(self.region)}.",
                "Faces are chosen by their distance to the point, and only those in the region.",
                "Give a point in the region, or leave one of the two out.",
            )
        return Choice(self.most, point and (point[0], point[1]), self.region and (x, y, w, h))


EVERYONE = Choice()


class ChosenFaces:
    """The faces of one source that a choice gives, from frame to frame.

    Args:
        choice: What to give.
    """

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._relative: Choice | None = None
        self._inside: set[int] = set()
        self._doubts: dict[int, int] = {}  # frames in a row that speak against each chosen face
        self._given: set[int] = set()

    def of(self, faces: Sequence[FoundFace], width: int, height: int) -> list[FoundFace]:
        """Choose among the faces of the next frame.

        Args:
            faces: All that were found.
            width: Of the picture in pixels.
            height: Of the picture in pixels.

        Returns:
            Those that are chosen. One that the frame before did not give does not continue.

        Raises:
            FramesError: The choice contradicts itself or the first picture; see `Choice.in_fractions`.
        """
        self._relative = self._relative or self._choice.in_fractions(width, height)
        inside = [face for face in faces if self._is_inside(face, self._relative, width, height)]
        self._inside = {face.face_id for face in inside}
        self._settle({face.face_id: _merit(face, self._relative.point, width, height) for face in inside})
        chosen = [face for face in inside if face.face_id in self._doubts]
        before, self._given = self._given, {face.face_id for face in chosen}
        return [replace(face, continues=face.continues and face.face_id in before) for face in chosen]

    def _is_inside(self, face: FoundFace, choice: Choice, width: int, height: int) -> bool:
        if choice.region is None:
            return True
        x, y = _centre(face)
        left, top, w, h = (part * side for part, side in zip(choice.region, (width, height) * 2, strict=True))
        beyond = max(left - x, x - left - w, top - y, y - top - h)
        return beyond <= (MARGIN * _side(face) if face.face_id in self._inside else 0)

    def _settle(self, merits: dict[int, float]) -> None:
        """Decide who is chosen, by the merits of the faces that are there: the weakest are doubted first."""
        best = sorted(merits, key=lambda one: (-merits[one], one))
        rivals = [merits[one] for one in best if one not in self._doubts]
        for one in sorted(self._doubts, key=lambda one: merits.get(one, 0.0)):
            rival = rivals.pop(0) if rivals else 0.0
            doubted = rival >= CLEARLY * merits.get(one, 0.0)  # as is who is gone
            self._doubts[one] = self._doubts[one] + 1 if doubted else 0
        self._doubts = {one: doubts for one, doubts in self._doubts.items() if doubts < PATIENCE}
        free = len(best) if self._choice.most is None else self._choice.most - len(self._doubts)
        self._doubts |= dict.fromkeys([one for one in best if one not in self._doubts][:free], 0)


def _merit(face: FoundFace, point: tuple[float, float] | None, width: int, height: int) -> float:
    """What faces are compared by: their size, or how near they are to the point. Above 0."""
    if point is None:
        return max(_side(face), 1e-6)
    x, y = _centre(face)
    return 1 / max(hypot(x - point[0] * width, y - point[1] * height), 1e-6)


def _centre(face: FoundFace) -> tuple[float, float]:
    x1, y1, x2, y2 = face.box
    return (x1 + x2) / 2, (y1 + y2) / 2


def _side(face: FoundFace) -> float:
    x1, y1, x2, y2 = face.box
    return max(x2 - x1, y2 - y1)


def _fractions(place: Sequence[float], width: int, height: int) -> list[float]:
    sides = (1, 1) if max(place) <= 1 else (width, height)
    return [value / side for value, side in zip(place, sides * (len(place) // 2), strict=True)]


def _text(place: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in place)
