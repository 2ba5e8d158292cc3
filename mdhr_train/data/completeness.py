"""How the labelled frames that were found differ from those of the complete dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..datasets.base import Dataset
from ..datasets.raw import RawRecording


@dataclass(frozen=True)
class Difference:
    """A part of a dataset with other frames than the complete dataset's.

    Attributes:
        fold: The fold that tests on the part.
        frames: Its labelled frames that were found.
        complete: Those of the complete dataset.
        subjects: What differs in words, by subject.
    """

    fold: int
    frames: int
    complete: int
    subjects: dict[str, str]


def differences(dataset: Dataset, recordings: Iterable[RawRecording]) -> list[Difference]:
    """Compare labelled frames with those of the complete dataset.

    Args:
        dataset: The table that says how many there are.
        recordings: What was found.

    Returns:
        Per part that differs how it does, in the order of the folds; nothing where the numbers are not known.
    """
    found: Counter[str] = Counter()
    names = set()
    for recording in recordings:
        found[recording.subject] += len(recording)
        names.add(recording.name)
    different = []
    for index, (subjects, complete) in enumerate(zip(dataset.parts, dataset.frames or (), strict=False)):
        words = {
            subject: text
            for subject, frames in zip(subjects, complete, strict=True)
            if (text := _difference(dataset, subject, found[subject], frames, names))
        }
        if words:
            frames = sum(found[subject] for subject in subjects)
            different.append(Difference(len(dataset.parts) - index, frames, sum(complete), words))
    return different[::-1]


def _difference(dataset: Dataset, subject: str, found: int, complete: int, names: set[str]) -> str:
    """How the frames of a subject differ, in words; empty where they do not."""
    takes = [dataset.recording_name.format(subject=subject, take=take) for take in range(1, dataset.takes + 1)]
    missing = [name for name in takes if name not in names]
    if len(missing) == len(takes):
        return f"all {complete:,} missing"
    words = f"{abs(found - complete):,} {'fewer' if found < complete else 'more'}" if found != complete else ""
    return ", ".join(filter(None, (words, f"without {', '.join(missing)}" if missing else "")))
