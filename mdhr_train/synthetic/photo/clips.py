"""Synthetic clips: one photographed face that makes labelled expressions, with head motion, changing light and noise.

They let a model be trained and tried without a dataset. All clips show the same person, so what is learned from
them says that the parts work together, and nothing about other faces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from mdhr_runtime.faces.alignment import align
from mdhr_runtime.layout import Layout

from ..behaviour import labels_of, random_intensities
from .warp import FaceWarper, astronaut

# Independent streams of randomness under one seed.
PARTS = ("train", "test", "video")

PICTURE_MARGIN = 2.1
"""How much of the photograph a clip needs: eye distances around the nose that hold the crop of every layout."""


class SyntheticClips:
    """A dataset of short labelled clips; every clip is drawn from the seed and its index alone.

    It has a length and an index, which is all that `torch.utils.data.DataLoader` asks for.

    Args:
        layout: Action units and crop geometry.
        clips: Number of clips.
        frames: Length T of a clip.
        seed: Seed of the whole dataset.
        part: "train" or "test": parts of one seed share no clip.

    Raises:
        ConfigError: The layout has an AU that the synthetic face cannot make, or scikit-image is not installed.
    """

    def __init__(self, layout: Layout, clips: int, frames: int = 16, seed: int = 0, part: str = "train") -> None:
        self.layout, self.clips, self.frames = layout, clips, frames
        self._seed, self._part = seed, part
        self._warper = FaceWarper(astronaut().trimmed(PICTURE_MARGIN), layout.aus)

    def __len__(self) -> int:
        return self.clips

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Render one clip.

        Returns:
            frames: uint8 (T, 224, 224, 3), RGB, aligned as the layout says.
            labels: uint8 (T, N), 0 or 1.
        """
        rng = self._rng(index)
        intensities = random_intensities(self.layout.aus, self.frames, rng)
        shots = film(self._warper, intensities, rng)
        detector = DetectorError.random(rng)
        crops = [align(image, detector.disturb(points, rng), self.layout.crop) for image, points in shots]
        return np.stack(crops), labels_of(intensities)

    def labels(self) -> np.ndarray:
        """The labels of all clips without rendering them: uint8 (clips, T, N)."""
        return np.stack(
            [labels_of(random_intensities(self.layout.aus, self.frames, self._rng(i))) for i in range(self.clips)]
        )

    def _rng(self, index: int) -> np.random.Generator:
        if not 0 <= index < self.clips:
            raise IndexError(f"clip {index} of {self.clips}")
        return random_source(self._seed, self._part, index)


def random_source(seed: int, part: str, index: int = 0) -> np.random.Generator:
    """A stream of randomness of its own for each seed, part (one of `PARTS`) and index."""
    return np.random.default_rng((seed, PARTS.index(part), index))


def film(
    warper: FaceWarper, intensities: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Film a face that makes expressions, in random light, with a slowly moving head.

    Args:
        warper: The face.
        intensities: float (T, N), what it does.
        rng: Source of randomness.

    Yields:
        image: uint8 (H, W, 3), RGB, the whole picture with the face in it.
        landmarks: float32 (5, 2), where the face's points are in it.
    """
    motion = HeadMotion.random(rng, warper.photo.eye_distance)
    light = Light.random(rng)
    centre = warper.photo.landmarks.mean(axis=0)
    for time, strength in enumerate(intensities):
        image, landmarks = warper.render(strength)
        matrix = motion.matrix(time, centre)
        size = image.shape[1::-1]
        image = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        yield light.shine(image, rng), (landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


@dataclass(frozen=True)
class HeadMotion:
    """Slow, smooth motion of the head in the picture's plane: a sine for each of four movements.

    Attributes:
        amplitude: float (4,): shift in x and y in pixels, rotation in degrees, scale as a fraction.
        frequency: float (4,): radians per frame.
        phase: float (4,): radians.
    """

    amplitude: np.ndarray
    frequency: np.ndarray
    phase: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator, eye_distance: float) -> HeadMotion:
        """Draw a motion; its shifts are in proportion to the face."""
        largest = np.array([0.1 * eye_distance, 0.1 * eye_distance, 4.0, 0.04])
        # Once around in 2 to 5 seconds of 25 frames.
        return cls(largest * rng.uniform(0, 1, 4), 2 * np.pi / rng.uniform(50, 125, 4), rng.uniform(0, 2 * np.pi, 4))

    def matrix(self, time: int, centre: np.ndarray) -> np.ndarray:
        """The motion at a frame as an affine matrix of pixels, float64 (2, 3), around `centre`."""
        x, y, degrees, zoom = self.amplitude * np.sin(self.frequency * time + self.phase)
        matrix = cv2.getRotationMatrix2D(tuple(map(float, centre)), degrees, 1 + zoom)
        matrix[:, 2] += x, y
        return matrix


@dataclass(frozen=True)
class Light:
    """Brightness, contrast and tint of a clip, and the camera's noise.

    Attributes:
        gain: float32 (3,), factor per colour.
        offset: Added to all colours, of 255.
        noise: Standard deviation of the noise per pixel and colour, of 255.
    """

    gain: np.ndarray
    offset: float
    noise: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Light:
        """Draw a light."""
        gain = rng.uniform(0.8, 1.15) * rng.uniform(0.96, 1.04, 3)
        return cls(gain.astype(np.float32), rng.uniform(-8, 8), rng.uniform(1, 4))

    def shine(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Apply to uint8 (H, W, 3); the result has the same shape and type."""
        grain = rng.standard_normal(image.shape, np.float32)
        return np.clip(image * self.gain + (self.offset + self.noise * grain), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class DetectorError:
    """How a detector's five points differ from the true ones: the same way in a whole clip, and by chance per frame.

    Attributes:
        bias: float32 (5, 2), in eye distances.
        jitter: Standard deviation per frame, point and direction, in eye distances.
    """

    bias: np.ndarray
    jitter: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> DetectorError:
        """Draw a detector's habit."""
        return cls(0.015 * rng.standard_normal((5, 2), np.float32), rng.uniform(0, 0.01))

    def disturb(self, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Landmarks as the detector would give them: float32 (5, 2) pixels, as `points`."""
        unit = np.hypot(*(points[1] - points[0]))
        error = self.bias + self.jitter * rng.standard_normal((5, 2), np.float32)
        return (points + unit * error).astype(np.float32)
