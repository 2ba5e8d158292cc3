"""What a dataset holds: recordings of faces with a label per frame and action unit (AU), and the folds they form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

UNKNOWN = (9, -1)
"""Labels of AUs that nobody could see: 9 as BP4D writes it, −1 as the published implementation pads clips."""

LABELS = (0, 1, *UNKNOWN)
"""All labels that may stand in a list."""


@dataclass(frozen=True, eq=False)
class Recording:
    """The labelled frames of one video of one subject.

    Attributes:
        name: Its name in the dataset, such as "F001/T1" or "SN001".
        subject: Who is to be seen, such as "F001".
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
