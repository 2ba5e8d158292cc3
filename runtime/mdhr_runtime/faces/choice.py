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
"""Half a second: as many frames as the model's window has, which is the context that a new face has to gather."""
GRACE = 0.25
"""How far the centre of a face that is in the region may leave it, in sides of the face."""
Point = tuple[float, float]
Region = tuple[float, float, float, float]
WHOLE: Region = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Choice:
    """Which faces are given.

    Places are in pixels of the upright picture, or in fractions of its sides where no number is above 1. When a source
    changes the size of its pictures, they keep their places in the first.

    Attributes:
        most: How many faces; None for all.
        point: (x, y): those whose centres are nearest to it come first; None for the largest.
        region: (x, y, width, height), which their centres are in.
    """

    most: int | None = None
    point: Point | None = None
    region: Region = WHOLE

    def in_fractions(self, width: int, height: int) -> Choice:
        """The same choice, with places in fractions of a picture's sides.

        Raises:
            FramesError: The region is outside of the picture, or the point outside of either.
        """
        x, y, w, h = _fractions(self.region, width, height)
        px, py = _fractions(self.point, width, height) if self.point else (x + w / 2, y + h / 2)
        outside = ""
        if not (-w < x < 1 and -h < y < 1):
            outside = f"The region {_text(self.region)} is outside of the picture."
        elif not (x <= px <= x + w and y <= py <= y + h):
            of = "picture" if self.region == WHOLE else f"region {_text(self.region)}"
            outside = f"The point {_text(self.point or ())} is outside of the {of}."
        if outside:
            raise FramesError(
                outside,
                f"The picture has {width}×{height} pixels.",
                "Give a region in the picture and a point in the region, in pixels or in fractions of it (0.5).",
            )
        return Choice(self.most, (px, py) if self.point else None, (x, y, w, h))


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
        """Choose among the faces of the next picture; one that the frame before did not give does not continue.

        Args:
            faces: All that were found.
            width: Of the picture in pixels.
            height: Of the picture in pixels.

        Raises:
            FramesError: The choice contradicts itself or the first picture; see `Choice.in_fractions`.
        """
        choice = self._relative = self._relative or self._choice.in_fractions(width, height)
        x, y, w, h = (part * side for part, side in zip(choice.region, (width, height) * 2, strict=True))
        merits: dict[int, float] = {}  # what faces are compared by, above 0
        for face in faces:
            x1, y1, x2, y2 = face.box
            cx, cy, size = (x1 + x2) / 2, (y1 + y2) / 2, max(x2 - x1, y2 - y1)
            if max(x - cx, cx - x - w, y - cy, cy - y - h) <= (GRACE * size if face.face_id in self._inside else 0):
                px, py = choice.point or (0, 0)
                distance = hypot(cx - px * width, cy - py * height)
                merits[face.face_id] = 1 / max(distance, 1e-6) if choice.point else max(size, 1e-6)
        self._inside = set(merits)
        self._settle(merits)
        chosen = [face for face in faces if face.face_id in merits and face.face_id in self._doubts]
        before, self._given = self._given, {face.face_id for face in chosen}
        return [replace(face, continues=face.continues and face.face_id in before) for face in chosen]

    def _settle(self, merits: dict[int, float]) -> None:
        """Decide who is chosen among the faces that are there. The weakest of the chosen has the strongest rival."""
        best = sorted(merits, key=lambda one: (-merits[one], one))
        rivals = [merits[one] for one in best if one not in self._doubts]
        for one in sorted(self._doubts, key=lambda one: merits.get(one, 0.0)):
            rival = rivals.pop(0) if rivals else 0.0
            surpassed = rival >= CLEARLY * merits.get(one, 0.0)  # as is whoever is gone
            self._doubts[one] = self._doubts[one] + 1 if surpassed else 0
        self._doubts = {one: doubts for one, doubts in self._doubts.items() if doubts < PATIENCE}
        free = len(best) if self._choice.most is None else self._choice.most - len(self._doubts)
        self._doubts |= dict.fromkeys([one for one in best if one not in self._doubts][:free], 0)


def _fractions(place: Sequence[float], width: int, height: int) -> list[float]:
    sides = (1, 1) if max(place) <= 1 else (width, height)
    return [value / side for value, side in zip(place, sides * (len(place) // 2), strict=True)]


def _text(place: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in place)
