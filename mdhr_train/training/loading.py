"""Clips from worker processes: in an order that only seed and epoch decide, and with errors that keep their words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import cv2
import torch
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

from ..data.clips import Clip

Key = tuple[int, int]
"""An epoch, and the index of a clip in it."""


class EpochClips(Protocol):
    """Clips to train on, which are others in every epoch; see `mdhr_train.data.clips.TrainingClips`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Clip: ...

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch's clips are meant from now on."""
        ...

    def describe(self, index: int) -> str:
        """Say where a clip comes from."""
        ...


class ByKey(Dataset):
    """Training clips by epoch and index. As the epoch comes with every index, workers may run ahead into the next."""

    def __init__(self, clips: EpochClips) -> None:
        self._clips = clips

    def __getitem__(self, key: Key) -> Clip | MdhrError:
        epoch, index = key
        self._clips.set_epoch(epoch)
        return _item(self._clips, index)


class Guarded(Dataset):
    """Items of a dataset; one that cannot be had is its `MdhrError`, as an exception would lose its parts."""

    def __init__(self, items: Sequence[Clip]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Clip | MdhrError:
        return _item(self._items, index)


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

    def __init__(self, order: DistributedSampler, batch: int, first: int, last: int) -> None:
        self._order, self._batch, self._epochs = order, batch, range(first, last + 1)

    def __iter__(self) -> Iterator[list[Key]]:
        for epoch in self._epochs:
            self._order.set_epoch(epoch)
            for indices in BatchSampler(self._order, self._batch, drop_last=False):
                yield [(epoch, index) for index in indices]


def training_loader(
    clips: EpochClips, batch: int, epochs: tuple[int, int], seed: int, workers: int, rank: int = 0, size: int = 1
) -> DataLoader:
    """Batches of a run, each a `Clip` of tensors with the batch as first dimension.

    Args:
        clips: What to draw from; every epoch shows each once.
        batch: Clips per batch and process.
        epochs: First and last epoch, from 1.
        seed: Seed of the order.
        workers: Processes that prepare clips; 0 prepares them here.
        rank: Which training process this is.
        size: How many there are.
    """
    order = DistributedSampler(clips, size, rank, shuffle=True, seed=seed)
    return _loader(ByKey(clips), workers, batch_sampler=Batches(order, batch, *epochs))


def scoring_loader(clips: Sequence[Clip], batch: int | None, workers: int, rank: int = 0, size: int = 1) -> DataLoader:
    """Clips in their order; with several processes every one of them gets a share. `batch` None gives single items."""
    share = Subset(Guarded(clips), range(rank, len(clips), size))
    return _loader(share, workers, batch_size=batch, shuffle=False, persistent_workers=workers > 0)


def batches(loader: DataLoader) -> Iterator[Clip]:
    """What a loader of this module gives.

    Raises:
        MdhrError: An item could not be had.
    """
    for batch in loader:
        if isinstance(batch, MdhrError):
            raise batch
        yield batch


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


def _loader(items: Dataset, workers: int, **options: object) -> DataLoader:
    return DataLoader(
        items,
        num_workers=workers,
        collate_fn=_collated if options.get("batch_size", 0) is not None else _converted,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_single_threaded,
        # A generator of its own: PyTorch's would otherwise be advanced by every pass, and a resumed run has fewer.
        generator=torch.Generator(),
        **options,
    )


def _item(items: Sequence[Clip], index: int) -> Clip | MdhrError:
    try:
        return items[index]
    except MdhrError as error:
        return error


def _collated(items: list[Clip | MdhrError]) -> Clip | MdhrError:
    return next((item for item in items if isinstance(item, MdhrError)), None) or default_collate(items)


def _converted(item: Clip | MdhrError) -> Clip | MdhrError:
    return default_convert(item)  # tensors reach this process through shared memory, arrays through a pipe


def _single_threaded(_worker: int) -> None:
    # The workers are the parallelism, and OpenCV's threads do not survive the fork that made the worker.
    cv2.setNumThreads(0)
