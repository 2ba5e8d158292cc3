"""A face in front of a camera, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from mdhr_runtime.layout import CropGeometry, Layout

from .behaviour import Behaviour
from .camera import Camera
from .controls import Controls, controls_over_time
from .features import draw_brows, draw_eyes, draw_mouth, draw_nose
from .head import draw_behind, draw_hair, outline, skin_texture
from .identity import Identity
from .paint import fill
from .view import Movement, View, view_of
from .wrinkles import draw_folds

FRINGE = (0.19, 0.23)
"""How high above the eyes a fringe ends, in eye distances: lowest and highest."""

FRINGE_SHARE = 0.25
"""Share of recordings in which it hides the brows."""


class FaceRenderer:
    """Draws one person in the light of one recording.

    Args:
        identity: The person.
        crop: Where the eyes and the mouth lie.
        background: uint8 (S, S, 3), what is seen behind the head.
        light: float (2,), by how much the light grows across the face, per eye distance to the right and down.
        fringe: How high above the eyes a fringe ends, or None for a free forehead.
    """

    def __init__(
        self,
        identity: Identity,
        crop: CropGeometry,
        background: np.ndarray,
        light: Sequence[float] = (0.0, 0.0),
        fringe: float | None = None,
    ) -> None:
        self.identity, self.background, self.fringe = identity, background, fringe
        straight = view_of(crop)
        self._skin = skin_texture(identity, straight, np.float32(light), len(background))
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


def film(layout: Layout, identity: Identity, behaviour: Behaviour, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Film a person in random light with a slowly moving head.

    Args:
        layout: The AUs, and where the eyes and the mouth lie.
        identity: The person.
        behaviour: What the person does.
        rng: Source of randomness.

    Yields:
        uint8 (256, 256, 3), RGB: the aligned crop of the layout.

    Raises:
        ConfigError: The layout has an AU that a rendered face cannot make.
    """
    frames = controls_over_time(layout.aus, behaviour)
    camera = Camera.random(layout.crop.reference_size, len(frames), rng)
    movement = Movement.random(layout.crop, rng)
    fringe = rng.uniform(*FRINGE) if rng.random() < FRINGE_SHARE else None
    renderer = FaceRenderer(identity, layout.crop, camera.background, camera.slope, fringe)
    for time, controls in enumerate(frames):
        yield camera.take(renderer.draw(controls, movement.view(time)), time, rng)
