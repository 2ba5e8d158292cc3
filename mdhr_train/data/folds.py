"""Dividing recordings among the folds by their subjects, and refusing what would be no fair split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from mdhr_runtime.errors import DataError

from ..datasets import FOLDS, SPLITS, Dataset


class HasSubject(Protocol):
    """What belongs to a subject and has a number of frames."""

    @property
    def subject(self) -> str:
        """Who is to be seen."""
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
                "Add it to a part in mdhr_train/datasets/base.py, or leave its recordings out.",
            )
        by_subject[recording.subject].append(recording)
    found = {}
    for fold in FOLDS:
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
