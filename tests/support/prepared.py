"""Tiny prepared datasets."""

from dataclasses import replace

import cv2
import numpy as np

from mdhr_train.data.lists import write_lists
from mdhr_train.data.recordings import Recording
from mdhr_train.datasets import DATASETS

BP4D = DATASETS["bp4d"]
SUBJECTS = ("F001", "M011", "F007")  # one of each part


def recording(root, subject, task="T1", numbers=range(1, 21), dataset=BP4D, seed=0):
    """A recording with random labels whose crops are written: noise, smooth enough for JPEG."""
    rng = np.random.default_rng((seed, *subject.encode()))
    numbers = np.array(list(numbers), np.int64)
    name = f"{subject}/{task}" if dataset.name == "bp4d" else subject
    paths = tuple(root / dataset.image_folder / dataset.crop_path(subject, name, number) for number in numbers.tolist())
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        small = rng.integers(60, 190, (8, 8, 3), np.uint8)
        cv2.imwrite(str(path), cv2.resize(small, (256, 256), interpolation=cv2.INTER_CUBIC))
    labels = rng.integers(0, 2, (len(numbers), len(dataset.layout.aus))).astype(np.int8)
    labels[:2] = [[0], [1]]  # every AU occurs and is absent
    return Recording(name, subject, paths, numbers, labels)


def dataset_in(root, **changes):
    """Write a dataset with one recording of each part; return its recordings."""
    recordings = [replace(recording(root, subject), **changes) for subject in SUBJECTS]
    write_lists(root, BP4D, recordings)
    return recordings
