"""Data of a run: clips to learn from and to score, whole recordings in chunks, and the loaders that read them.

Worker processes read the clips, in an order that only seed and epoch decide, and their errors keep their three parts.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    Sampler,
    Subset,
    default_collate,
    default_convert,
)

from mdhr_runtime.errors import DataError, MdhrError
from mdhr_runtime.layout import CropGeometry, Layout

from ..data.clips import Clip, ScoringClips, TrainingClips, read_crops, runs
from ..data.lists import DataWarning, read_fold
from ..data.recordings import Fold, Recording
from ..datasets import dataset_in
from ..datasets.base import RENDERED
from ..labels import known, occurs
from ..losses import class_weights, occurrence_rates
from ..synthetic.photo_clips import SyntheticClips
from .config import RunConfig
from .distributed import Group
from .run_files import DataFacts

HELD_OUT = 5
"""With `validate: subjects`, every fifth training subject is kept for validation."""

CHUNK = 64
"""Frames of a recording that are read, and scored, at once."""

PHOTOGRAPHED = "photograph"
"""The subject of the demo's clips."""

Key = tuple[int, int]
"""An epoch, and the index of a clip in it."""

Item = TypeVar("Item", covariant=True)


class Items(Protocol[Item]):
    """A dataset: items by their index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Item: ...


class SubjectClips(Items[Clip], Protocol):
    """Clips to score; see `mdhr_train.data.clips.ScoringClips`."""

    @property
    def subjects(self) -> Sequence[str]:
        """Who is seen in each clip."""
        ...


class EpochClips(Items[Clip], Protocol):
    """Clips to train on, which are others in every epoch; see `mdhr_train.data.clips.TrainingClips`."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose clips come from now on."""
        ...

    def describe(self, index: int) -> str:
        """Say where a clip comes from."""
        ...


@dataclass(frozen=True)
class RunData:
    """The data of one run.

    Attributes:
        layout: Action units and regions.
        training: Clips to learn from, one per recording and epoch.
        validation: Clips on which the best epoch is chosen.
        test: Clips on which the best epoch is scored in the end.
        streams: Recordings that are scored as a whole in the end; may be none.
        weights: float64 (N,), how much each AU counts in the loss.
        facts: For the summary.
    """

    layout: Layout
    training: EpochClips
    validation: SubjectClips
    test: SubjectClips
    streams: tuple[Recording, ...]
    weights: np.ndarray
    facts: DataFacts


def fold_data(config: RunConfig) -> RunData:
    """Read the fold of a prepared dataset that a run is configured for.

    Args:
        config: The run's; `data.root` is set.

    Raises:
        DataError: The fold cannot be read, or is too small to hold out subjects.

    Warns:
        DataWarning: An AU never occurs in the training part or in the test part.
    """
    root = Path(config.data.root or "")
    dataset = dataset_in(root, config.data.dataset)
    network = config.model_config(dataset.layout)
    frames, crop = network.clip_frames, network.layout.crop
    fold = read_fold(root, dataset, config.data.fold)
    train, validation, weights = fold.train, fold.test, fold.weights
    if config.data.validate == "subjects":
        train, validation = _hold_out(fold)
        weights = _weights(_labels(train))
    _warn_of_absent(dataset.layout, fold)
    test = ScoringClips(fold.test, frames, crop)
    recorded = not (root / RENDERED).exists()
    return RunData(
        layout=network.layout,
        training=TrainingClips(train, frames, config.seed, network.lookahead if config.data.context else 0),
        validation=test if validation is fold.test else ScoringClips(validation, frames, crop),
        test=test,
        streams=fold.test,
        weights=weights,
        facts={
            "fingerprint": fold.fingerprint,
            "recorded": recorded,
            "train_recordings": len(train),
            "test_recordings": len(fold.test),
            "train_frames": sum(map(len, train)),
            "test_frames": sum(map(len, fold.test)),
            "train_subjects": len({recording.subject for recording in train}),
            "test_subjects": len({recording.subject for recording in fold.test}),
            "origin": dataset.origin if recorded else "what was drawn",
            "soft": dataset.soft,
            "prevalence": dict(zip(dataset.layout.au_names, _prevalence(_labels(train)), strict=True)),
        },
    )


