"""Protocols for finding faces, and the faces found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Aligner = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Cuts a face out: from an image (H, W, 3) and landmarks (5, 2) to a crop (S, S, 3), all uint8, RGB."""


@dataclass(frozen=True, eq=False)
class View:
    """How a frame shows a face.

    Attributes:
        landmarks: float32 (5, 2), (x, y) in pixels, in the order of `LandmarkRefiner`.
        pose: Pitch, yaw and roll of the head in radians; see `mdhr_runtime.faces.pose`.
        quality: How far the scores of this face can be trusted here, in [0, 1]; see `mdhr_runtime.faces.quality`.
        flaws: What lowers it, the worst first: words of `mdhr_runtime.faces.quality.FLAWS`.
    """

    landmarks: np.ndarray
    pose: tuple[float, float, float]
    quality: float
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face in a frame.

    Attributes:
        face_id: Its number within the source; numbers are not used again.
        box: (x1, y1, x2, y2) in pixels, within the image.
        confidence: The detector's confidence in [0, 1].
        crop: uint8 (S, S, 3), RGB, aligned as the model expects it.
        continues: Whether the frame before shows the same face, so that the two may be compared.
        person: Number of the person whose face it is; None if nobody has recognised it.
        view: How the frame shows it; None if that is unknown, as of images that are aligned faces already.
    """

    face_id: int
    box: tuple[float, float, float, float]
    confidence: float
    crop: np.ndarray
    continues: bool
    person: int | None = None
    view: View | None = None


class FaceDetector(Protocol):
    """Finds the faces in an image."""

    def detect(self, image: np.ndarray) -> np.ndarray:
        """Find all faces.

        Args:
            image: uint8 (H, W, 3), RGB.

        Returns:
            Their boxes float64 (N, 4), (x1, y1, x2, y2) in pixels within the image; the most certain first.
        """


class LandmarkRefiner(Protocol):
    """Says of places in an image whether faces are there, and where exactly."""

    def refine(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Look at places where faces should be.

        Args:
            image: uint8 (H, W, 3), RGB.
            boxes: Boxes (N, 4) near the faces, with N ≥ 1; they may reach beyond the image.

        Returns:
            The faces' boxes (N, 4), not confined to the image; the confidence that they are faces (N,), in [0, 1]; and
            landmarks float32 (N, 5, 2), (x, y) in pixels: left eye, right eye, nose, left and right corner of the
            mouth, left and right as seen in the image. They may lie outside the image.
        """


class FaceProvider(Protocol):
    """Finds the upright faces in the consecutive images of one source: those up to 60° of roll."""

    @property
    def lying(self) -> Sequence[int]:
        """The faces of the last image that lie on their side or upside down, and are not given; the most certain first.

        Each is told by the degrees, 90, 180 or 270 clockwise, that would turn it upright.
        """

    def find(self, image: np.ndarray) -> list[FoundFace]:
        """Take the next image.

        Args:
            image: uint8 (H, W, 3), RGB.

        Raises:
            FramesError: This provider cannot work with such an image.
        """

    def interrupt(self) -> None:
        """Learn that images are missing, or one is unreadable: what follows does not continue what was."""

    def shows_face(self, image: np.ndarray) -> bool:
        """Whether an image, uint8 (H, W, 3), RGB, shows an upright face, whatever came before and comes after it."""
