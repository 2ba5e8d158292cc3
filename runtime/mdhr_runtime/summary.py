"""Figures of many scores, and of a whole source's results, from results as they pass by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .results import FrameResult


class AuFigures:
    """Figures of the AUs over any number of frames, of which it keeps sums only.

    Args:
        count: Number of AUs.
        pairs: Whether to count how often two AUs occur together.

    Attributes:
        frames: Number of frames so far.
        seconds: How long they last.
        events: float64 (2, N): number of events of each AU, and how long they last together.
        sums: float64 (3, N): frames in which each AU occurs, sum of its scores, and of their squares.
        together: float64 (N, N): frames in which two AUs occur; (0, 0) without `pairs`.
    """

    def __init__(self, count: int, pairs: bool = False) -> None:
        self.frames, self.seconds = 0, 0.0
        self.events, self.sums = np.zeros((2, count)), np.zeros((3, count))
        self.together = np.zeros((count * pairs,) * 2)

    def add(self, scores: np.ndarray, occurrences: np.ndarray) -> None:
        """Take in the scores of a frame, float32 (N,), and whether they say that the AUs occur, bool (N,)."""
        self.frames += 1
        self.sums += (occurrences, scores, np.square(scores, dtype=np.float64))
        if self.together.size:
            self.together += np.outer(occurrences, occurrences)

    def join(self, others: AuFigures) -> None:
        """Take in the frames and events of others, of the same AUs."""
        self.frames += others.frames
        self.seconds += others.seconds
        self.events += others.events
        self.sums += others.sums
        self.together += others.together

    def shares_means_deviations(self) -> np.ndarray:
        """Of each AU the share of frames in which it occurs, and mean and standard deviation of its scores.

        Returns:
            float64 (3, N), the deviation as of a sample; zeros where there are too few frames for it.
        """
        shares, means, squares = self.sums / max(self.frames, 1)
        variances = np.maximum(squares - means**2, 0) * self.frames / max(self.frames - 1, 1)
        return np.array([shares, means, np.sqrt(variances)])


class SourceSummary:
    """Collects the final results of a source; needs the same memory however long it lasts.

    Args:
        aus: Names of the AUs in the order of the scores.

    Attributes:
        frames: Number of frames so far.
        with_face: Number of frames with a face.
        faces: Number of different faces.
        smallest: The longer side in pixels of the smallest face; infinite without one.
    """

    HEADER = ("AU", "active", "mean", "highest", "longest")
    """Titles of the columns of `lines`."""

    def __init__(self, aus: Sequence[str]) -> None:
        self._aus = tuple(aus)
        self.frames = 0
        self.with_face = 0
        self.faces = 0
        self.smallest = float("inf")
        self._figures = AuFigures(len(aus))
        self._highest = np.zeros(len(aus))
        self._longest = np.zeros(len(aus))
        self._episodes: dict[int | None, np.ndarray] = {}  # frames so far (N,), of the faces of the last frame
        self._first = self._last = 0.0  # timestamps
        self._newest = -1

    def add(self, result: FrameResult) -> None:
        """Take a result in. Final ones come in the order of their frames; others are passed over."""
        if not result.final:
            return
        self._first = self._first if self.frames else result.timestamp
        self.frames += 1
        self._last = result.timestamp
        episodes: dict[int | None, np.ndarray] = {}
        for row in result.rows:
            if row.scores is not None and row.occurrences is not None:
                before = self._episodes.get(row.face_id, np.zeros(len(self._aus)))
                episodes[row.face_id] = (before + 1) * row.occurrences
                if row.box is not None:
                    x1, y1, x2, y2 = row.box
                    self.smallest = min(self.smallest, max(x2 - x1, y2 - y1))
                self._add_scores(row.face_id, row.scores, row.occurrences)
                self._longest = np.maximum(self._longest, episodes[row.face_id])
        self.with_face += bool(episodes)
        self._episodes = episodes

    def _add_scores(self, face_id: int | None, scores: np.ndarray, occurrences: np.ndarray) -> None:
        if face_id is not None and face_id > self._newest:
            self._newest = face_id  # numbers rise with the faces' first frames
            self.faces += 1
        self._figures.add(scores, occurrences)
        self._highest = np.maximum(self._highest, scores)

    def lines(self) -> list[tuple[str, ...]]:
        """A line of cells per AU, for people to read.

        Its name; the share of the rows with a face in which it occurs; its mean and highest score; the seconds of its
        longest episode without a break.
        """
        interval = (self._last - self._first) / max(self.frames - 1, 1)
        shares, means, _ = self._figures.shares_means_deviations()
        values = zip(self._aus, shares, means, self._highest, self._longest * interval, strict=True)
        return [
            (au, f"{share:.0%}", f"{mean:.2f}", f"{highest:.2f}", f"{longest:.1f} s")
            for au, share, mean, highest, longest in values
        ]
