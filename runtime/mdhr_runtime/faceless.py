"""Frames in which no face was found: what they are like, so that the user is told what may be wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sources import Frame

STEP = 8
"""Every so many pixels, in both directions, one is looked at."""
CONTRAST = 5.0
"""Standard deviation of the pixels, of 255: MTCNN lost three faces, darkened for it, at 1.9, 2.5 and 5.2."""
DARK = 32.0
"""Mean of the pixels, of 255, up to which a frame without contrast is called dark; not measured."""


@dataclass
class FacelessFrames:
    """Counts the frames of a source in which no face was found, by what may be the cause.

    Attributes:
        count: All of them.
        unreadable: Those that could not be read.
        dark: Those that are dark, and without contrast.
        flat: Those of one colour that is not dark.
        smallest: Shortest side of the others in pixels; None if there are none.
    """

    count: int = 0
    unreadable: int = 0
    dark: int = 0
    flat: int = 0
    smallest: int | None = None

    def add(self, frame: Frame) -> None:
        """Count a frame."""
        self.count += 1
        pixels = frame.image[::STEP, ::STEP].reshape(-1, 3)
        if not frame.readable:
            self.unreadable += 1
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
        )
        told = [f"{'All' if of == self.count else f'{of} of {self.count}'} frames {what}." for of, what in causes if of]
        if self.smallest is not None and self.smallest < min_face:
            told.append(
                f"The smallest frame has a side of {self.smallest} pixels, and faces are looked for from {min_face} "
                "pixels on: lower --min-face."
            )
        elif self.smallest is not None:
            told.append(
                f"Faces may be smaller than {min_face} pixels (lower --min-face), on their side or upside down (turn "
                "the video), or turned away, covered or blurred."
            )
        return " ".join(told)
