"""What a run learns from and is scored on, from whatever dataset."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mdhr_runtime.errors import DataError
from mdhr_runtime.layout import Layout

from ..data.clips import Clip, ScoringClips, TrainingClips
from ..data.lists import DataWarning, read_fold
from ..data.recordings import Fold, Recording
from ..datasets import DATASETS
from ..datasets.base import RENDERED
from ..losses import class_weights, occurrence_rates
from ..synthetic.photo_clips import SyntheticClips
from .config import RunConfig
from .loading import EpochClips

HELD_OUT = 5
"""With `validate: subjects`, every fifth training subject is kept for validation."""


@dataclass(frozen=True)
class Material:
    """The data of one run.

    Attributes:
        layout: Action units and regions.
        training: What is learnt, one clip per recording and epoch.
        validation: Clips on which the best epoch is chosen.
        test: Clips on which the best epoch is scored in the end.
        streams: Recordings that are scored as a whole in the end; may be none.
        weights: float64 (N,), how much each AU counts in the loss.
        facts: For the summary: fingerprint, whether it shows recorded faces, and numbers of recordings and frames.
    """

    layout: Layout
    training: EpochClips
    validation: Sequence[Clip]
    test: Sequence[Clip]
    streams: tuple[Recording, ...]
    weights: np.ndarray
    facts: dict[str, Any]


def from_dataset(config: RunConfig, frames: int) -> Material:
    """Read the fold of a prepared dataset that a run is configured for.

    Args:
        config: The run's; `data.root` is set.
        frames: Length of a clip.

    Raises:
        DataError: The fold cannot be read, or is too small to hold out subjects.

    Warns:
        DataWarning: An AU never occurs in the training part or in the test part.
    """
    dataset = DATASETS[config.data.dataset]
    fold = read_fold(Path(config.data.root or ""), dataset, config.data.fold)
    train, validation, weights = fold.train, fold.test, fold.weights
    if config.data.validate == "subjects":
        train, validation = _hold_out(fold)
        weights = class_weights(occurrence_rates(torch.from_numpy(_labels(train)))).numpy()
    _warn_of_absent(dataset.layout, fold)
    facts = {
        "fingerprint": fold.fingerprint,
        "recorded": not (Path(config.data.root or "") / RENDERED).exists(),
        "train_recordings": len(train),
        "test_recordings": len(fold.test),
        "train_frames": sum(len(recording.paths) for recording in train),
        "test_frames": sum(len(recording.paths) for recording in fold.test),
    }
    test = ScoringClips(fold.test, frames)
    return Material(
        dataset.layout,
        TrainingClips(train, frames, config.seed),
        test if validation is fold.test else ScoringClips(validation, frames),
        test,
        fold.test,
        weights,
        facts,
    )


def from_photograph(layout: Layout, clips: int, test_clips: int, frames: int, seed: int) -> Material:
    """The demo's synthetic clips, which show one photographed face; every epoch has the same.

    Args:
        layout: Action units and crop geometry.
        clips: Clips to learn from.
        test_clips: Further clips to validate and score on.
        frames: Length of a clip.
        seed: Seed of all of them.
    """
    training = SyntheticClips(layout, clips, frames, seed)
    test = PhotographClips(SyntheticClips(layout, test_clips, frames, seed, "test"))
    facts = {
        "fingerprint": f"photograph-{layout.name}-{clips}-{test_clips}-{frames}-{seed}",
        "recorded": False,
        "train_recordings": clips,
        "test_recordings": test_clips,
        "train_frames": clips * frames,
        "test_frames": test_clips * frames,
    }
    weights = class_weights(occurrence_rates(torch.from_numpy(training.labels()))).numpy()
    return Material(layout, PhotographClips(training), test, test, (), weights, facts)


class PhotographClips:
    """Synthetic clips of the photographed face as a dataset of `Clip`.

    Args:
        clips: What is rendered.
    """

    def __init__(self, clips: SyntheticClips) -> None:
        self._clips = clips

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> Clip:
        """Render a clip."""
        frames, labels = self._clips[index]
        return Clip(frames, labels.astype(np.int8), index)

    def set_epoch(self, epoch: int) -> None:
        """All epochs have the same clips."""

    def describe(self, index: int) -> str:
        """The clip's number."""
        return f"synthetic clip {index}"


def _hold_out(fold: Fold) -> tuple[tuple[Recording, ...], tuple[Recording, ...]]:
    """The training recordings without and of every fifth subject, in the order of the lists."""
    subjects = list(dict.fromkeys(recording.subject for recording in fold.train))
    held_out = set(subjects[HELD_OUT - 1 :: HELD_OUT] or subjects[1:])
    if not held_out:
        raise DataError(
            "No subject can be held out for validation.",
            f"The training part of fold {fold.number} shows only {', '.join(subjects)}.",
            "Use --validate test, or a larger dataset.",
        )
    train = tuple(recording for recording in fold.train if recording.subject not in held_out)
    return train, tuple(recording for recording in fold.train if recording.subject in held_out)


def _labels(recordings: Sequence[Recording]) -> np.ndarray:
    return np.concatenate([recording.labels for recording in recordings])


def _warn_of_absent(layout: Layout, fold: Fold) -> None:
    # Of the training part, `read_fold` warns.
    occurs = (_labels(fold.test) == 1).any(axis=0)
    absent = [name for name, some in zip(layout.au_names, occurs, strict=True) if not some]
    if absent:
        text = f"{', '.join(absent)} never occurs in the test part of fold {fold.number}: its F1 is 0, in the mean too."
        warnings.warn(text, DataWarning, stacklevel=3)
