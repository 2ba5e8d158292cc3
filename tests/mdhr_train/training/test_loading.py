import os
import signal

import numpy as np
import pytest

from mdhr_runtime.errors import DataError
from mdhr_train.data.clips import Clip
from mdhr_train.training.loading import batches, scoring_loader, training_loader, worker_deaths


class Numbered:
    """Clips whose one pixel says their epoch and index."""

    def __init__(self, count):
        self.count, self.epoch = count, 0

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return Clip(np.full((1, 1, 1, 1), 10 * self.epoch + index, np.uint8), np.zeros((1, 1), np.int8), index)

    def set_epoch(self, epoch):
        self.epoch = epoch

    def describe(self, index):
        return f"clip {index} of epoch {self.epoch}"


class Broken(Numbered):
    def __getitem__(self, index):
        if index == 2:
            raise DataError("An image is damaged.", "It has 3 bytes.", "Copy it again.")
        return super().__getitem__(index)


class Deadly(Numbered):
    def __getitem__(self, index):
        os.kill(os.getpid(), signal.SIGKILL)


def shown(clips, workers=0, epochs=(1, 3), seed=0, **group):
    return [
        batch.frames.flatten().tolist() for batch in batches(training_loader(clips, 2, epochs, seed, workers, **group))
    ]


@pytest.mark.parametrize("workers", [0, 2])
def test_every_epoch_shows_each_clip_of_its_own_once(workers):
    found = shown(Numbered(5), workers)
    assert [len(batch) for batch in found] == [2, 2, 1] * 3
    for epoch in (1, 2, 3):
        numbers = [number for batch in found[3 * (epoch - 1) : 3 * epoch] for number in batch]
        assert sorted(numbers) == [10 * epoch + index for index in range(5)]


def test_the_order_depends_on_seed_and_epoch_alone():
    whole = shown(Numbered(5))
    assert shown(Numbered(5), epochs=(2, 3)) == whole[3:]
    assert shown(Numbered(5), seed=1) != whole
    assert [n % 10 for batch in whole[:3] for n in batch] != [n % 10 for batch in whole[3:6] for n in batch]


def test_processes_share_an_epoch():
    parts = [
        [number for batch in shown(Numbered(6), epochs=(1, 1), rank=rank, size=2) for number in batch]
        for rank in (0, 1)
    ]
    assert sorted(parts[0] + parts[1]) == [10 + index for index in range(6)]
    scored = [
        [batch.position.tolist() for batch in batches(scoring_loader(Numbered(5), 2, 0, rank, 2))] for rank in (0, 1)
    ]
    assert scored == [[[0, 2], [4]], [[1, 3]]]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_item_that_cannot_be_had_keeps_the_parts_of_its_error(workers):
    with pytest.raises(DataError) as error:
        list(batches(scoring_loader(Broken(4), 2, workers)))
    assert (error.value.what, error.value.why, error.value.fix) == (
        "An image is damaged.",
        "It has 3 bytes.",
        "Copy it again.",
    )


def test_a_worker_that_is_killed_is_an_error_in_three_parts():
    with pytest.raises(DataError, match="A process that prepares clips died") as error, worker_deaths():
        list(batches(scoring_loader(Deadly(4), 2, 1)))
    assert "--resume" in error.value.fix


def test_other_errors_are_left_alone():
    with pytest.raises(RuntimeError, match="something else"), worker_deaths():
        raise RuntimeError("something else")
