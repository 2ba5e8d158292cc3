"""What a training run or a cross-validation has left in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Counts:
    """How well labels were found in the test part of a fold; all by names of AUs.

    Attributes:
        mean_f1: Mean F1 over the AUs, in [0, 1].
        f1: F1.
        true_positives: Frames.
        false_positives: Frames.
        false_negatives: Frames.
        true_negatives: Frames.
    """

    mean_f1: float
    f1: Mapping[str, float]
    true_positives: Mapping[str, int]
    false_positives: Mapping[str, int]
    false_negatives: Mapping[str, int]
    true_negatives: Mapping[str, int]


@dataclass(frozen=True)
class Epoch:
    """An epoch of training.

    Attributes:
        epoch: Number, from 1.
        loss: L = L_AU + 0.01 L_sub, mean over the epoch.
        loss_au: L_AU.
        loss_sub: L_sub.
        lr: Learning rate.
        seconds: Duration.
        waiting_share: Share of the time that went into waiting for data, in [0, 1].
        validation_f1: Mean F1 in [0, 1], or None where it was not measured.
    """

    epoch: int
    loss: float
    loss_au: float
    loss_sub: float
    lr: float
    seconds: float
    waiting_share: float
    validation_f1: float | None


@dataclass(frozen=True)
class Run:
    """A training run of one fold.

    Attributes:
        folder: Where it lies.
        dataset: Name of the dataset, such as "bp4d".
        layout: Name of the layout, such as "BP4D".
        fold: Number of the fold.
        backbone: Name of the backbone.
        aus: Names of the AUs.
        parameters: Number of parameters.
        device: What it was trained on.
        epochs: The epochs, in order.
        best_epoch: The epoch of `best.pt`.
        clip_frames: Length of the clips in frames, in training and in scoring; 16 in the paper.
        clips: `best.pt` on consecutive clips, as the paper scores.
        stream: `best.pt` on whole videos, as the runtime scores, or None.
        data: Fingerprint, whether the faces are recorded or rendered, and numbers of recordings and frames.
        versions: Of libraries.
    """

    folder: Path
    dataset: str
    layout: str
    fold: int
    backbone: str
    aus: tuple[str, ...]
    parameters: int
    device: str
    epochs: tuple[Epoch, ...]
    best_epoch: int
    clip_frames: int
    clips: Counts
    stream: Counts | None
    data: Mapping[str, Any]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class CrossValidation:
    """The runs of several folds.

    Attributes:
        folder: Where it lies.
        dataset: Name of the dataset.
        mean_f1: Mean over AUs and folds, in [0, 1].
        f1: Mean over the folds, by names of AUs.
        per_fold: The scores of each fold on clips, by its number.
        runs: The runs that are still there, in order of their folds; at least one.
    """

    folder: Path
    dataset: str
    mean_f1: float
    f1: Mapping[str, float]
    per_fold: Mapping[int, Counts]
    runs: tuple[Run, ...]
