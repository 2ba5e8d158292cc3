"""A rendered face in front of a camera, frame by frame: light, background, noise, and frames that are disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from mdhr_runtime.layout import CropGeometry, Layout

from ..behaviour import Behaviour
from .canvas import Movement, View, fill, view_of
from .face import Controls, Identity, controls_over_time
from .painter import (
    draw_behind,
    draw_brows,
    draw_eyes,
    draw_folds,
    draw_hair,
    draw_mouth,
    draw_nose,
    outline,
    skin_texture,
)

FRINGE = (0.19, 0.23)
"""Height of a fringe's end above the eyes, in eye distances: lowest and highest."""

FRINGE_FRACTION = 0.25
"""Fraction of recordings in which it hides the brows."""

DISTURBED_FRACTION = 0.06
"""Fraction of frames that are disturbed. Two neighbours never are."""


def film_rendered(
    layout: Layout, identity: Identity, behaviour: Behaviour, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Film a person in random light with a slowly moving head.

    Args:
        layout: The AUs, and the positions of the eyes and the mouth.
        identity: The person.
        behaviour: What the person does.
        rng: Source of randomness.

    Yields:
        uint8 (256, 256, 3), RGB: the aligned crop of the layout.

    Raises:
        ConfigError: The layout has an AU that a rendered face cannot make.
    """
    frames = controls_over_time(layout.aus, behaviour)
    scene = Scene.random(layout.crop.reference_size, len(frames), rng)
    movement = Movement.random(layout.crop, rng)
    fringe = rng.uniform(*FRINGE) if rng.random() < FRINGE_FRACTION else None
    renderer = FaceRenderer(identity, layout.crop, scene.background, scene.slope, fringe)
    for time, controls in enumerate(frames):
        yield scene.shoot(renderer.draw(controls, movement.view(time)), time, rng)


class FaceRenderer:
    """Draws one person in the light of one recording.

    Args:
        identity: The person.
        crop: Positions of the eyes and the mouth.
        background: uint8 (S, S, 3), what is seen behind the head.
        light: float32 (2,), by how much the light grows across the face, per eye distance to the right and down; None
            for even light.
        fringe: How high above the eyes a fringe ends, or None for a free forehead.
    """

    def __init__(
        self,
        identity: Identity,
        crop: CropGeometry,
        background: np.ndarray,
        light: np.ndarray | None = None,
        fringe: float | None = None,
    ) -> None:
        self.identity, self.background, self.fringe = identity, background, fringe
        straight = view_of(crop)
        even = np.zeros(2, np.float32)
        self._skin = skin_texture(identity, straight, even if light is None else light, len(background))
        self._to_straight = np.vstack((straight.plane, (0, 0, 1)))

    def draw(self, controls: Controls, view: View) -> np.ndarray:
        """Draw one frame: uint8 (S, S, 3), RGB."""
        image = self.background.copy()
        draw_behind(image, self.identity, view)
        self._draw_skin(image, controls, view)
        draw_folds(image, self.identity, view, controls)
        for draw in (draw_nose, draw_mouth, draw_eyes, draw_brows):
            draw(image, self.identity, view, controls)
        draw_hair(image, self.identity, view, self.fringe)
        return image

    def _draw_skin(self, image: np.ndarray, controls: Controls, view: View) -> None:
        # The texture was painted in the straight view.
        matrix = np.vstack((view.plane, (0, 0, 1))) @ np.linalg.inv(self._to_straight)
        skin = cv2.warpAffine(self._skin, matrix[:2], image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        mask = np.zeros(image.shape[:2], np.uint8)
        fill(mask, outline(self.identity, view, controls.jaw), 255)
        cv2.copyTo(skin, mask, image)


@dataclass(frozen=True, eq=False)
class Scene:
    """The light and the camera of one recording.

    Attributes:
        background: uint8 (S, S, 3), RGB.
        slope: float32 (2,), by how much the light grows across the face, per eye distance to the right and down.
        gain: float32 (3,), factor of the light per colour.
        noise: uint8 (2S, 2S, 3), the noise plus 128, of which every frame shows another part.
        disturbed: bool (T,), which frames are disturbed.
    """

    background: np.ndarray
    slope: np.ndarray
    gain: np.ndarray
    noise: np.ndarray
    disturbed: np.ndarray

    @classmethod
    def random(cls, side: int, frames: int, rng: np.random.Generator) -> Scene:
        """Draw a scene for `frames` pictures of side `side`."""
        strength = rng.uniform(1.0, 4.0)
        noise = 128 + strength * rng.standard_normal((2 * side, 2 * side, 3), np.float32)
        return cls(
            background=_background(side, rng),
            slope=(rng.uniform(-0.16, 0.16, 2) * (1, 0.5)).astype(np.float32),
            gain=(rng.uniform(0.75, 1.1) * rng.uniform(0.95, 1.05, 3)).astype(np.float32),
            noise=np.clip(noise, 0, 255).astype(np.uint8),
            disturbed=_disturbed(frames, rng),
        )

    def shoot(self, image: np.ndarray, time: int, rng: np.random.Generator) -> np.ndarray:
        """Film frame `time`: uint8 (S, S, 3) as it is drawn, and as the camera gives it."""
        image = cv2.GaussianBlur(image, (0, 0), 0.7)
        image = cv2.multiply(image, np.array([*self.gain, 1.0]))
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
    drawn = rng.random(frames) < DISTURBED_FRACTION / (1 - DISTURBED_FRACTION)
    drawn[1:] &= ~drawn[:-1]
    return drawn


def _background(side: int, rng: np.random.Generator) -> np.ndarray:
    coarse = rng.uniform(20, 235, (4, 4, 1)).astype(np.float32) * rng.uniform(0.75, 1.1, (4, 4, 3)).astype(np.float32)
    mean = coarse.mean(axis=(0, 1), keepdims=True)
    smooth = cv2.resize(mean + 0.35 * (coarse - mean), (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255).astype(np.uint8)
