"""How well labels are found: F1 per action unit (AU), from counts."""

from __future__ import annotations

import numpy as np

from mdhr_runtime.results import OCCURS_FROM


class F1Counter:
    """Counts hits and errors per AU over any number of frames. Labels that are neither 0 nor 1 are left out.

    Args:
        aus: Number N of AUs.

    Attributes:
        true_positives: int64 (N,).
        false_positives: int64 (N,).
        false_negatives: int64 (N,).
    """

    def __init__(self, aus: int) -> None:
        self.true_positives, self.false_positives, self.false_negatives = np.zeros((3, aus), np.int64)

    def update(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Count frames.

        Args:
            scores: float (..., N) in [0, 1].
            labels: (..., N), any type.
        """
        found = (scores >= OCCURS_FROM).reshape(-1, scores.shape[-1])
        labels = labels.reshape(found.shape)
        self.true_positives += (found & (labels == 1)).sum(0)
        self.false_positives += (found & (labels == 0)).sum(0)
        self.false_negatives += (~found & (labels == 1)).sum(0)

    def f1(self) -> np.ndarray:
        """F1 per AU, 2 TP / (2 TP + FP + FN): float64 (N,).

        An AU that never occurs and is never reported has F1 0: nothing shows that it can be found.
        """
        hits = 2 * self.true_positives
        return hits / np.maximum(hits + self.false_positives + self.false_negatives, 1)
