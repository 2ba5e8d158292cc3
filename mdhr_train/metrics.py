"""F1 per action unit (AU), from counts of hits and errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict, get_args

import numpy as np

from mdhr_runtime.contract import SCORE

from .labels import known, occurs

Outcome = Literal["true_positives", "false_positives", "false_negatives", "true_negatives"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""The outcomes of a score for a frame, in the order of `F1Counter.counts`."""


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
    """Counts hits and errors per AU over any number of frames. Unknown labels are left out, soft ones are rounded.

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
        present = occurs(labels)
        absent = known(labels) & ~present
        for row, outcome in enumerate((found & present, found & absent, ~found & present, ~found & absent)):
            self.counts[row] += outcome.sum(0)

    def f1(self) -> np.ndarray:
        """F1 per AU, 2 TP / (2 TP + FP + FN): float64 (N,).

        An AU that never occurs has F1 0, whether it is reported or not: nothing shows that it can be found.
        """
        hits, false_alarms, misses, _ = self.counts
        f1: np.ndarray = 2 * hits / np.maximum(2 * hits + false_alarms + misses, 1)
        return f1

    def scores(self, aus: Sequence[str]) -> F1Scores:
        """The mean F1 over AUs and the F1 of each.

        Args:
            aus: Names of the N AUs.
        """
        f1 = self.f1()
        return {"mean_f1": float(f1.mean()), "f1": dict(zip(aus, f1.tolist(), strict=True))}

    def summary(self, aus: Sequence[str]) -> F1Summary:
        """`scores`, and the counts of each outcome by AU."""
        hits, false_alarms, misses, absences = (dict(zip(aus, row, strict=True)) for row in self.counts.tolist())
        return {
            **self.scores(aus),
            "true_positives": hits,
            "false_positives": false_alarms,
            "false_negatives": misses,
            "true_negatives": absences,
        }
