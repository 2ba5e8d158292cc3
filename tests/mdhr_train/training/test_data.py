import dataclasses
import os
import signal

import numpy as np
import pytest
import torch
from stripes import make_dataset

from mdhr_runtime.errors import DataError
from mdhr_train.data.clips import Clip
from mdhr_train.data.lists import DataWarning, read_fold
from mdhr_train.datasets import DATASETS, DISFA
from mdhr_train.losses import class_weights, occurrence_rates
from mdhr_train.training.data import (
    clip_loader,
    fold_data,
    items_of,
    photograph_data,
    training_loader,
    worker_deaths,
)
from mdhr_train.training.distributed import Group

from .conftest import ALONE

CPU = ALONE.device


def test_the_test_part_validates_by_default(make_config):
    data = fold_data(make_config())
    assert data.validation is data.test
    assert len(data.training) == 4
    assert data.facts["train_recordings"] == 4
    assert (data.facts["test_recordings"], data.facts["test_frames"]) == (2, 40)
    assert len(data.facts["fingerprint"]) == 64


def test_the_facts_say_who_was_seen_whose_labels_those_are_and_how_often_each_au_occurs(make_config, prepared):
    data = fold_data(make_config())
    facts = data.facts
    assert (facts["train_subjects"], facts["test_subjects"]) == (4, 2)
    assert facts["origin"].startswith("coded by hand")
    assert facts["soft"] is False
    train = read_fold(prepared, DATASETS["disfa"], 1).train
    labels = np.concatenate([recording.labels for recording in train])
    for column, share in enumerate(facts["prevalence"].values()):
        known = labels[:, column][labels[:, column] != 9]
        assert share == pytest.approx((known == 1).mean())


def test_the_labels_of_rendered_faces_are_nobodys(make_config, tmp_path):
    make_dataset(tmp_path)
    (tmp_path / "rendered.json").write_text("{}")
    facts = fold_data(make_config({"data.root": str(tmp_path)})).facts
    assert (facts["recorded"], facts["origin"]) == (False, "what was drawn")


def test_held_out_subjects_are_not_trained_on(make_config, tmp_path):
    make_dataset(tmp_path, subjects=3)
    config = make_config({"data.root": str(tmp_path), "data.validate": "subjects"})
    data = fold_data(config)
    trained = {data.training.describe(index).split()[0] for index in range(len(data.training))}
    validated = {data.validation.describe(index).split()[0] for index in range(len(data.validation))}
    tested = {recording.subject for recording in data.streams}
    assert (len(trained), len(validated), len(tested)) == (5, 1, 3)
    assert not trained & validated
    assert not (trained | validated) & tested


def test_the_weights_are_those_of_what_is_trained_on(make_config, tmp_path):
    make_dataset(tmp_path, subjects=3)
    config = make_config({"data.root": str(tmp_path), "data.validate": "subjects"})
    data = fold_data(config)
    whole = fold_data(dataclasses.replace(config, data=dataclasses.replace(config.data, validate="test")))
    assert data.weights.mean() == pytest.approx(1)
    assert not np.allclose(data.weights, whole.weights)


def test_one_training_subject_cannot_be_held_out(make_config, tmp_path):
    dataset = make_dataset(tmp_path, subjects=1)
    for split in ("path", "label"):
        path = tmp_path / "list" / getattr(dataset, f"{split}_list").format(split="train", fold=1)
        path.write_text("\n".join(path.read_text().splitlines()[:20]) + "\n")
    with pytest.raises(DataError, match="held out"), pytest.warns(DataWarning):
        fold_data(make_config({"data.root": str(tmp_path), "data.validate": "subjects"}))


def test_an_au_that_never_occurs_is_warned_of(make_config, tmp_path):
    with pytest.warns(DataWarning):
        make_dataset(tmp_path, never=(9,))
    with pytest.warns(DataWarning) as warned:
        data = fold_data(make_config({"data.root": str(tmp_path)}))
    texts = [str(warning.message) for warning in warned]
    assert any("AU09" in text and "training" in text for text in texts)
    assert any("AU09 never occurs in the test part of fold 1" in text for text in texts)
    assert np.isfinite(data.weights).all()


def test_an_empty_fold_is_refused(make_config, tmp_path):
    dataset = make_dataset(tmp_path)
    for name in (dataset.path_list, dataset.label_list):
        (tmp_path / "list" / name.format(split="test", fold=1)).write_text("")
    with pytest.raises(DataError, match="no test frames"):
        fold_data(make_config({"data.root": str(tmp_path)}))


def test_the_photographs_clips_have_weights_and_no_recordings():
    pytest.importorskip("skimage")
    data = photograph_data(DISFA, 3, 2, 4, seed=1)
    assert (len(data.training), len(data.test), data.streams) == (3, 2, ())
    frames, labels, index = data.training[1]
    assert (frames.shape, labels.shape, index) == ((4, 224, 224, 3), (4, 8), 1)
    labels = torch.from_numpy(np.stack([data.training[index].labels for index in range(3)]))
    np.testing.assert_allclose(data.weights, class_weights(occurrence_rates(labels)).numpy())


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


def shown(clips, workers=0, epochs=(1, 3), seed=0, group=ALONE):
    return [
        batch.frames.flatten().tolist() for batch in items_of(training_loader(clips, 2, epochs, seed, workers, group))
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
        [number for batch in shown(Numbered(6), epochs=(1, 1), group=Group(rank, 2, CPU)) for number in batch]
        for rank in (0, 1)
    ]
    assert sorted(parts[0] + parts[1]) == [10 + index for index in range(6)]
    scored = [
        [batch.position.tolist() for batch in items_of(clip_loader(Numbered(5), 2, 0, Group(rank, 2, CPU)))]
        for rank in (0, 1)
    ]
    assert scored == [[[0, 2], [4]], [[1, 3]]]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_item_that_cannot_be_had_keeps_the_parts_of_its_error(workers):
    with pytest.raises(DataError) as error:
        list(items_of(clip_loader(Broken(4), 2, workers, ALONE)))
    assert (error.value.what, error.value.why, error.value.fix) == (
        "An image is damaged.",
        "It has 3 bytes.",
        "Copy it again.",
    )


@pytest.mark.slow
def test_a_worker_that_is_killed_is_an_error_in_three_parts():
    with pytest.raises(DataError, match="A process that prepares clips died") as error, worker_deaths():
        list(items_of(clip_loader(Deadly(4), 2, 1, ALONE)))
    assert "--resume" in error.value.fix


def test_other_errors_are_left_alone():
    with pytest.raises(RuntimeError, match="something else"), worker_deaths():
        raise RuntimeError("something else")
