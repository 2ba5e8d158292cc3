"""One take of a rendered dataset: a stretch of frames of one person, rendered and written as crops."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...data.recordings import Recording
from ...datasets import DATASETS
from ...datasets.base import Dataset
from ..behaviour import labels_of
from .behaviour import random_behaviour
from .identity import random_identity
from .renderer import film
from .view import mouth_depth

BREAK = 100
"""Frame numbers between two takes, so that no clip reaches from one into the other."""

QUALITY = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, 85], ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3]}
"""Settings of the encoder by the crops' suffix."""


@dataclass(frozen=True)
class Take:
    """What one process renders at a time.

    Attributes:
        dataset: Key of `DATASETS`.
        images: Folder of the crops.
        subject: Who is rendered.
        number: Number of the take among those of the subject, from 1.
        frames: Length T.
        seed: Seed of the whole dataset.
    """

    dataset: str
    images: Path
    subject: str
    number: int
    frames: int
    seed: int


def render_take(take: Take) -> Recording:
    """Render a take and write its crops.

    Returns:
        The take with its true labels.

    Raises:
        OSError: A crop cannot be written.
        ConfigError: The layout has an AU that a rendered face cannot make.
    """
    cv2.setNumThreads(1)  # the processes are the parallelism
    dataset = DATASETS[take.dataset]
    person = [subject for part in dataset.parts for subject in part].index(take.subject)
    # A person is the same in all takes, and independent of how many there are.
    identity = random_identity(mouth_depth(dataset.layout.crop), np.random.default_rng((take.seed, person, 0)))
    rng = np.random.default_rng((take.seed, person, take.number))
    behaviour = random_behaviour(dataset.layout, take.frames, rng)
    recording = _recording(take, dataset, labels_of(behaviour.intensities).astype(np.int8))
    recording.paths[0].parent.mkdir(parents=True, exist_ok=True)
    for path, crop in zip(recording.paths, film(dataset.layout, identity, behaviour, rng), strict=True):
        _write(path, crop)
    return recording


def _recording(take: Take, dataset: Dataset, labels: np.ndarray) -> Recording:
    # DISFA has one recording per subject: there takes are parts of one.
    name = dataset.recording_name.format(subject=take.subject, take=take.number)
    numbers = np.arange(take.frames, dtype=np.int64) + (take.number - 1) * (take.frames + BREAK)
    paths = tuple(take.images / dataset.crop_path(take.subject, name, number) for number in numbers.tolist())
    return Recording(name, take.subject, paths, numbers, labels)


def _write(path: Path, crop: np.ndarray) -> None:
    _, encoded = cv2.imencode(path.suffix, cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), QUALITY[path.suffix])
    path.write_bytes(encoded)