def photograph_data(layout: Layout, clips: int, test_clips: int, frames: int, seed: int) -> RunData:
    """The demo's synthetic clips, which show one photographed face; every epoch has the same.

    Args:
        layout: Action units and crop geometry.
        clips: Clips to learn from.
        test_clips: Further clips to validate and score on.
        frames: Length of a clip.
        seed: Seed of all of them.
    """
    training = SyntheticClips(layout, clips, frames, seed)
    test = PhotographClips(SyntheticClips(layout, test_clips, frames, seed, "test"))
    return RunData(
        layout=layout,
        training=PhotographClips(training),
        validation=test,
        test=test,
        streams=(),
        weights=_weights(training.labels()),
        facts={
            "fingerprint": f"photograph-{layout.name}-{clips}-{test_clips}-{frames}-{seed}",
            "recorded": False,
            "train_recordings": clips,
            "test_recordings": test_clips,
            "train_frames": clips * frames,
            "test_frames": test_clips * frames,
        },
    )


class PhotographClips:
    """Synthetic clips of the photographed face as a dataset of `Clip`.

    Args:
        clips: The synthetic clips.

    Attributes:
        subjects: Who is seen in each clip: always the same.
    """

    def __init__(self, clips: SyntheticClips) -> None:
        self._clips = clips
        self.subjects = (PHOTOGRAPHED,) * len(clips)

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> Clip:
        """Render a clip."""
        frames, labels = self._clips[index]
        return Clip(frames, labels.astype(np.int8), index)

    def set_epoch(self, epoch: int) -> None:
        """All epochs have the same clips."""

    def describe(self, index: int) -> str:
        """The clip's number."""
        return f"synthetic clip {index}"


def _hold_out(fold: Fold) -> tuple[tuple[Recording, ...], tuple[Recording, ...]]:
    """The training recordings without and of every fifth subject, in the order of the lists."""
    subjects = list(dict.fromkeys(recording.subject for recording in fold.train))
    held_out = set(subjects[HELD_OUT - 1 :: HELD_OUT] or subjects[1:])
    if not held_out:
        raise DataError(
            "No subject can be held out for validation.",
            f"The training part of fold {fold.number} shows only {', '.join(subjects)}.",
            "Use --validate test, or a larger dataset.",
        )
    train = tuple(recording for recording in fold.train if recording.subject not in held_out)
    return train, tuple(recording for recording in fold.train if recording.subject in held_out)


def _labels(recordings: Sequence[Recording]) -> np.ndarray:
    return np.concatenate([recording.labels for recording in recordings])


def _prevalence(labels: np.ndarray) -> list[float]:
    """The share of the frames with a known label in which each AU occurs."""
    counts: np.ndarray = occurs(labels).sum(0) / np.maximum(known(labels).sum(0), 1)
    return counts.tolist()


def _weights(labels: np.ndarray) -> np.ndarray:
    return class_weights(occurrence_rates(torch.from_numpy(labels))).numpy()


def _warn_of_absent(layout: Layout, fold: Fold) -> None:
    # `read_fold` warns of the training part.
    seen: np.ndarray = np.any(occurs(_labels(fold.test)), axis=0, keepdims=False)
    absent = [name for name, some in zip(layout.au_names, seen, strict=True) if not some]
    if absent:
        text = f"{', '.join(absent)} never occurs in the test part of fold {fold.number}: its F1 is 0, in the mean too."
        warnings.warn(text, DataWarning, stacklevel=3)


class Chunk(NamedTuple):
    """Part of an unbroken stretch of a recording.

    Attributes:
        frames: uint8 (before + n + after, 224, 224, 3), RGB: its n frames and their neighbours in the stretch.
        labels: (n, N).
        before: Neighbours in front.
        ends: Whether the stretch ends with it.
        subject: Who is seen.
    """

    frames: np.ndarray | Tensor
    labels: np.ndarray | Tensor
    before: int
    ends: bool
    subject: str


class Chunks:
    """Recordings in pieces that fit into memory, in order.

    Args:
        recordings: The recordings.
        crop: What the network sees of their crops.
        margin: Neighbours on either side that a chunk has, where the stretch has them.
    """

    def __init__(self, recordings: Sequence[Recording], crop: CropGeometry, margin: int = 0) -> None:
        self._crop, self._margin = crop, margin
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
        first = max(part.start - self._margin, run.start)
        last = min(part.stop + self._margin, run.stop)
        frames = read_crops(recording.paths[first:last], self._crop)
        ends = part.stop == run.stop
        return Chunk(frames, recording.labels[part], part.start - first, ends, recording.subject)


class ClipBatch(NamedTuple):
    """A batch of B `Clip`s, as tensors.

    Attributes:
        frames: uint8 (B, T, 224, 224, 3), RGB.
        labels: int8 (B, T, N), float32 where labels are soft.
        position: int64 (B,), the clips' indices in their dataset.
    """

    frames: Tensor
    labels: Tensor
    position: Tensor


