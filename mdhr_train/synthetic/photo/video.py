"""A labelled video of the synthetic face: the whole photograph, so that a face has to be found in it first."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mdhr_runtime.errors import OutputError
from mdhr_runtime.files import staged
from mdhr_runtime.layout import Layout

from ..behaviour import labels_of, random_intensities
from .clips import film, random_source
from .warp import FaceWarper, astronaut

FPS = 25


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
    try:
        with staged(path) as stage:
            _write(stage, warper, intensities, rng)
    except OSError as error:
        raise OutputError(
            f"The video {path} could not be written.", str(error), "Choose a folder that exists and can be written."
        ) from error
    return labels_of(intensities)


def _write(path: Path, warper: FaceWarper, intensities: np.ndarray, rng: np.random.Generator) -> None:
    size = warper.photo.image.shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, size)
    if not writer.isOpened():
        raise OSError("OpenCV could not open its MPEG-4 writer")
    try:
        for image, _landmarks in film(warper, intensities, rng):
            writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    finally:
        writer.release()


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
    try:
        with staged(path) as stage:
            stage.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"The labels {path} could not be written.", str(error), "Choose a folder that exists and can be written."
        ) from error
