"""The inside of the network for frames of the test part."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..data.clips import read_crops, runs
from ..data.recordings import Fold, Recording
from ..labels import occurs
from ..model import MDHR, ModelConfig, normalise

COUNT = 3
"""Frames that are shown, each of another subject."""


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


def choose(fold: Fold, config: ModelConfig, count: int = COUNT) -> list[Example]:
    """Read example frames of a fold's test part: of some subjects, the one in which the most AUs occur.

    Args:
        fold: The fold.
        config: The network's, which says how many frames around it a score depends on, and what is seen of them.
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
    return [_example(richest[subjects[index]], config) for index in spread]


def _occurring(recording: Recording) -> np.ndarray:
    """Number of AUs that occur in each frame: int64 (T,)."""
    return occurs(recording.labels).sum(axis=1)


def _most(recording: Recording) -> int:
    return int(_occurring(recording).max())


def _example(recording: Recording, config: ModelConfig) -> Example:
    frame = int(_occurring(recording).argmax())
    run = next(run for run in runs(recording) if run.start <= frame < run.stop)
    start = max(frame - config.lookahead, run.start)
    paths = recording.paths[start : min(frame + config.lookahead + 1, run.stop)]
    frames = read_crops(paths, config.layout.crop)
    return Example(recording.name, int(recording.numbers[frame]), frames, frame - start, recording.labels[frame])


@dataclass(frozen=True, eq=False)
class Inside:
    """Results inside the network for one frame.

    Attributes:
        scores: float32 (N,).
        weights: float32 (L, 7, 7), the adaptive weights of the L scales (eq. 4), which sum to one over them. None where
            the network has none.
        attention: float32 (N, N): [n, m] is the weight α of the edge m→n (eq. 9), 0 where there is none. None where the
            network has no edges.
    """

    scores: np.ndarray
    weights: np.ndarray | None
    attention: np.ndarray | None


@torch.inference_mode()
def look_inside(model: MDHR, frames: np.ndarray, index: int) -> Inside:
    """Run the network on a clip and keep what it computes for one of its frames.

    Args:
        model: The network, in evaluation mode.
        frames: uint8 (T, 224, 224, 3), RGB.
        index: The frame.
    """
    with results_of(model.dynamics, "scale_weights") as weights, results_of(model.cross, "attention") as attention:
        output = model(normalise(torch.from_numpy(frames))[None])
    return Inside(output.scores[0, index].float().numpy(), _of_frame(weights, index), _of_frame(attention, index))


def _of_frame(results: list[Tensor], index: int) -> np.ndarray | None:
    return results[0][index].float().numpy() if results else None


@contextmanager
def results_of(module: nn.Module, method: str) -> Iterator[list[Any]]:
    """Keep what a method of a module returns, as a forward hook does for `forward`.

    Args:
        module: The module.
        method: Name of the method. Variants of a module may lack it; then there are no results.

    Yields:
        The results, in the order of the calls inside the block.
    """
    results: list[Any] = []
    original = getattr(module, method, None)
    if original is None:
        yield results
        return

    def recorded(*arguments: Any) -> Any:
        results.append(original(*arguments))
        return results[-1]

    setattr(module, method, recorded)
    try:
        yield results
    finally:
        delattr(module, method)  # the class's own shows again
