"""A table of a whole source's results, from results as they pass by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .cli.console import table
from .results import FrameResult, Row


class Summary:
    """Collects the final results of a source; needs the same memory however long it lasts.

    Args:
        aus: Names of the AUs in the order of the scores.

    Attributes:
        frames: Number of frames so far.
        with_face: Number of frames with a face.
        faces: Number of different faces.
    """

    def __init__(self, aus: Sequence[str]) -> None:
        self._aus = tuple(aus)
        self.frames = self.with_face = self.faces = 0
        self._rows = 0
        self._active, self._total, self._highest, self._longest = np.zeros((4, len(aus)))
        self._episodes: dict[int | None, np.ndarray] = {}  # frames so far, of the faces of the last frame
        self._last = 0.0
        self._newest = -1

    def add(self, result: FrameResult) -> None:
        """Take a result in. Final ones come in the order of their frames; others are passed over."""
        if not result.final:
            return
        self.frames += 1
        self._last = result.timestamp
        scored = [row for row in result.rows if row.scores is not None]
        self.with_face += bool(scored)
        self._episodes = {row.face_id: self._episode(row) for row in scored}
        for row in scored:
            self._add_scores(row)

    def _add_scores(self, row: Row) -> None:
        if row.face_id is not None and row.face_id > self._newest:
            self._newest = row.face_id  # numbers rise with the faces' first frames
            self.faces += 1
        self._rows += 1
        self._active += row.occurrences
        self._total += row.scores
        self._highest = np.maximum(self._highest, row.scores)

    def _episode(self, row: Row) -> np.ndarray:
        """For how many frames (N,) every AU of a face has been active by now."""
        before = self._episodes.get(row.face_id, np.zeros(len(self._aus)))
        episode = (before + 1) * row.occurrences
        self._longest = np.maximum(self._longest, episode)
        return episode

    def __str__(self) -> str:
        """One line per AU.

        The columns: share of the rows with a face in which the AU occurs; mean and highest score; seconds of its
        longest episode without a break.
        """
        interval = self._last / max(self.frames - 1, 1)
        shares, means = self._active / max(self._rows, 1), self._total / max(self._rows, 1)
        values = (shares, means, self._highest, self._longest * interval)
        formats = ("{:.0%}", "{:.2f}", "{:.2f}", "{:.1f} s")
        cells = [[shape.format(value) for value in column] for shape, column in zip(formats, values, strict=True)]
        return table(("AU", "active", "mean", "highest", "longest"), list(zip(self._aus, *cells, strict=True)))
