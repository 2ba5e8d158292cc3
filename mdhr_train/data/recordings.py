"""The recordings of a prepared dataset, with a label per frame and action unit (AU), and the folds that they form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from mdhr_runtime.errors import DataError

from ..datasets.base import SPLITS, Dataset


@dataclass(frozen=True, eq=False)
class Recording:
    """The labelled frames of one video of one subject.

    Attributes:
        name: Its name in the dataset, such as "F001/T1" or "SN001".
        subject: The person, such as "F001".
        paths: The T aligned crops, in order.
        numbers: int64 (T,), the frames' numbers in the video. Where one is missing, the recording breaks.
        labels: int8 (T, N): 1 the AU occurs, 0 it does not, anything else unknown.
    """

    name: str
    subject: str
    paths: tuple[Path, ...]
    numbers: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        """Number of frames T."""
        return len(self.paths)


@dataclass(frozen=True, eq=False)
class Fold:
    """One split of a dataset into training and test subjects.

    Attributes:
        number: 1, 2 or 3.
        train: Recordings to learn from.
        test: Recordings of other subjects, to score on.
        weights: float64 (N,), how much each AU counts in the loss; see `mdhr_train.losses.class_weights`.
        fingerprint: SHA-256 of the lists that the fold was read from, in hexadecimal digits.
    """

    number: int
    train: tuple[Recording, ...]
    test: tuple[Recording, ...]
    weights: np.ndarray
    fingerprint: str


class HasSubject(Protocol):
    """A recording, raw or prepared: it belongs to a subject and has a number of frames."""

    @property
    def subject(self) -> str:
        """The person."""
        ...

    def __len__(self) -> int: ...


Recorded = TypeVar("Recorded", bound=HasSubject)


def divide(dataset: Dataset, recordings: Iterable[Recorded]) -> dict[tuple[int, str], list[Recorded]]:
    """Divide recordings among the folds.

    Args:
        dataset: Its parts tell which subject belongs where.
        recordings: What is to be divided.

    Returns:
        For each fold and split ("train" or "test") its recordings, by the order of their subjects.

    Raises:
        DataError: A subject belongs to no part, or a split would be empty.
    """
    by_subject: dict[str, list[Recorded]] = {subject: [] for part in dataset.parts for subject in part}
    for recording in recordings:
        if recording.subject not in by_subject:
            raise DataError(
                f"The subject {recording.subject} belongs to no fold.",
                f"No part of {dataset.name} names it.",
                f"Add it to a part in mdhr_train/datasets/{dataset.name}.py, or leave its recordings out.",
            )
        by_subject[recording.subject].append(recording)
    found = {}
    for fold in dataset.folds:
        for split in SPLITS:
            subjects = dataset.subjects(fold, split)
            chosen = [recording for subject in subjects for recording in by_subject[subject]]
            if not any(map(len, chosen)):
                raise empty(f"Fold {fold} of {dataset.name}", split, f"There is no frame of {some(subjects)}.")
            found[fold, split] = chosen
    return found


def require_disjoint(what: str, train: Iterable[HasSubject], test: Iterable[HasSubject]) -> None:
    """Refuse a fold that tests on subjects that it trains on.

    Args:
        what: The fold in words.
        train: Its recordings to learn from.
        test: Its recordings to score on.

    Raises:
        DataError: They share a subject.
    """
    shared = sorted({recording.subject for recording in train} & {recording.subject for recording in test})
    if shared:
        raise DataError(
            f"{what} trains and tests on the same subjects.",
            f"Both lists hold {some(shared)}; a score on known faces says nothing about others.",
            "Check the lists, or write them again with mdhr-train prepare.",
        )


def empty(what: str, split: str, why: str) -> DataError:
    """The error of a fold without frames in a split."""
    return DataError(
        f"{what} has no {split} frames.",
        why,
        "Check that the dataset is complete: every fold needs subjects of all three parts.",
    )


def some(things: Sequence[object], shown: int = 3) -> str:
    """The first few of many things in words."""
    rest = len(things) - shown
    return ", ".join(map(str, things[:shown])) + (f" and {rest} more" if rest > 0 else "")
