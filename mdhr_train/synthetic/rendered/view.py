"""From the face's own coordinates to pixels of the crop: head pose with parallax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdhr_runtime.layout import CropGeometry

# Largest yaw, pitch and roll in radians, shift in x and y in eye distances, and zoom. Crops are aligned on the eyes and
# the mouth, so that little is left of shift, roll and zoom; a layout whose heads are not rotated upright keeps more.
LARGEST = np.array([0.26, 0.18, 0.03, 0.02, 0.02, 0.02])
ROLL_NOT_UPRIGHT = 0.12

PERIODS = (60, 200)
"""Frames in which the head swings once to and fro: shortest and longest."""


@dataclass(frozen=True, eq=False)
class View:
    """How the face of one frame is seen.

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
    """A head that slowly moves: a sine for each of yaw, pitch, roll, shift in x and y, and zoom.

    Attributes:
        centre: float64 (6,), the mean pose.
        amplitude: float64 (6,).
        frequency: float64 (6,), radians per frame.
        phase: float64 (6,), radians.
        crop: Where the eyes and the mouth lie.
    """

    centre: np.ndarray
    amplitude: np.ndarray
    frequency: np.ndarray
    phase: np.ndarray
    crop: CropGeometry

    @classmethod
    def random(cls, crop: CropGeometry, rng: np.random.Generator) -> Movement:
        """Draw a movement."""
        largest = LARGEST.copy()
        if not crop.rotate:
            largest[2] = ROLL_NOT_UPRIGHT
        share = rng.uniform(0, 0.6, 6)
        return cls(
            centre=largest * rng.uniform(-1, 1, 6) * (1 - share),
            amplitude=largest * share,
            frequency=2 * np.pi / rng.uniform(*PERIODS, 6),
            phase=rng.uniform(0, 2 * np.pi, 6),
            crop=crop,
        )

    def view(self, time: int) -> View:
        """The view of frame `time`."""
        pose = self.centre + self.amplitude * np.sin(self.frequency * time + self.phase)
        yaw, pitch, roll, right, down, zoom = pose.tolist()
        return view_of(self.crop, yaw, pitch, roll, (right, down), zoom)


def view_of(
    crop: CropGeometry,
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    zoom: float = 0.0,
) -> View:
    """Look at a face so that its eyes lie where the crop has them.

    Args:
        crop: Where the eyes and the mouth lie.
        yaw: Radians to the image's right.
        pitch: Radians down.
        roll: Radians clockwise.
        shift: Eye distances to the right and down.
        zoom: Growth as a fraction.
    """
    left, right = np.array(crop.left_eye), np.array(crop.right_eye)
    unit = crop.reference_size * float(np.hypot(*(right - left)))
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    # A turned head is narrower; aligning the eyes undoes that for what lies in their plane.
    seen = np.array([[1.0, 0.0, np.tan(yaw)], [0.0, np.cos(pitch), np.sin(pitch)]])
    origin = crop.reference_size * (left + right) / 2 + unit * np.array(shift)
    return View(unit * (1 + zoom) * turn @ seen, origin, unit)


def mouth_depth(crop: CropGeometry) -> float:
    """Depth of the mouth below the eyes, in eye distances."""
    left, right = np.array(crop.left_eye), np.array(crop.right_eye)
    return float((crop.mouth[1] - (left[1] + right[1]) / 2) / np.hypot(*(right - left)))
