"""F1 in both protocols, of a network or of a bundle: consecutive clips, as in the paper, and whole recordings.

A whole recording is scored as the runtime does it: every unbroken stretch of frames counts as ONE clip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch.utils.data import DataLoader

from mdhr_runtime import Model, Stream
from mdhr_runtime.errors import ConfigError

from ..data.clips import Clip, read_crops, runs
from ..data.recordings import Recording
from ..metrics import F1Counter
from ..model import MDHR, normalise
from .distributed import Group
from .loading import batches, scoring_loader

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


class Scorer(Protocol):
    """What is scored.

    Attributes:
        context: Frames on either side of a chunk that it wants to see.
    """

    context: int

    def clips(self, frames: np.ndarray | torch.Tensor) -> np.ndarray:
        """Scores float32 (B, T, N) of clips, uint8 (B, T, 224, 224, 3)."""
        ...

    def chunk(self, chunk: Chunk) -> np.ndarray:
        """Scores float32 (M, N) that became final with a chunk; after the last of a stretch there is one per frame."""
        ...


class NetworkScorer:
    """Scores a network.

    The scores of a frame depend on `lookahead` frames on either side, so those in the middle of a chunk with so many
    neighbours are those of the whole stretch, and memory is bounded.

    It raises ConfigError where a score is no number.

    Args:
        model: The network. It is put into evaluation mode when it is used.
        device: Where the network is.
        precision: Type of the network's products.
    """

    def __init__(self, model: MDHR, device: torch.device, precision: torch.dtype = torch.float32) -> None:
        self.context = model.config.lookahead
        self._model, self._device, self._precision = model, device, precision

    @torch.inference_mode()
    def clips(self, frames: np.ndarray | torch.Tensor) -> np.ndarray:
        """See `Scorer`."""
        pixels = torch.as_tensor(frames).to(self._device, non_blocking=True)
        with torch.autocast(self._device.type, self._precision, enabled=self._precision != torch.float32):
            scores = self._model.eval()(normalise(pixels)).scores.float().cpu().numpy()
        if not np.isfinite(scores).all():
            raise ConfigError(
                "The network's scores are no numbers.",
                "Its weights have diverged, or its features leave the range of float16.",
                "Train with a smaller --lr, or compute with --precision bfloat16 or float32.",
            )
        return scores

    def chunk(self, chunk: Chunk) -> np.ndarray:
        """See `Scorer`."""
        scores = self.clips(np.asarray(chunk.frames)[None])[0]
        return scores[chunk.before : chunk.before + len(chunk.labels)]


class BundleScorer:
    """Scores a bundle, with the runtime's own streams.

    Args:
        model: The bundle, loaded.
    """

    context = 0

    def __init__(self, model: Model) -> None:
        self._model = model
        self._stream: Stream | None = None

    def clips(self, frames: np.ndarray | torch.Tensor) -> np.ndarray:
        """See `Scorer`."""
        return np.stack([self._model.clip(clip) for clip in np.asarray(frames)])

    def chunk(self, chunk: Chunk) -> np.ndarray:
        """See `Scorer`."""
        self._stream = self._stream or self._model.stream()
        scores = self._stream.push(np.asarray(chunk.frames))
        if not chunk.ends:
            return scores
        rest, self._stream = self._stream.flush(), None
        return np.concatenate([scores, rest])


def clip_loader(clips: Sequence[Clip], batch: int, workers: int, group: Group) -> DataLoader:
    """Clips to score, in batches; every process of the group has its share."""
    return scoring_loader(clips, batch, workers, group.rank, group.size)


def stream_loader(recordings: Sequence[Recording], context: int, workers: int, group: Group) -> DataLoader:
    """Chunks to score, one by one; every process of the group has its share of the recordings."""
    return scoring_loader(Chunks(recordings[group.rank :: group.size], context), None, workers)


def score_clips(
    scorer: Scorer, loader: DataLoader, aus: int, group: Group, done: Callable[[], object] = lambda: None
) -> F1Counter:
    """Count what is found in clips.

    Args:
        scorer: What is scored.
        loader: See `clip_loader`.
        aus: Number N of AUs.
        group: Processes that share the work; each gets the counts of all.
        done: Called after every batch.

    Raises:
        DataError: A frame cannot be read.
    """
    counter = F1Counter(aus)
    for frames, labels, _index in batches(loader):
        counter.update(scorer.clips(frames), np.asarray(labels))
        done()
    counter.counts = group.total(counter.counts)
    return counter


def score_streams(
    scorer: Scorer, loader: DataLoader, aus: int, group: Group, done: Callable[[], object] = lambda: None
) -> F1Counter:
    """Count what is found in whole recordings; as `score_clips`, with a `stream_loader`."""
    counter = F1Counter(aus)
    scores: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for chunk in batches(loader):
        scores.append(scorer.chunk(chunk))
        labels.append(np.asarray(chunk.labels))
        if chunk.ends:
            counter.update(np.concatenate(scores), np.concatenate(labels))
            scores, labels = [], []
        done()
    counter.counts = group.total(counter.counts)
    return counter
