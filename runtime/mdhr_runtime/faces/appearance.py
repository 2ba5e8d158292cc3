"""Appearance of faces, as colour histograms and as coarse patterns of light and dark.

Histograms tell who it may be: on real videos those of one person are similar by 0.98 at least, those of two people by
0.84 at most; in one room two people reach 0.93, in grey 0.98. Patterns tell from frame to frame whether the picture
goes on: those of consecutive frames of real videos are similar by 0.93 at least, also with noise, if the steadier one
of the face's crop and of its place in the picture counts; across cuts to another face by 0.69 at most.
"""

from __future__ import annotations

import cv2
import numpy as np

SIDE, BINS = 56, 32
PATTERN_SIDE = 16  # coarse enough that noise and the tracker's jitter average out
FAINTEST = (0.03 * 255) ** 2  # variance of grey levels below which contrasts do not count: SSIM's constant
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


def pattern(image: np.ndarray) -> np.ndarray:
    """Light and dark in an image, coarsely.

    Args:
        image: uint8 (H, W, 3), not empty.

    Returns:
        float32 (`PATTERN_SIDE`²,), grey levels less their mean.
    """
    levels = cv2.resize(image, (PATTERN_SIDE, PATTERN_SIDE), interpolation=cv2.INTER_AREA)[..., 1].astype(np.float32)
    return np.asarray((levels - levels.mean()).ravel())


def steadiness(one: np.ndarray, other: np.ndarray) -> float:
    """Similarity in [-1, 1] of two patterns: contrast and structure of SSIM (Wang et al. 2004)."""
    faintest = FAINTEST * one.size
    return float((2 * one @ other + faintest) / (one @ one + other @ other + faintest))


def blended(remembered: np.ndarray, new: np.ndarray) -> np.ndarray:
    """A histogram over time, after one more."""
    return _unit(MEMORY * remembered + (1 - MEMORY) * new)


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
