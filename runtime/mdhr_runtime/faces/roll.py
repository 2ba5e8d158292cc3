"""The roll of faces: which ones are upright, and which lie on their side or upside down.

MTCNN finds some of those that lie, and then invents upright landmarks for them. But asked about the same place turned
by 90, 180 and 270 degrees too, it is the most certain where the face is upright.
"""

from __future__ import annotations

import numpy as np

from .base import LandmarkRefiner
from .boxes import squared, whole
from .mtcnn import patches

UPRIGHT = 60.0  # degrees of roll beyond which a face lies
SIDE = 96  # in pixels, of what is turned: twice as wide as the face
LEAST_DOUBT, MOST_DOUBT = 2.0**-24, 0.03  # that of a float32 below 1; and that with which a face is believed to lie


def posture(refiner: LandmarkRefiner, image: np.ndarray, box: np.ndarray) -> tuple[float, int]:
    """Ask a refiner about a face in four directions.

    Args:
        refiner: Knows upright faces.
        image: uint8 (H, W, 3), RGB.
        box: The face's box (4,).

    Returns:
        The odds that the face lies: the refiner's doubt that one is upright there, divided by its doubt that one lies.
        Of 1,604 upright faces in seven videos they were 1.8 at most; of 748 that lay, 92 % had 10 and more. And the
        degrees clockwise by which to turn the image so that a face that lies is upright.
    """
    square = squared(box[None])
    reach = (square[0, 2] - square[0, 0]) / 2
    (patch,) = patches(image, whole(square + reach * np.array([-1, -1, 1, 1])), SIDE)
    turned = np.hstack([np.rot90(patch, quarters) for quarters in range(4)])
    boxes = np.tile([SIDE / 4 + 0.5, SIDE / 4 + 0.5, SIDE * 3 / 4 - 0.5, SIDE * 3 / 4 - 0.5], (4, 1))
    boxes[:, ::2] += SIDE * np.arange(4)[:, None]
    boxes, _, _ = refiner.refine(turned, boxes)  # doubts need the exact place, more than landmarks do
    _, scores, landmarks = refiner.refine(turned, boxes)
    doubts = np.maximum(1 - scores, LEAST_DOUBT)
    rolls = (np.array([roll(one) for one in landmarks]) + range(0, 360, 90) + 180) % 360 - 180
    lies = np.abs(rolls) > UPRIGHT
    upright, lying = doubts[~lies].min(initial=1.0), doubts[lies].min(initial=1.0)
    odds = upright / lying if lying <= MOST_DOUBT else min(upright / lying, 1.0)
    best = rolls[np.where(lies, doubts, np.inf).argmin()]
    return float(odds), round(-best / 90) * 90 % 360


def roll(landmarks: np.ndarray) -> float:
    """Roll of a face in degrees clockwise, in [-180, 180], from its landmarks (5, 2)."""
    x, y = landmarks[3:].mean(axis=0) - landmarks[:2].mean(axis=0)
    return float(np.degrees(np.arctan2(-x, y)))
