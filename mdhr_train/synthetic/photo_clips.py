"""The photographed face on film: labelled clips to train on, and a labelled video to try a model on.

The face makes expressions, with head motion, changing light and noise, and a model can be trained and tried without a
dataset. All clips show the same person, so what is learned from them says that the parts work together, and nothing
about other faces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mdhr_runtime.errors import OutputError
from mdhr_runtime.faces.alignment import align
from mdhr_runtime.files import staged, told, write_text
from mdhr_runtime.layout import Layout
from mdhr_runtime.targets import is_marked_mp4, mp4_mark

from .behaviour import labels_of, random_intensities
from .photo_warp import FaceWarper, astronaut
from .smooth import Oscillation

# Independent streams of randomness under one seed.
PARTS = ("train", "test", "video")

PICTURE_MARGIN = 2.1
"""The part of the photograph that a clip needs: eye distances around the nose that hold the crop of every layout."""

FPS = 25

MARK = mp4_mark("synthetic video")

SWING = (2 * FPS, 5 * FPS)
"""Frames in which the head swings once to and fro: shortest and longest."""

LARGEST = np.array([0.1, 0.1, 4.0, 0.04])
"""Largest movements of the head: shift in x and y in eye distances, rotation in degrees, scale as a fraction."""


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
        shots = film_photo(self._warper, intensities, rng)
        # A detector is wrong in the same way in the whole clip, and by chance in each frame.
        bias, jitter = 0.015 * rng.standard_normal((5, 2), np.float32), rng.uniform(0, 0.01)
        crops = []
        for image, points in shots:
            error = bias + jitter * rng.standard_normal((5, 2), np.float32)  # in eye distances
            found = points + np.hypot(*(points[1] - points[0])) * error
            crops.append(align(image, found.astype(np.float32), self.layout.crop))
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


def film_photo(
    warper: FaceWarper, intensities: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Film a face that makes expressions, in random light, with a slowly moving head.

    Args:
        warper: The face.
        intensities: float (T, N), one column per AU.
        rng: Source of randomness.

    Yields:
        image: uint8 (H, W, 3), RGB, the whole picture with the face in it.
        landmarks: float32 (5, 2), where the face's points are in it.
    """
    unit = np.array([warper.photo.eye_distance, warper.photo.eye_distance, 1.0, 1.0])
    motion = Oscillation.random(np.zeros(4), unit * LARGEST * rng.uniform(0, 1, 4), SWING, rng)
    # Brightness, contrast and tint of the light, and the camera's noise; all but the gain of 255.
    gain = (rng.uniform(0.8, 1.15) * rng.uniform(0.96, 1.04, 3)).astype(np.float32)
    offset, noise = rng.uniform(-8, 8), rng.uniform(1, 4)
    centre = warper.photo.landmarks.mean(axis=0)
    for time, strength in enumerate(intensities):
        image, landmarks = warper.render(strength)
        x, y, degrees, zoom = motion.at(time)
        matrix = cv2.getRotationMatrix2D(tuple(map(float, centre)), degrees, 1 + zoom)
        matrix[:, 2] += x, y
        size = image.shape[1::-1]
        image = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        grain = rng.standard_normal(image.shape, np.float32)
        image = np.clip(image * gain + (offset + noise * grain), 0, 255).astype(np.uint8)
        yield image, (landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def write_video(path: Path, frames: int, layout: Layout, seed: int = 0) -> np.ndarray:
    """Write a video of a face that makes expressions: 512×512 pixels, 25 frames per second, MPEG-4.

    Args:
        path: The file, replaced if it exists; its name ends in .mp4.
        frames: Length T.
        layout: The action units that the face uses.
        seed: Seed of the video. It shares nothing with the clips of the same seed but the person.

    Returns:
        Labels, uint8 (T, N), 0 or 1.

    Raises:
        OutputError: The file cannot be written.
        ConfigError: The layout has an AU that the synthetic face cannot make, or scikit-image is not installed.
    """
    if path.suffix != ".mp4":
        raise OutputError(f"{path} is no name for the video.", "It is written as MPEG-4.", "End the name in .mp4.")
    warper = FaceWarper(astronaut(), layout.aus)
    rng = random_source(seed, "video")
    intensities = random_intensities(layout.aus, frames, rng)
    with told(f"The video {path}"), staged(path) as stage:
        _write(stage, warper, intensities, rng)
    return labels_of(intensities)


def _write(path: Path, warper: FaceWarper, intensities: np.ndarray, rng: np.random.Generator) -> None:
    size = warper.photo.image.shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, size)
    if not writer.isOpened():
        raise OSError("OpenCV could not open its MPEG-4 writer")
    try:
        for image, _landmarks in film_photo(warper, intensities, rng):
            writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    finally:
        writer.release()
    with path.open("ab") as file:
        file.write(MARK)


def is_video(path: Path) -> bool:
    """Whether a file is a whole video of `write_video`."""
    return is_marked_mp4(path, MARK)


def is_labels(path: Path) -> bool:
    """Whether a file is a whole table of `write_labels`."""
    header, *rows = path.read_text(encoding="utf-8", errors="replace").splitlines()
    row = r",[01]" * header.count(",")
    return re.fullmatch(r"frame(,AU\d\d_c)+", header) is not None and all(
        re.fullmatch(f"{number}{row}", each) for number, each in enumerate(rows, 1)
    )


def write_labels(path: Path, labels: np.ndarray, layout: Layout) -> None:
    """Write labels as a CSV file: the frame's number, counted from 1, and 0 or 1 per AU under its name with `_c`.

    Args:
        path: The file, replaced if it exists.
        labels: (T, N), 0 or 1.
        layout: The names of the action units.

    Raises:
        OutputError: The file cannot be written.
    """
    lines = [",".join(["frame", *(f"{name}_c" for name in layout.au_names)])]
    lines += [",".join(map(str, (number, *row))) for number, row in enumerate(labels.tolist(), 1)]
    write_text(path, "\n".join(lines) + "\n")
