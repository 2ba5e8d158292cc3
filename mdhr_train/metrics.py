"""How well labels are found: F1 per action unit (AU), from counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict, get_args

import numpy as np

from mdhr_runtime.contract import SCORE

Outcome = Literal["true_positives", "false_positives", "false_negatives", "true_negatives"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""What a frame can be for an AU, in the order of `F1Counter.counts`."""


class F1Scores(TypedDict):
    """F1 as plain data: the mean over the AUs, and each AU's by its name."""

    mean_f1: float
    f1: dict[str, float]


class F1Summary(F1Scores):
    """`F1Scores` and what they are made of: frames of each outcome, by the AU's name."""

    true_positives: dict[str, int]
    false_positives: dict[str, int]
    false_negatives: dict[str, int]
    true_negatives: dict[str, int]


class F1Counter:
    """Counts hits and errors per AU over any number of frames. Labels that are neither 0 nor 1 are left out.

    Args:
        aus: Number N of AUs.

    Attributes:
        counts: int64 (4, N), in the order of `OUTCOMES`. Counters are added by adding their counts.
    """

    def __init__(self, aus: int) -> None:
        self.counts = np.zeros((len(OUTCOMES), aus), np.int64)

    def update(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Count frames.

        Args:
            scores: float (..., N) in [0, 1].
            labels: (..., N), any type.
        """
        found = SCORE.occurs(scores).reshape(-1, scores.shape[-1])
        labels = labels.reshape(found.shape)
        present, absent = labels == 1, labels == 0
        for row, outcome in enumerate((found & present, found & absent, ~found & present, ~found & absent)):
            self.counts[row] += outcome.sum(0)

    @property
    def true_positives(self) -> np.ndarray:
        """Frames in which the AU occurs and is found: int64 (N,)."""
        return self.counts[0]

    @property
    def false_positives(self) -> np.ndarray:
        """Frames in which it is found and does not occur: int64 (N,)."""
        return self.counts[1]

    @property
    def false_negatives(self) -> np.ndarray:
        """Frames in which it occurs and is not found: int64 (N,)."""
        return self.counts[2]

    @property
    def true_negatives(self) -> np.ndarray:
        """Frames in which it neither occurs nor is found: int64 (N,)."""
        return self.counts[3]

    def f1(self) -> np.ndarray:
        """F1 per AU, 2 TP / (2 TP + FP + FN): float64 (N,).

        An AU that never occurs has F1 0, whether it is reported or not: nothing shows that it can be found.
        """
        hits = 2 * self.true_positives
        return hits / np.maximum(hits + self.false_positives + self.false_negatives, 1)

    def scores(self, aus: Sequence[str]) -> F1Scores:
        """The mean F1 over AUs and the F1 of each.

        Args:
            aus: Names of the N AUs.
        """
        f1 = self.f1()
        return {"mean_f1": float(f1.mean()), "f1": dict(zip(aus, f1.tolist(), strict=True))}

    def summary(self, aus: Sequence[str]) -> F1Summary:
        """`scores`, and the counts of each outcome by AU."""

        def by_au(counts: np.ndarray) -> dict[str, int]:
            return dict(zip(aus, counts.tolist(), strict=True))

        return {
            **self.scores(aus),
            "true_positives": by_au(self.true_positives),
            "false_positives": by_au(self.false_positives),
            "false_negatives": by_au(self.false_negatives),
            "true_negatives": by_au(self.true_negatives),
        }
