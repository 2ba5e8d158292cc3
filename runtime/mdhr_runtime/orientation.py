"""Turning pictures: those that are stored turned or mirrored, as cameras say in photos and telephones in videos.

The numbers are those of EXIF: 1 is upright; 2 to 4 are mirrored, upside down, and both; 5 to 8 are on their side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_OPERATIONS: dict[int, tuple[int, bool]] = {
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (1, True),
    6: (3, False),
    7: (3, True),
    8: (1, False),
}
"""By orientation: quarter turns against the clock, and whether left and right are exchanged first."""


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror an image (H, W, …) that is stored in an orientation. The result is contiguous in memory.

    Numbers that are none of EXIF's count as 1.
    """
    turns, mirrored = _OPERATIONS.get(orientation, (0, False))
    return np.ascontiguousarray(np.rot90(image[:, ::-1] if mirrored else image, turns))


def turned(image: np.ndarray, degrees: int) -> np.ndarray:
    """Turn an image (H, W, …) clockwise by 0, 90, 180 or 270 degrees. The result is contiguous in memory."""
    return np.ascontiguousarray(np.rot90(image, -degrees // 90))


def matrix_orientation(matrix: Sequence[float]) -> int:
    """The orientation that a display matrix of FFmpeg stands for, as MP4 and MOV store it.

    Args:
        matrix: Its first five numbers, row by row: (a, b, u, c, d). A stored point (x, y) is shown at
            (a x + c y, b x + d y). Any other angle counts as the nearest of the four.
    """
    a, b, _, c, d = matrix
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b  # of the mirrored picture, by what it is turned
    quarters = round(float(np.arctan2(-b, a)) / (np.pi / 2)) % 4
    return next(number for number, operation in _OPERATIONS.items() if operation == (quarters, mirrored))
