"""Reading aligned crops, and how training changes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mdhr_runtime.errors import DataError

from ..model import INPUT_SIZE

CROP_SIZE = 256
"""Side in pixels of the crops of a prepared dataset."""

MARGIN = CROP_SIZE - INPUT_SIZE

JITTER = 0.4
"""Largest change of brightness, contrast and saturation, as a share."""

LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue, ITU-R BT.601

END_MARKERS = {".jpg": b"\xff\xd9", ".png": b"IEND\xaeB`\x82"}


@dataclass(frozen=True)
class Augmentation:
    """How the frames of one training clip are changed, all of them alike.

    Attributes:
        corner: Row and column of the upper left pixel of the 224×224 that are kept.
        flip: Whether left and right are exchanged.
        brightness: Factor.
        contrast: Factor of the distance from the clip's mean grey.
        saturation: Factor of the distance from each pixel's grey.
    """

    corner: tuple[int, int]
    flip: bool
    brightness: float
    contrast: float
    saturation: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Augmentation:
        """Draw an augmentation."""
        row, column = rng.integers(0, MARGIN + 1, 2).tolist()
        return cls((row, column), bool(rng.integers(2)), *rng.uniform(1 - JITTER, 1 + JITTER, 3).tolist())

    def apply(self, crops: np.ndarray) -> np.ndarray:
        """Change crops.

        The published implementation changes brightness, then contrast, then saturation, and clips in between. Here
        they are one affine map of a pixel's colours, rounded and clipped once, which takes a fraction of the time.

        Args:
            crops: uint8 (T, 256, 256, 3), RGB.

        Returns:
            uint8 (T, 224, 224, 3).
        """
        frames = cut(crops, self.corner)
        grey = self.brightness * (frames.mean(axis=(0, 1, 2)) @ LUMINANCE)
        colours = self.saturation * np.eye(3) + (1 - self.saturation) * LUMINANCE
        affine = np.column_stack([self.brightness * self.contrast * colours, np.full(3, (1 - self.contrast) * grey)])
        tall = np.ascontiguousarray(frames[:, :, ::-1] if self.flip else frames).reshape(-1, INPUT_SIZE, 3)
        return cv2.transform(tall, affine).reshape(frames.shape)


def cut(crops: np.ndarray, corner: tuple[int, int] = (MARGIN // 2, MARGIN // 2)) -> np.ndarray:
    """Cut uint8 (T, 224, 224, 3) out of crops (T, 256, 256, 3): the centre, or from another corner on."""
    row, column = corner
    return crops[:, row : row + INPUT_SIZE, column : column + INPUT_SIZE]


def read_whole(paths: Sequence[Path]) -> np.ndarray:
    """Read crops: uint8 (T, 256, 256, 3), RGB.

    Raises:
        DataError: An image is missing, damaged, or of another size.
    """
    return np.stack([_read(path) for path in paths])


def _read(path: Path) -> np.ndarray:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"The image {path} cannot be read.", str(error), "Copy it again, or prepare again.") from error
    # Decoders fill up what a cut-off file lacks with grey, and say nothing: only its end marker tells.
    whole = END_MARKERS.get(path.suffix, b"") in content[-64:]
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content and whole else None
    if image is None:
        raise DataError(
            f"The image {path} is damaged.",
            f"Its {len(content)} bytes are no complete {path.suffix[1:].upper()} image.",
            "Copy it again, or remove it and run mdhr-train prepare again.",
        )
    if image.shape[:2] != (CROP_SIZE, CROP_SIZE):
        height, width = image.shape[:2]
        raise DataError(
            f"The image {path} is no crop of a prepared dataset.",
            f"It has {width}×{height} pixels, not {CROP_SIZE}×{CROP_SIZE}.",
            "Prepare the dataset with mdhr-train prepare.",
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
