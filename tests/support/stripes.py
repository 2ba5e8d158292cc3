"""A small prepared dataset: stripes that are bright where their AU occurs."""

import cv2
import numpy as np

from mdhr_train.data.lists import write_lists
from mdhr_train.data.recordings import Recording
from mdhr_train.datasets import DATASETS

SMALL_MODEL = {"model.backbone": "test_resnet", "model.node_features": 16, "model.dynamics_channels": 16}
SMALL_MODEL_OPTIONS = ("--backbone", "test_resnet", "--node-features", "16", "--dynamics-channels", "16")


def make_dataset(root, name="disfa", subjects=2, frames=20, never=(), gap=True):
    """Write a prepared dataset of so many subjects per part, with one recording each; returns its `Dataset`."""
    dataset = DATASETS[name]
    rng = np.random.default_rng(0)
    recordings = [
        _recording(root, dataset, subject, frames, never, gap, rng)
        for part in dataset.parts
        for subject in part[:subjects]
    ]
    write_lists(root, dataset, recordings)
    return dataset


def _recording(root, dataset, subject, frames, never, gap, rng):
    aus = dataset.layout.aus
    name = dataset.recording_name.format(subject=subject, take=1)
    labels = (np.arange(frames)[:, None] // rng.integers(2, 6, len(aus)) % 2).astype(np.int8)
    labels[:, [aus.index(au) for au in never]] = 0
    labels[0, 0] = 9
    numbers = np.arange(frames) + 1
    if gap:
        numbers[-3:] += 5
    paths = []
    for number, row in zip(numbers, labels, strict=True):
        path = root / dataset.image_folder / dataset.crop_path(subject, name, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), _image(row, rng))
        paths.append(path)
    return Recording(name, subject, tuple(paths), numbers.astype(np.int64), labels)


def _image(row, rng):
    # Stripes, from the forehead down: a crop may be mirrored.
    stripes = np.linspace(0, len(row), 256, endpoint=False).astype(int)
    image = (60 + 120 * (row == 1))[stripes][:, None] + rng.integers(0, 8, (256, 256))
    return np.repeat(image[..., None], 3, axis=2).astype(np.uint8)
