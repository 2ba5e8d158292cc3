"""Whole recordings in pieces that fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..data.clips import read_crops, runs
from ..data.recordings import Recording

CHUNK = 64
"""Frames of a recording that are read, and scored, at once."""


class Chunk(NamedTuple):
    """Part of an unbroken stretch of a recording.

    Attributes:
        frames: uint8 (before + n + after, 224, 224, 3), RGB: its n frames and their neighbours in the stretch.
        labels: (n, N).
        before: Neighbours in front.
        ends: Whether the stretch ends with it.
    """

    frames: np.ndarray
    labels: np.ndarray
    before: int
    ends: bool


class Chunks:
    """Recordings as chunks, in order.

    Args:
        recordings: Whose frames.
        context: Neighbours on either side that a chunk has, where the stretch has them.
    """

    def __init__(self, recordings: Sequence[Recording], context: int = 0) -> None:
        self._context = context
        self._parts = [
            (recording, run, slice(start, min(start + CHUNK, run.stop)))
            for recording in recordings
            for run in runs(recording)
            for start in range(run.start, run.stop, CHUNK)
        ]

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, index: int) -> Chunk:
        """Read a chunk."""
        recording, run, part = self._parts[index]
        first = max(part.start - self._context, run.start)
        last = min(part.stop + self._context, run.stop)
        frames = read_crops(recording.paths[first:last])
        return Chunk(frames, recording.labels[part], part.start - first, part.stop == run.stop)
