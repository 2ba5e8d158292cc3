"""What the analysis takes from a frame: faces, each with its number and its crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..errors import FramesError
from ..layout import CropGeometry


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face in a frame.

    Attributes:
        face_id: Its number within the source; numbers are not used again.
        box: (x1, y1, x2, y2) in pixels, within the image.
        confidence: The detector's confidence in [0, 1].
        crop: uint8 (S, S, 3), RGB, aligned as the model expects it.
        continues: Whether the frame before shows the same face, so that the two may be compared.
    """

    face_id: int
    box: tuple[float, float, float, float]
    confidence: float
    crop: np.ndarray
    continues: bool


class FaceFinder(Protocol):
    """Finds the faces in the consecutive images of one source."""

    def find(self, image: np.ndarray) -> list[FoundFace]:
        """Take the next image.

        Args:
            image: uint8 (H, W, 3), RGB.

        Raises:
            FramesError: The image is none that this finder can work with.
        """
        ...

    def interrupt(self) -> None:
        """Learn that images are missing, or one is unreadable: what follows does not continue what was."""
        ...


class WholeImages:
    """For images that are aligned faces already: all of them show one face, and nothing is looked for.

    Args:
        crop: The model's geometry. Images have the size of its reference crop, whose middle is taken, or that of the
            network's input.
    """

    def __init__(self, crop: CropGeometry) -> None:
        self._crop = crop
        self._continues = False

    def find(self, image: np.ndarray) -> list[FoundFace]:
        """Take the next image as a face."""
        height, width = image.shape[:2]
        sizes = (self._crop.reference_size, self._crop.input_size)
        if height != width or width not in sizes:
            raise FramesError(
                f"An image of {width}×{height} pixels is no aligned face.",
                f"Aligned faces have {' or '.join(f'{size}×{size}' for size in sizes)} pixels.",
                "Give images that were cropped for this model, or let the faces be found: --faces detect.",
            )
        margin = (width - self._crop.input_size) // 2
        inner = image[margin : height - margin, margin : width - margin]
        continues, self._continues = self._continues, True
        return [FoundFace(0, (0.0, 0.0, float(width), float(height)), 1.0, inner, continues)]

    def interrupt(self) -> None:
        """Learn that images are missing."""
        self._continues = False
