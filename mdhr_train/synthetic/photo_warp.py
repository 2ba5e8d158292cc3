"""A photographed face that makes expressions: action units (AUs) as smooth warps and shadows of one picture.

A push of the skin is a displacement with a Gaussian falloff around a point of the face, a shade is a gain of the
light with such a falloff; `photo_actions` says which of them make an AU. Both grow in proportion to the AU's
intensity, so that a picture of any expression is one weighted sum of fields and one `cv2.remap`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from mdhr_runtime.errors import ConfigError

from .photo_actions import ACTIONS, REST, Action
from .smooth import bump

# Points of scikit-image's astronaut photograph (512×512) in pixels, (x, y). Read off a five-fold enlargement with a
# grid of 10 pixels drawn over it. A side of the face is the side in the image.
ASTRONAUT_PAIRS: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "brow_inner": ((212, 91), (238, 93)),
    "brow_middle": ((201, 89), (250, 92)),
    "brow_outer": ((190, 92), (262, 95)),
    "upper_lid": ((203, 97), (247, 99)),
    "lower_lid": ((202, 105), (245, 107)),
    "eye_corner": ((189, 102), (261, 105)),
    "cheek": ((198, 117), (252, 120)),
    "nose_wing": ((213, 129), (238, 129)),
    "fold": ((202, 132), (246, 134)),
    "mouth_corner": ((204, 141), (246, 139)),
    "upper_lip_side": ((215, 143), (235, 142)),
    "lower_lip_side": ((215, 151), (235, 151)),
}
ASTRONAUT_MIDDLE: Mapping[str, tuple[float, float]] = {
    "glabella": (225, 95),
    "nose_bridge": (225, 107),
    "nose": (226, 126),
    "upper_lip": (225, 141),
    "mouth": (225, 146),
    "lower_lip": (225, 151),
    "below_lip": (225, 157),
    "chin": (224, 164),
    "jaw": (223, 177),
}


# What MTCNN finds in the same photograph: eyes, nose, corners of the mouth, left before right in the image.
ASTRONAUT_LANDMARKS = ((203.0, 100.1), (246.3, 102.9), (224.2, 127.4), (201.5, 138.7), (244.6, 140.9))

# A shadow on skin is reddish, for the light in it has been through the skin: the fraction of a shade's gain that each
# of red, green and blue takes.
SKIN_TINT = np.array([0.65, 1.0, 1.15], np.float32)


@dataclass(frozen=True)
class FacePhoto:
    """A picture of a face with its named points.

    Attributes:
        image: uint8 (H, W, 3), RGB.
        pairs: Points that both sides of the face have, (x, y) pixels: image-left, image-right.
        middle: Points in the middle of the face, (x, y) pixels.
        landmarks: float32 (5, 2), the points (x, y) that a face detector gives: eyes, nose, corners of the mouth, left
            before right in the image.
    """

    image: np.ndarray
    pairs: Mapping[str, tuple[tuple[float, float], tuple[float, float]]]
    middle: Mapping[str, tuple[float, float]]
    landmarks: np.ndarray

    @property
    def eye_distance(self) -> float:
        """Distance between the eyes in pixels, the unit of length of `Push` and `Shade`."""
        left, right = self.landmarks[:2]
        return float(np.hypot(*(right - left)))

    def trimmed(self, margin: float) -> FacePhoto:
        """The part of the picture that reaches `margin` eye distances around the nose."""
        reach = margin * self.eye_distance
        height, width = self.image.shape[:2]
        x, y = self.middle["nose"]
        left, top = max(int(x - reach), 0), max(int(y - reach), 0)
        right, bottom = min(int(x + reach), width), min(int(y + reach), height)

        def moved(point: tuple[float, float]) -> tuple[float, float]:
            return point[0] - left, point[1] - top

        return FacePhoto(
            image=np.ascontiguousarray(self.image[top:bottom, left:right]),
            pairs={name: (moved(a), moved(b)) for name, (a, b) in self.pairs.items()},
            middle={name: moved(point) for name, point in self.middle.items()},
            landmarks=self.landmarks - np.array([left, top], np.float32),
        )

    def sides_of(self, point: str) -> list[tuple[float, float, int]]:
        """The positions of a named point: (x, y, side) each; side is −1 left, +1 right, and +1 in the middle."""
        if point in self.pairs:
            left, right = self.pairs[point]
            return [(*left, -1), (*right, 1)]
        return [(*self.middle[point], 1)]


@lru_cache(maxsize=1)
def astronaut() -> FacePhoto:
    """NASA's portrait of Eileen Collins, public domain, from scikit-image's wheel.

    Raises:
        ConfigError: scikit-image is not installed.
    """
    try:
        from skimage.data import astronaut as picture
    except ImportError as error:
        raise ConfigError(
            "The synthetic clips need scikit-image.",
            f"It carries the photograph that they are made of, and its import failed: {error}.",
            "Run `pip install 'mdhr-edge[train]'`.",
        ) from error
    image = picture()  # type: ignore[no-untyped-call]  # scikit-image says nothing of types here
    return FacePhoto(image, ASTRONAUT_PAIRS, ASTRONAUT_MIDDLE, np.array(ASTRONAUT_LANDMARKS, np.float32))


class FaceWarper:
    """Renders expressions of one photographed face.

    Args:
        photo: The face.
        aus: AU numbers; the order of the intensities given to `render`.

    Raises:
        ConfigError: An AU has no row in `ACTIONS`.
    """

    def __init__(self, photo: FacePhoto, aus: Sequence[int]) -> None:
        unknown = [au for au in aus if au not in ACTIONS]
        if unknown:
            raise ConfigError(
                f"The photographed face cannot make AU {', '.join(map(str, unknown))}.",
                f"The table of actions holds {', '.join(map(str, ACTIONS))}.",
                "Add a row to ACTIONS in mdhr_train/synthetic/photo_actions.py.",
            )
        self.photo = photo
        height, width = photo.image.shape[:2]
        self._grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
        self._rest = self._displacement(REST)
        self._moves = np.stack([self._displacement(ACTIONS[au]) for au in aus])
        self._gains = np.stack([self._log_gain(ACTIONS[au]) for au in aus])

    def render(self, intensities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Render one expression.

        Args:
            intensities: float (N,), one per AU; 0 is rest, 1 the full action.

        Returns:
            image: uint8, of the photo's shape, RGB.
            landmarks: float32 (5, 2), moved along with the skin.
        """
        move = self.displacement(intensities)
        log_gain = _weighted_sum(intensities, self._gains)
        shaded = np.clip(self.photo.image * np.exp(log_gain[..., None] * SKIN_TINT), 0, 255).astype(np.uint8)
        # The picture is looked up backwards: a pixel takes the colour of the skin that has moved to it.
        source = self._grid - move
        image = cv2.remap(shaded, source, np.empty(0, np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        column, row = np.round(self.photo.landmarks).astype(int).T
        return image, self.photo.landmarks + move[row, column]

    def displacement(self, intensities: np.ndarray) -> np.ndarray:
        """The way of the skin at each pixel from its position in the photo: float32 (H, W, 2), in pixels."""
        return self._rest + _weighted_sum(intensities, self._moves)

    def _displacement(self, action: Action) -> np.ndarray:
        """The displacement at full intensity: float32 (H, W, 2) in pixels."""
        field = np.zeros_like(self._grid)
        for push in action.pushes:
            for x, y, side in self.photo.sides_of(push.point):
                shift = np.array([side * push.dx, push.dy], np.float32) * self.photo.eye_distance
                # The field says where each pixel of the result comes from: it is centred where the point arrives.
                field += shift * self._bump(x + shift[0], y + shift[1], push.sx, push.sy)[..., None]
        return field

    def _log_gain(self, action: Action) -> np.ndarray:
        """The logarithm of the light's gain at full intensity: float32 (H, W)."""
        field = np.zeros(self._grid.shape[:2], np.float32)
        unit = self.photo.eye_distance
        for shade in action.shades:
            for x, y, side in self.photo.sides_of(shade.point):
                field += shade.gain * self._bump(x + side * shade.dx * unit, y + shade.dy * unit, shade.sx, shade.sy)
        return field

    def _bump(self, x: float, y: float, sx: float, sy: float) -> np.ndarray:
        """A Gaussian of height 1 at (x, y) pixels with standard deviations in eye distances: float32 (H, W)."""
        return bump(self._grid, x, y, sx, sy, self.photo.eye_distance)


def _weighted_sum(weights: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """The sum of float32 fields (N, …) times their weights (N,). Most weights are 0 in most frames."""
    total = np.zeros_like(fields[0])
    for index in np.flatnonzero(weights):
        total += np.float32(weights[index]) * fields[index]
    return total
