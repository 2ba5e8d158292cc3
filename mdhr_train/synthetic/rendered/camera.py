"""How a recording is filmed: light, background, the camera's noise, and frames that something disturbs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

DISTURBED_SHARE = 0.06
"""Share of frames that are disturbed. Two neighbours never are."""


@dataclass(frozen=True, eq=False)
class Camera:
    """The light and the camera of one recording.

    Attributes:
        background: uint8 (S, S, 3), RGB.
        slope: float (2,), by how much the light grows across the face, per eye distance to the right and down.
        gain: Factor of the light.
        tint: float (3,), factor per colour.
        noise: uint8 (2S, 2S, 3), the noise plus 128, of which every frame shows another part.
        disturbed: bool (T,), which frames are disturbed.
    """

    background: np.ndarray
    slope: np.ndarray
    gain: np.ndarray
    noise: np.ndarray
    disturbed: np.ndarray

    @classmethod
    def random(cls, side: int, frames: int, rng: np.random.Generator) -> Camera:
        """Draw a camera for `frames` pictures of side `side`."""
        strength = rng.uniform(1.0, 4.0)
        noise = 128 + strength * rng.standard_normal((2 * side, 2 * side, 3), np.float32)
        return cls(
            background=_background(side, rng),
            slope=np.float32(rng.uniform(-0.16, 0.16, 2) * (1, 0.5)),
            gain=np.float32(rng.uniform(0.75, 1.1) * rng.uniform(0.95, 1.05, 3)),
            noise=np.clip(noise, 0, 255).astype(np.uint8),
            disturbed=_disturbed(frames, rng),
        )

    def take(self, image: np.ndarray, time: int, rng: np.random.Generator) -> np.ndarray:
        """Film frame `time`: uint8 (S, S, 3) as it is drawn, and as the camera gives it."""
        image = cv2.GaussianBlur(image, (0, 0), 0.7)
        image = cv2.multiply(image, (*self.gain.tolist(), 1.0))
        if self.disturbed[time]:
            image = disturb(image, rng)
        side = len(image)
        x, y = rng.integers(0, side, 2)
        return cv2.addWeighted(image, 1, self.noise[y : y + side, x : x + side], 1, -128)


def disturb(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Disturb one frame, uint8 (S, S, 3): blur it, fill it with noise, or cover a part of it."""
    side = len(image)
    kind = rng.integers(3)
    if kind == 0:
        return cv2.GaussianBlur(image, (0, 0), side * rng.uniform(0.025, 0.04))
    if kind == 1:
        grain = rng.normal(0, rng.uniform(25, 40), (side // 2, side // 2, 3)).astype(np.float32)
        return np.clip(image + cv2.resize(grain, (side, side)), 0, 255).astype(np.uint8)
    covered = image.copy()
    top, height = rng.uniform(0.0, 0.6) * side, rng.uniform(0.3, 0.4) * side
    covered[int(top) : int(top + height)] = rng.integers(0, 256, 3)
    return covered


def _disturbed(frames: int, rng: np.random.Generator) -> np.ndarray:
    # Of neighbours the first one counts; the rate before that makes up for those that are dropped.
    drawn = rng.random(frames) < DISTURBED_SHARE / (1 - DISTURBED_SHARE)
    drawn[1:] &= ~drawn[:-1]
    return drawn


def _background(side: int, rng: np.random.Generator) -> np.ndarray:
    coarse = rng.uniform(20, 235, (4, 4, 1)).astype(np.float32) * rng.uniform(0.75, 1.1, (4, 4, 3)).astype(np.float32)
    mean = coarse.mean(axis=(0, 1), keepdims=True)
    smooth = cv2.resize(mean + 0.35 * (coarse - mean), (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255).astype(np.uint8)
