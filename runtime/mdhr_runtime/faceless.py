"""Frames in which no upright face was found: what may be wrong with them, so that the user is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .orientation import turned

if TYPE_CHECKING:
    from .sources import Frame

STEP = 8
"""Every so many pixels, in both directions, one is looked at."""
CONTRAST = 5.0
"""Standard deviation of the pixels, of 255: MTCNN lost three faces, darkened for it, at 1.9, 2.5 and 5.2."""
DARK = 32.0
"""Mean of the pixels, of 255, up to which a frame without contrast is called dark; not measured."""
FIRST_FRAMES, FIRST_SECONDS = 50, 2.0
"""Frames, or seconds, without a face at a source's beginning, after which the other directions are tried."""
TRIED = (0, 8, 40)
"""Which of them are tried: few, as all are kept until then."""


@dataclass
class FacelessFrames:
    """Counts the frames of a source without a face, by what may be the cause.

    Attributes:
        count: All of them.
        unreadable: Those that could not be read.
        dark: Those that are dark, and without contrast.
        flat: Those of one colour that is not dark.
        elsewhere: Those with faces of which none is chosen.
        smallest: Shortest side of the others in pixels; None if there are none.
    """

    count: int = 0
    unreadable: int = 0
    dark: int = 0
    flat: int = 0
    elsewhere: int = 0
    smallest: int | None = None

    def add(self, frame: Frame, *, elsewhere: bool = False) -> None:
        """Count a frame, which may have faces that are not chosen."""
        self.count += 1
        pixels = frame.image[::STEP, ::STEP].reshape(-1, 3)
        if not frame.readable:
            self.unreadable += 1
        elif elsewhere:
            self.elsewhere += 1
        elif pixels.std(axis=0).max() >= CONTRAST:
            side = min(frame.image.shape[:2])
            self.smallest = side if self.smallest is None else min(self.smallest, side)
        elif pixels.mean() <= DARK:
            self.dark += 1
        else:
            self.flat += 1

    def causes(self, min_face: int) -> str:
        """What may be the cause, and what to do: sentences for the user.

        Args:
            min_face: Side in pixels of the smallest face that was looked for.
        """
        causes = (
            (self.unreadable, "are unreadable"),
            (self.dark, "are dark: light the scene, or uncover the lens"),
            (self.flat, "are of one colour: check what the camera shows"),
            (self.elsewhere, "show faces outside of the region only: move or widen --roi"),
        )
        told = [f"{'All' if of == self.count else f'{of} of {self.count}'} frames {what}." for of, what in causes if of]
        if self.smallest is not None and self.smallest < min_face:
            told.append(
                f"The smallest frame has a side of {self.smallest} pixels, and faces are looked for from {min_face} "
                "pixels on: lower --min-face."
            )
        elif self.smallest is not None:
            told.append(
                f"Faces may be smaller than {min_face} pixels (lower --min-face), turned away, covered or blurred."
            )
        return " ".join(told)


class FirstFrames:
    """The first frames of a source, none of which shows a face. A few of them are tried in the other directions."""

    def __init__(self) -> None:
        self._count, self._begin = 0, 0.0
        self._tried: list[np.ndarray] = []

    def add(self, frame: Frame) -> bool:
        """Take the next frame; returns whether it is time to try."""
        if self._count == 0:
            self._begin = frame.timestamp
        if self._count in TRIED:
            self._tried.append(frame.image)
        self._count += 1
        return self._count >= FIRST_FRAMES or frame.timestamp - self._begin >= FIRST_SECONDS

    def advice(self, shows_face: Callable[[np.ndarray], bool]) -> str | None:
        """A sentence for the user; None if most frames show no face in any direction.

        Args:
            shows_face: Whether an image shows an upright face.
        """

        def faces(rotation: int) -> int:
            return sum(shows_face(turned(image, rotation)) for image in self._tried)

        found, rotation = max((faces(rotation), rotation) for rotation in (90, 180, 270))
        if found <= len(self._tried) / 2:
            return None
        return (
            f"No face was found in the first {self._count} frames. Turned by {rotation} degrees, {found} of "
            f"{len(self._tried)} frames tried show a face: try --rotate {rotation} (in addition to one that is given)."
        )
