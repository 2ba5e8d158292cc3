"""Smooth shapes that both kinds of synthetic faces are made with: bumps in space, oscillations in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Oscillation:
    """A slow, smooth motion of K quantities, each a sine around a mean of its own.

    Attributes:
        centre: float64 (K,), the means.
        amplitude: float64 (K,).
        frequency: float64 (K,), radians per frame.
        phase: float64 (K,), radians.
    """

    centre: np.ndarray
    amplitude: np.ndarray
    frequency: np.ndarray
    phase: np.ndarray

    @classmethod
    def random(
        cls, centre: np.ndarray, amplitude: np.ndarray, periods: tuple[float, float], rng: np.random.Generator
    ) -> Oscillation:
        """Draw the phases, and how many frames each oscillation takes: between the two `periods`."""
        count = len(amplitude)
        return cls(centre, amplitude, 2 * np.pi / rng.uniform(*periods, count), rng.uniform(0, 2 * np.pi, count))

    def at(self, time: int) -> np.ndarray:
        """The quantities at a frame: float64 (K,)."""
        return self.centre + self.amplitude * np.sin(self.frequency * time + self.phase)


def bump(grid: np.ndarray, x: float, y: float, width: float, height: float, unit: float = 1.0) -> np.ndarray:
    """A Gaussian of height 1.

    Args:
        grid: float (H, W, 2), where each pixel lies.
        x: The middle, in the grid's unit.
        y: Likewise.
        width: Standard deviation along x, in multiples of `unit`.
        height: The same along y.
        unit: In the grid's unit.

    Returns:
        (H, W), of the grid's type.
    """
    middle, size = np.array([x, y], np.float32), np.array([width, height], np.float32)
    return np.exp(-0.5 * np.square((grid - middle) / size / unit).sum(axis=-1))
