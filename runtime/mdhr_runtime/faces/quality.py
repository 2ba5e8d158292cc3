"""The quality of a face: how far its scores can be trusted, by the way in which an image shows it.

Every flaw has a measure, and a ramp between two of its values: at the one, or worse, nothing can be trusted (0), at
the other, or better, the flaw is absent (1). The quality is the product of all ramps.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .boxes import areas, clipped
from .pose import averted


class Ramp(NamedTuple):
    """A measure's values at which a face is worth nothing, and from which on the flaw is absent."""

    worst: float
    fine: float


RAMPS = {
    "small": Ramp(8, 40),  # pixels between the eyes; the network sees them 95 pixels apart
    "blurred": Ramp(0.25, 0.5),  # share of the face's detail that blurring takes away
    "dark": Ramp(5, 25),  # grey levels, of 256, from the darkest tenth of the face to the brightest: light and contrast
    "bright": Ramp(0.8, 0.2),  # fraction of the face that is white
    "turned": Ramp(60, 30),  # degrees away from the camera; the networks' data are nearly frontal
    "cut": Ramp(0.4, 0.05),  # fraction of the face's box beyond the image's edges
    "covered": Ramp(1.0, 2.0),  # nines of the refiner's score: 0.9 and 0.99
}
FLAWS = tuple(RAMPS)
WORST, FINE = np.array(list(RAMPS.values())).T
TELLING = 0.9  # a ramp below this is named among the flaws
SIDE, REACH = 84, 11  # in pixels, of the face in which detail is looked for, and of the blur that takes it away
THUMBNAIL = 28  # in pixels: its lightest and darkest pixels are areas of the face, no speckles
WHITE = 240


def assess(
    size: tuple[int, int],
    box: np.ndarray,
    landmarks: np.ndarray,
    confidence: float,
    pose: tuple[float, float, float],
    crop: np.ndarray,
) -> tuple[float, tuple[str, ...]]:
    """Judge how an image shows a face.

    Args:
        size: Height and width of the image in pixels.
        box: The face's box (4,), not confined to the image.
        landmarks: (5, 2), (x, y) in pixels, in the order of `LandmarkRefiner`.
        confidence: The refiner's confidence in [0, 1].
        pose: Pitch, yaw and roll in radians; see `head_pose`.
        crop: uint8 (S, S, 3), RGB: the face as the network sees it.

    Returns:
        The quality in [0, 1], and the words of `FLAWS` for what lowers it by a tenth and more, the worst first.
    """
    margin = len(crop) // 8
    face = cv2.resize(crop[margin:-margin, margin:-margin], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    face = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    greys = np.sort(cv2.resize(face, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), axis=None)
    tenth = len(greys) // 10
    measures = [
        _width(landmarks),
        min(_detail(face), _detail(cv2.transpose(face))),
        float(greys[-tenth]) - float(greys[tenth]),
        1 - np.searchsorted(greys, WHITE) / len(greys),
        np.degrees(averted(pose, landmarks, size)),
        _beyond(box, size),
        -np.log10(max(1 - confidence, 1e-9)),
    ]
    parts = np.clip((measures - WORST) / (FINE - WORST), 0, 1)
    return float(parts.prod()), tuple(FLAWS[flaw] for flaw in np.argsort(parts) if parts[flaw] < TELLING)


def _width(landmarks: np.ndarray) -> float:
    """Pixels between the eyes, were the head not turned: as far as the mouth lies below them, where that is more."""
    left_eye, right_eye, _, mouth_left, mouth_right = landmarks.astype(float)
    across, along = right_eye - left_eye, (mouth_left + mouth_right - left_eye - right_eye) / 2
    return float(max(np.hypot(*across), np.hypot(*along) * 0.9))


def _detail(face: np.ndarray) -> float:
    """Share of the differences between neighbouring rows that goes when the rows are blurred (Crete et al. 2007).

    Of a blurred face little goes. Light and contrast change nothing.
    """
    blurred = cv2.blur(face, (1, REACH))
    differences, left = cv2.absdiff(face[1:], face[:-1]), cv2.absdiff(blurred[1:], blurred[:-1])
    return float(cv2.sumElems(cv2.subtract(differences, left))[0] / max(cv2.sumElems(differences)[0], 1.0))


def _beyond(box: np.ndarray, size: tuple[int, int]) -> float:
    """Fraction of a box (4,) beyond the edges of an image."""
    height, width = size
    whole, inside = areas(np.stack([box, clipped(box[None], width, height)[0]]))
    return float(1 - inside / max(whole, 1e-9))
