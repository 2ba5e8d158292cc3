"""The frames that a report shows: of some subjects of the test part, the one in which the most AUs occur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.clips import read_crops, runs
from ..data.recordings import Fold, Recording

COUNT = 3


@dataclass(frozen=True, eq=False)
class Example:
    """A frame with all the neighbours that its scores depend on.

    Attributes:
        recording: Name of its recording.
        number: Its number in the recording.
        frames: uint8 (T, 224, 224, 3), RGB: the frame and its neighbours.
        index: Which of them it is.
        labels: int8 (N,), 1 where the AU occurs, 0 where it does not, anything else unknown.
    """

    recording: str
    number: int
    frames: np.ndarray
    index: int
    labels: np.ndarray


def choose(fold: Fold, lookahead: int, count: int = COUNT) -> list[Example]:
    """Read example frames of a fold's test part.

    Args:
        fold: The fold.
        lookahead: Frames on either side that a score depends on.
        count: Number of examples, each of another subject; fewer if there are fewer subjects.

    Raises:
        DataError: An image is missing or damaged.
    """
    richest: dict[str, Recording] = {}
    for recording in fold.test:
        if recording.subject not in richest or _most(recording) > _most(richest[recording.subject]):
            richest[recording.subject] = recording
    subjects = list(richest)
    spread = np.unique(np.linspace(0, len(subjects) - 1, count).round().astype(int))
    return [_example(richest[subjects[index]], lookahead) for index in spread]


def _occurring(recording: Recording) -> np.ndarray:
    """How many AUs occur in each frame: int64 (T,)."""
    return (recording.labels == 1).sum(axis=1)


def _most(recording: Recording) -> int:
    return int(_occurring(recording).max())


def _example(recording: Recording, lookahead: int) -> Example:
    frame = int(_occurring(recording).argmax())
    run = next(run for run in runs(recording) if run.start <= frame < run.stop)
    start = max(frame - lookahead, run.start)
    paths = recording.paths[start : min(frame + lookahead + 1, run.stop)]
    return Example(
        recording.name, int(recording.numbers[frame]), read_crops(paths), frame - start, recording.labels[frame]
    )
