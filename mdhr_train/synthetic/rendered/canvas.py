"""The canvas of a rendered face: from its own coordinates to pixels of the crop, and shapes in pixels with OpenCV.

A head has a pose with parallax. Shapes have smooth edges at fractions of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mdhr_runtime.layout import CropGeometry

from ..smooth import Oscillation

SHIFT = 4
"""Bits of a pixel's fraction in OpenCV's drawing functions."""

NEUTRAL = 128
"""Value of a shade that neither darkens nor brightens."""

U = np.linspace(-1, 1, 17)
"""From one end of a feature (eye, mouth) to the other."""

AROUND = np.linspace(0, 2 * np.pi, 48, endpoint=False)
"""Directions around a shape, in radians."""

# Largest yaw, pitch and roll in radians, shift in x and y in eye distances, and zoom. Crops are aligned on the eyes and
# the mouth, so that little is left of shift, roll and zoom; a layout whose heads are not rotated upright keeps more.
LARGEST = np.array([0.26, 0.18, 0.03, 0.02, 0.02, 0.02])
ROLL_NOT_UPRIGHT = 0.12

PERIODS = (60, 200)
"""Frames in which the head swings once to and fro: shortest and longest."""


@dataclass(frozen=True, eq=False)
class View:
    """View of the face in one frame.

    Attributes:
        matrix: float64 (2, 3), from (x, y, z) in eye distances to pixels.
        origin: float64 (2,), the pixel of the point between the eyes.
        unit: Pixels of an eye distance.
    """

    matrix: np.ndarray
    origin: np.ndarray
    unit: float

    def __call__(self, x: np.ndarray, y: np.ndarray, z: float | np.ndarray = 0.0) -> np.ndarray:
        """Points in eye distances, z towards the camera, as pixels: float64 (n, 2)."""
        points = np.empty((len(x), 3))
        points[:, 0], points[:, 1], points[:, 2] = x, y, z
        return points @ self.matrix.T + self.origin

    @property
    def plane(self) -> np.ndarray:
        """The affine matrix (2, 3) of the plane of the eyes, z = 0."""
        return np.column_stack((self.matrix[:, :2], self.origin))


@dataclass(frozen=True, eq=False)
class Movement:
    """A head that slowly moves.

    Attributes:
        pose: Yaw, pitch and roll in radians, shift in x and y in eye distances, and zoom.
        crop: Positions of the eyes and the mouth.
    """

    pose: Oscillation
    crop: CropGeometry

    @classmethod
    def random(cls, crop: CropGeometry, rng: np.random.Generator) -> Movement:
        """Draw a movement."""
        largest = LARGEST.copy()
        if not crop.rotate:
            largest[2] = ROLL_NOT_UPRIGHT
        moving = rng.uniform(0, 0.6, 6)
        centre = largest * rng.uniform(-1, 1, 6) * (1 - moving)
        return cls(Oscillation.random(centre, largest * moving, PERIODS, rng), crop)

    def view(self, time: int) -> View:
        """The view of frame `time`."""
        yaw, pitch, roll, right, down, zoom = self.pose.at(time).tolist()
        return view_of(self.crop, yaw, pitch, roll, (right, down), zoom)


def view_of(
    crop: CropGeometry,
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    zoom: float = 0.0,
) -> View:
    """The view of a face whose eyes are where the crop has them.

    Args:
        crop: Positions of the eyes and the mouth.
        yaw: Radians to the image's right.
        pitch: Radians down.
        roll: Radians clockwise.
        shift: Eye distances to the right and down.
        zoom: Growth as a fraction.
    """
    left, right = np.array(crop.left_eye), np.array(crop.right_eye)
    unit = crop.reference_size * float(np.hypot(*(right - left)))
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    # A turned head is narrower; aligning the eyes undoes that for what is in their plane.
    seen = np.array([[1.0, 0.0, np.tan(yaw)], [0.0, np.cos(pitch), np.sin(pitch)]])
    origin = crop.reference_size * (left + right) / 2 + unit * np.array(shift)
    return View(unit * (1 + zoom) * turn @ seen, origin, unit)


def mouth_depth(crop: CropGeometry) -> float:
    """Depth of the mouth below the eyes, in eye distances."""
    left, right = np.array(crop.left_eye), np.array(crop.right_eye)
    return float((crop.mouth[1] - (left[1] + right[1]) / 2) / np.hypot(*(right - left)))


def fill(image: np.ndarray, points: np.ndarray, colour: Sequence[float] | float) -> None:
    """Fill a polygon.

    Args:
        image: uint8 (H, W) or (H, W, 3), drawn on.
        points: float (n, 2), pixels.
        colour: One value per channel.
    """
    cv2.fillPoly(image, [_fixed(points)], colour, cv2.LINE_AA, SHIFT)


def line(image: np.ndarray, points: np.ndarray, colour: Sequence[float] | float, thickness: float) -> None:
    """Draw through points (n, 2); the thickness in pixels is rounded, and at least 1."""
    cv2.polylines(image, [_fixed(points)], False, colour, max(round(thickness), 1), cv2.LINE_AA, SHIFT)


def band(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """The outline of the area between two lines of points (n, 2) that run the same way."""
    return np.concatenate((upper, lower[::-1]))


def ellipse(x: float, y: float, width: float, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates around an ellipse: its centre, and half its width and height."""
    return x + width * np.cos(AROUND), y + height * np.sin(AROUND)


def shade(image: np.ndarray, factors: np.ndarray) -> None:
    """Multiply uint8 (H, W, 3) in place by uint8 (H, W) or (H, W, 3) / `NEUTRAL`."""
    if factors.ndim == 2:
        factors = cv2.cvtColor(factors, cv2.COLOR_GRAY2BGR)
    cv2.multiply(image, factors, dst=image, scale=1 / NEUTRAL)


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.rint(points * (1 << SHIFT)).astype(np.int32)
