"""Choices of how faces are found, followed, told apart and given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ..defaults import DETECT_EVERY, MAX_GAP, MIN_FACE
from .choice import EVERYONE, Choice


@dataclass(frozen=True)
class FaceOptions:
    """The choices.

    Attributes:
        kind: "detect" finds and follows the faces; "crops" takes every image as an aligned face.
        min_face: Side in pixels of the smallest face to look for.
        detect_every: Frames, or time, from one detection to the next; in between, known faces are followed.
        max_gap: Frames, or time, that a face may be away and keep its id.
        identity: "embedding" recognises people; "none" tells faces apart by place and colours alone. None is the former
            if the bundle has the graph for it.
        across: Whether a person has one number in all sources, and not one in each.
        choice: Which of the faces are given.
        min_quality: Quality of a view below which a row has no scores.
    """

    kind: Literal["detect", "crops"] = "detect"
    min_face: int = MIN_FACE
    detect_every: int | timedelta = DETECT_EVERY
    max_gap: int | timedelta = MAX_GAP
    identity: Literal["embedding", "none"] | None = None
    across: bool = False
    choice: Choice = EVERYONE
    min_quality: float = 0.0


DEFAULTS = FaceOptions()
