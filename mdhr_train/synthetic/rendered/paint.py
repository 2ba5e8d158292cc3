"""Drawing with OpenCV: shapes with smooth edges at fractions of pixels, and soft shadows."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

SHIFT = 4
"""Bits of a pixel's fraction in OpenCV's drawing functions."""

NEUTRAL = 128
"""Value of a shade that neither darkens nor brightens."""

U = np.linspace(-1, 1, 17)
"""From one end of a feature (eye, mouth) to the other."""

AROUND = np.linspace(0, 2 * np.pi, 48, endpoint=False)
"""Directions around a shape, in radians."""


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
    """The outline of what lies between two lines of points (n, 2) that run the same way."""
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
