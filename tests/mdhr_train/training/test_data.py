import dataclasses

import numpy as np
import pytest
import torch
from stripes import make_dataset

from mdhr_runtime.errors import DataError
from mdhr_train.data.lists import DataWarning
from mdhr_train.datasets import DISFA
from mdhr_train.losses import class_weights, occurrence_rates
from mdhr_train.training.material import from_dataset, from_photograph


def test_the_test_part_validates_by_default(make_config):
    material = from_dataset(make_config(), 4)
    assert material.validation is material.test
    assert len(material.training) == 4
    assert material.facts["train_recordings"] == 4
    assert (material.facts["test_recordings"], material.facts["test_frames"]) == (2, 40)
    assert len(material.facts["fingerprint"]) == 64


def test_held_out_subjects_are_not_trained_on(make_config, tmp_path):
    make_dataset(tmp_path, subjects=3)
    config = make_config({"data.root": str(tmp_path), "data.validate": "subjects"})
    material = from_dataset(config, 4)
    trained = {material.training.describe(index).split()[0] for index in range(len(material.training))}
    validated = {material.validation.describe(index).split()[0] for index in range(len(material.validation))}
    tested = {recording.subject for recording in material.streams}
    assert (len(trained), len(validated), len(tested)) == (5, 1, 3)
    assert not trained & validated
    assert not (trained | validated) & tested


def test_the_weights_are_those_of_what_is_trained_on(make_config, tmp_path):
    make_dataset(tmp_path, subjects=3)
    config = make_config({"data.root": str(tmp_path), "data.validate": "subjects"})
    material = from_dataset(config, 4)
    whole = from_dataset(dataclasses.replace(config, data=dataclasses.replace(config.data, validate="test")), 4)
    assert material.weights.mean() == pytest.approx(1)
    assert not np.allclose(material.weights, whole.weights)


def test_one_training_subject_cannot_be_held_out(make_config, tmp_path):
    dataset = make_dataset(tmp_path, subjects=1)
    for split in ("path", "label"):
        path = tmp_path / "list" / getattr(dataset, f"{split}_list").format(split="train", fold=1)
        path.write_text("\n".join(path.read_text().splitlines()[:20]) + "\n")
    with pytest.raises(DataError, match="held out"), pytest.warns(DataWarning):
        from_dataset(make_config({"data.root": str(tmp_path), "data.validate": "subjects"}), 4)


def test_an_au_that_never_occurs_is_warned_of(make_config, tmp_path):
    with pytest.warns(DataWarning):
        make_dataset(tmp_path, never=(9,))
    with pytest.warns(DataWarning) as warned:
        material = from_dataset(make_config({"data.root": str(tmp_path)}), 4)
    texts = [str(warning.message) for warning in warned]
    assert any("AU09" in text and "training" in text for text in texts)
    assert any("AU09 never occurs in the test part of fold 1" in text for text in texts)
    assert np.isfinite(material.weights).all()


def test_an_empty_fold_is_refused(make_config, tmp_path):
    dataset = make_dataset(tmp_path)
    for name in (dataset.path_list, dataset.label_list):
        (tmp_path / "list" / name.format(split="test", fold=1)).write_text("")
    with pytest.raises(DataError, match="no test frames"):
        from_dataset(make_config({"data.root": str(tmp_path)}), 4)


def test_the_photographs_clips_have_weights_and_no_recordings():
    pytest.importorskip("skimage")
    material = from_photograph(DISFA, 3, 2, 4, seed=1)
    assert (len(material.training), len(material.test), material.streams) == (3, 2, ())
    frames, labels, index = material.training[1]
    assert (frames.shape, labels.shape, index) == ((4, 224, 224, 3), (4, 8), 1)
    labels = torch.from_numpy(np.stack([material.training[index].labels for index in range(3)]))
    np.testing.assert_allclose(material.weights, class_weights(occurrence_rates(labels)).numpy())
