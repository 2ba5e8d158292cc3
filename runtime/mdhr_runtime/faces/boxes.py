"""Boxes (x1, y1, x2, y2) in pixels, as rows of float arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

ASTRAY = 0.04  # sides by which a square may be off until the networks see a face in it less well
BLOCK = 256  # boxes compared with all others at a time, so that a crowd's thousands of proposals fit into memory

AREA_OF_PAIR: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "union": lambda first, second, shared: first[:, None] + second - shared,
    "smaller": lambda first, second, shared: np.minimum(first[:, None], second),
}


def areas(boxes: np.ndarray) -> np.ndarray:
    """Areas (N,) in square pixels of boxes (N, 4); zero for a box whose corners are swapped."""
    width, height = (np.maximum(boxes[:, 2:] - boxes[:, :2], 0)).T
    return np.asarray(width * height)


def overlaps(boxes: np.ndarray, others: np.ndarray, relative_to: str = "union") -> np.ndarray:
    """Shared area of pairs of boxes as a fraction of their union, or of the smaller one.

    Args:
        boxes: Boxes (N, 4).
        others: Boxes (M, 4).
        relative_to: "union" or "smaller".

    Returns:
        Fractions (N, M) in [0, 1].
    """
    upper_left = np.maximum(boxes[:, None, :2], others[None, :, :2])
    lower_right = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.maximum(lower_right - upper_left, 0).prod(axis=-1)
    # A box without any area shares nothing: no division by zero.
    return np.asarray(shared / np.maximum(AREA_OF_PAIR[relative_to](areas(boxes), areas(others), shared), 1e-6))


def suppress(boxes: np.ndarray, scores: np.ndarray, threshold: float, relative_to: str = "union") -> np.ndarray:
    """Keep the boxes that overlap no better one by more than a threshold (non-maximum suppression).

    As in the `mtcnn` package, a box that is itself suppressed still suppresses others.

    Args:
        boxes: Boxes (N, 4).
        scores: Scores (N,).
        threshold: Largest fraction that two boxes may have in common.
        relative_to: What the fraction refers to: "union" or "smaller".

    Returns:
        Indices (M,) of the boxes that stay, best first.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    kept = np.ones(len(boxes), bool)
    for start in range(0, len(boxes), BLOCK):
        clashes = overlaps(boxes[start : start + BLOCK], boxes, relative_to) > threshold
        kept &= ~np.triu(clashes, k=start + 1).any(axis=0)  # only lower-scored boxes are suppressed
    return np.asarray(order[kept])


def calibrated(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Move the corners of boxes (N, 4) by offsets (N, 4) that are fractions of the box's width and height."""
    return np.asarray(boxes + offsets * np.tile(pixel_sizes(boxes), 2))


def squared(boxes: np.ndarray) -> np.ndarray:
    """Extend the shorter sides of boxes (N, 4) to squares around the same centres."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    halves = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.hstack([centres - halves, centres + halves])


def whole(boxes: np.ndarray) -> np.ndarray:
    """Squares (N, 4) around boxes (N, 4) that consist of whole pixels: their corners are halves.

    What a network sees there is the same whichever library, with its own rounding, has found the boxes.
    """
    squares = squared(boxes)
    corners = np.round(squares[:, :2] + 0.5) - 0.5
    return np.hstack([corners, corners + np.round(squares[:, 2:] - squares[:, :2]).clip(1)])


def astray(squares: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """How far the corners of squares (N, 4) are from those around boxes (N, 4), in sides of the squares (N,)."""
    off = np.abs(squared(boxes) - squares).max(axis=1)
    return np.asarray(off / (squares[:, 2] - squares[:, 0]))


def clipped(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """Confine boxes (N, 4) to the pixels of an image."""
    return np.asarray(np.clip(boxes, 0, np.array([width, height, width, height]) - 1))


def pixel_sizes(boxes: np.ndarray) -> np.ndarray:
    """Widths and heights (N, 2) of boxes (N, 4), counting both border pixels, as the networks were trained to."""
    return np.asarray(boxes[:, 2:] - boxes[:, :2] + 1)
