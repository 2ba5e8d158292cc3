"""Scores in both protocols, of a network or of a bundle: consecutive clips, as in the paper, and whole recordings.

A whole recording is scored as the runtime does it: every unbroken stretch of frames counts as ONE clip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mdhr_runtime import Model, Stream
from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import CropGeometry

from ..data.recordings import Recording
from ..metrics import ANYBODY, F1Scores, ScoreHistogram
from ..model import MDHR, normalise
from .data import Chunk, ClipBatch, SubjectClips, clip_loader, items_of, stream_loader
from .distributed import Group
from .logging import progress
from .run_files import ProtocolScores


class DatasetScorer(Protocol):
    """A network or a bundle that is scored."""

    @property
    def margin(self) -> int:
        """Frames on either side of a chunk that it wants to see."""
        ...

    @property
    def crop(self) -> CropGeometry:
        """What it sees of a face."""
        ...

    def clips(self, frames: np.ndarray | Tensor) -> np.ndarray:
        """Scores float32 (B, T, N) of clips, uint8 (B, T, 224, 224, 3)."""
        ...

    def chunk(self, chunk: Chunk) -> np.ndarray:
        """Scores float32 (M, N) that became final with a chunk; after the last of a stretch there is one per frame."""
        ...


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Context in which the network's products have a precision, one of `mdhr_train.training.config.PRECISIONS`."""
    return torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32")


class NetworkScorer:
    """A network that is scored.

    The scores of a frame depend on `lookahead` frames on either side, so those in the middle of a chunk with so many
    neighbours are those of the whole stretch, and memory is bounded.

    It raises ConfigError where a score is no number.

    Args:
        model: The network. It is put into evaluation mode when it is used.
        device: Where the network is.
        precision: Of the network's products, see `autocast`.
    """

    def __init__(self, model: MDHR, device: torch.device, precision: str = "float32") -> None:
        self.margin, self.crop = model.config.lookahead, model.config.layout.crop
        self._model, self._device, self._precision = model, device, precision

    @torch.inference_mode()
    def clips(self, frames: np.ndarray | Tensor) -> np.ndarray:
        """See `DatasetScorer`."""
        pixels = torch.as_tensor(frames).to(self._device, non_blocking=True)
        with autocast(self._device, self._precision):
            scores: np.ndarray = self._model.eval()(normalise(pixels)).scores.float().cpu().numpy()
        if not np.isfinite(scores).all():
            raise ConfigError(
                "The network's scores are no numbers.",
                "Its weights have diverged, or its features leave the range of float16.",
                "Train with a smaller --lr, or compute with --precision bfloat16 or float32.",
            )
        return scores

    def chunk(self, chunk: Chunk) -> np.ndarray:
        """See `DatasetScorer`."""
        scores = self.clips(np.asarray(chunk.frames)[None])[0]
        return scores[chunk.before : chunk.before + len(chunk.labels)]


class BundleScorer:
    """A bundle that is scored, with the runtime's own streams.

    Args:
        model: The bundle, loaded.
    """

    margin = 0

    def __init__(self, model: Model) -> None:
        self._model, self.crop = model, model.layout.crop
        self._stream: Stream | None = None

    def clips(self, frames: np.ndarray | Tensor) -> np.ndarray:
        """See `DatasetScorer`."""
        return np.stack([self._model.clip(clip) for clip in np.asarray(frames)])

    def chunk(self, chunk: Chunk) -> np.ndarray:
        """See `DatasetScorer`."""
        self._stream = self._stream or self._model.stream()
        scores = self._stream.push(np.asarray(chunk.frames))
        if not chunk.ends:
            return scores
        rest, self._stream = self._stream.flush(), None
        return np.concatenate([scores, rest])


class ColumnScorer:
    """A scorer of which only some action units are scored.

    Args:
        scorer: The network or bundle.
        columns: Which of its N scores, in the order that is wanted.
    """

    def __init__(self, scorer: DatasetScorer, columns: Sequence[int]) -> None:
        self._scorer, self._columns = scorer, list(columns)
        self.margin, self.crop = scorer.margin, scorer.crop

    def clips(self, frames: np.ndarray | Tensor) -> np.ndarray:
        """See `DatasetScorer`."""
        return self._scorer.clips(frames)[..., self._columns]

    def chunk(self, chunk: Chunk) -> np.ndarray:
        """See `DatasetScorer`."""
        return self._scorer.chunk(chunk)[..., self._columns]


def score(
    scorer: DatasetScorer,
    clips: SubjectClips,
    recordings: Sequence[Recording],
    aus: Sequence[str],
    batch: int,
    workers: int,
    group: Group,
    label: str = "scoring",
) -> ProtocolScores:
    """Score in both protocols; shows progress on stderr.

    Args:
        scorer: The network or bundle.
        clips: Consecutive clips.
        recordings: The same as whole recordings.
        aus: Names of the AUs.
        batch: Clips at once, per process.
        workers: Processes that read frames.
        group: Processes that share the work.
        label: Text of the progress bar.

    Raises:
        DataError: A frame cannot be read.
    """
    in_clips = clip_loader(clips, batch, workers, group)
    in_chunks = stream_loader(recordings, scorer.crop, scorer.margin, workers, group)
    with progress(label, len(in_clips) + len(in_chunks), group.leads) as advance:
        of_clips = score_clips(scorer, in_clips, len(aus), group, clips.subjects, lambda: advance(1, None))
        subjects = [recording.subject for recording in recordings]
        of_streams = score_streams(scorer, in_chunks, len(aus), group, subjects, lambda: advance(1, None))
    return {"clips": of_clips.summary(aus), "stream": of_streams.summary(aus)}


def score_clips(
    scorer: DatasetScorer,
    loader: DataLoader[ClipBatch],
    aus: int,
    group: Group,
    subjects: Sequence[str] | None = None,
    done: Callable[[], object] = lambda: None,
) -> ScoreHistogram:
    """Count the scores of clips.

    Args:
        scorer: The network or bundle.
        loader: See `clip_loader`.
        aus: Number N of AUs.
        group: Processes that share the work; each gets the counts of all.
        subjects: Who is seen in each clip of all processes; None counts all as one.
        done: Called after every batch.

    Raises:
        DataError: A frame cannot be read.
    """
    found = ScoreHistogram(aus, subjects or [ANYBODY])
    for frames, labels, position in items_of(loader):
        seen = [subjects[index] if subjects else ANYBODY for index in position.tolist()]
        found.update(scorer.clips(frames), np.asarray(labels), seen)
        done()
    found.counts = group.total(found.counts)
    return found


def score_streams(
    scorer: DatasetScorer,
    loader: DataLoader[Chunk],
    aus: int,
    group: Group,
    subjects: Sequence[str],
    done: Callable[[], object] = lambda: None,
) -> ScoreHistogram:
    """Count the scores of whole recordings of some subjects; as `score_clips`, with a `stream_loader`."""
    found = ScoreHistogram(aus, subjects)
    scores: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for chunk in items_of(loader):
        scores.append(scorer.chunk(chunk))
        labels.append(np.asarray(chunk.labels))
        if chunk.ends:
            found.update(np.concatenate(scores)[None], np.concatenate(labels)[None], [chunk.subject])
            scores, labels = [], []
        done()
    found.counts = group.total(found.counts)
    return found


def lost(before: F1Scores, after: F1Scores) -> F1Scores:
    """The F1 that is lost from one to the other, negative where some was won."""
    return {
        "mean_f1": before["mean_f1"] - after["mean_f1"],
        "f1": {name: value - after["f1"][name] for name, value in before["f1"].items()},
    }