class Guarded(Dataset[Any]):
    """Items of a dataset; one that cannot be had is its `MdhrError`, as an exception would lose its parts."""

    def __init__(self, items: Items[Any]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Any:
        try:
            return self._items[index]
        except MdhrError as error:
            return error


class GuardedByKey(Guarded):
    """Training clips by epoch and index. As the epoch comes with every index, workers may run ahead into the next."""

    def __init__(self, clips: EpochClips) -> None:
        super().__init__(clips)
        self._clips = clips

    def __getitem__(self, key: Any) -> Any:
        epoch, index = key
        self._clips.set_epoch(epoch)
        return super().__getitem__(index)


class Batches(Sampler[list[Key]]):
    """The batches of all epochs that are still to come, one after the other.

    One pass over it is a whole run, so the workers prepare an epoch's first batches during the last ones of the epoch
    before, and during its validation.

    Args:
        order: Shuffles the clips, the same way in every process, and deals them out; by seed and epoch alone.
        batch: Clips per batch and process.
        first: First epoch, from 1.
        last: Last epoch.
    """

    def __init__(self, order: DistributedSampler[Any], batch: int, first: int, last: int) -> None:
        self._order, self._batch, self._epochs = order, batch, range(first, last + 1)

    def __iter__(self) -> Iterator[list[Key]]:
        for epoch in self._epochs:
            self._order.set_epoch(epoch)
            for indices in BatchSampler(self._order, self._batch, drop_last=False):
                yield [(epoch, index) for index in indices]


def training_loader(
    clips: EpochClips, batch: int, epochs: tuple[int, int], seed: int, workers: int, group: Group
) -> DataLoader[ClipBatch]:
    """Batches of a run; read them with `items_of`.

    Args:
        clips: The clips; every epoch shows each once.
        batch: Clips per batch and process.
        epochs: First and last epoch, from 1.
        seed: Seed of the order.
        workers: Processes that prepare clips; 0 prepares them here.
        group: Training processes, which share every epoch.
    """
    order: DistributedSampler[Any] = DistributedSampler(Guarded(clips), group.size, group.rank, shuffle=True, seed=seed)
    return _loader(GuardedByKey(clips), workers, _collated, batch_sampler=Batches(order, batch, *epochs))


def clip_loader(clips: Items[Clip], batch: int, workers: int, group: Group) -> DataLoader[ClipBatch]:
    """Clips to score in batches, in their order; every process of the group has its part."""
    part = Subset(Guarded(clips), range(group.rank, len(clips), group.size))
    return _loader(part, workers, _collated, batch_size=batch, persistent_workers=workers > 0)


def stream_loader(
    recordings: Sequence[Recording], crop: CropGeometry, margin: int, workers: int, group: Group
) -> DataLoader[Chunk]:
    """Chunks to score, one by one; every process of the group has its part of the recordings."""
    chunks = Guarded(Chunks(recordings[group.rank :: group.size], crop, margin))
    # Tensors reach this process through shared memory, arrays through a pipe.
    return _loader(chunks, workers, default_convert, batch_size=None, persistent_workers=workers > 0)


def items_of(loader: DataLoader[Item]) -> Iterator[Item]:
    """The items of a loader of this module.

    Raises:
        MdhrError: An item could not be had.
    """
    for item in loader:
        if isinstance(item, MdhrError):
            raise item
        yield item


@contextmanager
def worker_deaths() -> Iterator[None]:
    """Turn the death of a worker process into an error for the user.

    PyTorch learns of it by a signal, so its exception may appear anywhere in a block that uses a loader.

    Raises:
        DataError: A worker process died.
    """
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise DataError(
            "A process that prepares clips died.",
            str(error).splitlines()[0],
            "It was killed, most often for lack of memory: use fewer --workers, and go on with --resume.",
        ) from error


def _loader(items: Dataset[Any], workers: int, collate: Any, **options: Any) -> DataLoader[Any]:
    return DataLoader(
        items,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_single_threaded,
        # A generator of its own: PyTorch's would otherwise be advanced by every pass, and a resumed run has fewer.
        generator=torch.Generator(),
        **options,
    )


def _collated(items: list[Clip | MdhrError]) -> ClipBatch | MdhrError:
    return next((item for item in items if isinstance(item, MdhrError)), None) or ClipBatch(*default_collate(items))


def _single_threaded(_worker: int) -> None:
    # The workers are the parallelism, and OpenCV's threads do not survive the fork that made the worker.
    cv2.setNumThreads(0)
