"""The quality of a face: how far its scores can be trusted, by the way in which an image shows it.

Every flaw has a measure, and a ramp between two of its values: at the one, or worse, nothing can be trusted (0), at
the other, or better, the flaw is absent (1). The quality is the product of all ramps.
"""

from __future__ import annotations

import cv2
import numpy as np

from .boxes import areas, clipped
from .pose import Pose, averted

RAMPS = {
    "small": (8, 40),  # pixels between the eyes, which the network sees 83 or 95 pixels apart
    "blurred": (0.25, 0.5),  # fraction of the face's detail that blurring takes away
    "dark": (5, 25),  # grey levels, of 256, from the darkest tenth of the face to the brightest: light and contrast
    "bright": (0.8, 0.2),  # fraction of the face that is white
    "turned": (60, 30),  # degrees away from the camera; the networks' data are nearly frontal
    "cut": (0.4, 0.05),  # fraction of the face's box beyond the image's edges
    "covered": (1, 2),  # nines of the refiner's score: 0.9 and 0.99
}
FLAWS = tuple(RAMPS)
WORST, FINE = np.array(list(RAMPS.values())).T
TELLING = 0.9  # a ramp below this is named among the flaws
SIDE, REACH = 84, 11  # in pixels, of the face in which detail is looked for, and of the blur that takes it away
THUMBNAIL = 28  # in pixels: its lightest and darkest pixels are areas of the face, no speckles
WHITE = 240
EYES_PER_HEIGHT = 0.9  # distance of the eyes beside that of the mouth below them


def assess(
    size: tuple[int, int], box: np.ndarray, landmarks: np.ndarray, confidence: float, pose: Pose, crop: np.ndarray
) -> tuple[float, tuple[str, ...]]:
    """Judge how an image shows a face.

    Args:
        size: Height and width of the image in pixels.
        box: The face's box (4,), not confined to the image.
        landmarks: (5, 2), (x, y) in pixels, in the order of `LandmarkRefiner`.
        confidence: The refiner's confidence in [0, 1].
        pose: What `head_pose` found.
        crop: uint8 (S, S, 3), RGB: the face as the network sees it.

    Returns:
        The quality in [0, 1], and the words of `FLAWS` for what lowers it by a tenth and more, the worst first.
    """
    margin = len(crop) // 8
    face = cv2.resize(crop[margin:-margin, margin:-margin], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    face = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    greys = np.sort(cv2.resize(face, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), axis=None).astype(float)
    tenth = len(greys) // 10
    whole, inside = areas(np.stack([box, clipped(box[None], size[1], size[0])[0]]))
    measures = [
        _eyes(landmarks),
        min(_detail(face), _detail(cv2.transpose(face))),
        greys[-tenth] - greys[tenth],
        (greys >= WHITE).mean(),
        np.degrees(averted(pose, landmarks, size)),
        1 - inside / max(whole, 1e-9),
        -np.log10(max(1 - confidence, 1e-9)),
    ]
    parts = np.clip((measures - WORST) / (FINE - WORST), 0, 1)
    return float(parts.prod()), tuple(FLAWS[flaw] for flaw in np.argsort(parts) if parts[flaw] < TELLING)


def _eyes(landmarks: np.ndarray) -> float:
    """Pixels between the eyes, or where they would be if the head were not turned."""
    left_eye, right_eye, _, mouth_left, mouth_right = landmarks.astype(float)
    height = (mouth_left + mouth_right - left_eye - right_eye) / 2
    return float(max(np.hypot(*(right_eye - left_eye)), np.hypot(*height) * EYES_PER_HEIGHT))


def _detail(face: np.ndarray) -> float:
    """Fraction of the differences between neighbouring rows that goes when the rows are blurred (Crete et al. 2007).

    Of a blurred face little goes. Light and contrast change nothing.
    """
    blurred = cv2.blur(face, (1, REACH))
    differences, left = cv2.absdiff(face[1:], face[:-1]), cv2.absdiff(blurred[1:], blurred[:-1])
    return float(cv2.sumElems(cv2.subtract(differences, left))[0] / max(cv2.sumElems(differences)[0], 1.0))
