"""A table of a whole video's results, from rows as they pass by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .analysis import OCCURS_FROM, Row
from .console import table


class Summary:
    """Collects rows; needs the same memory however long the video.

    Args:
        aus: Names of the AUs in the order of the scores.

    Attributes:
        frames: Number of rows so far.
        faces: Number of rows with a face.
    """

    def __init__(self, aus: Sequence[str]) -> None:
        self._aus = tuple(aus)
        self.frames = self.faces = 0
        self._active, self._total, self._highest, self._episode, self._longest = np.zeros((5, len(aus)))
        self._last = 0.0

    def add(self, row: Row) -> None:
        """Take a row in. Rows come in the order of their frames."""
        self.frames += 1
        self._last = row.timestamp
        if row.scores is None:
            self._episode[:] = 0
            return
        self.faces += 1
        active = row.scores >= OCCURS_FROM
        self._active += active
        self._total += row.scores
        self._highest = np.maximum(self._highest, row.scores)
        self._episode = (self._episode + 1) * active
        self._longest = np.maximum(self._longest, self._episode)

    def __str__(self) -> str:
        """One line per AU.

        The columns: share of the frames with a face in which the AU occurs; mean and highest score; seconds of its
        longest episode without a break.
        """
        interval = self._last / max(self.frames - 1, 1)
        shares, means = self._active / max(self.faces, 1), self._total / max(self.faces, 1)
        values = (shares, means, self._highest, self._longest * interval)
        formats = ("{:.0%}", "{:.2f}", "{:.2f}", "{:.1f} s")
        cells = [[shape.format(value) for value in column] for shape, column in zip(formats, values, strict=True)]
        return table(("AU", "active", "mean", "highest", "longest"), list(zip(self._aus, *cells, strict=True)))
