import re

import pytest

from mdhr_runtime.errors import DataError
from mdhr_train.datasets import DATASETS
from mdhr_train.datasets.base import list_folder


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_every_subject_is_tested_once_and_never_trained_on_in_that_fold(dataset):
    everybody = sorted(subject for part in dataset.parts for subject in part)
    assert len(everybody) == len(set(everybody)) == {"bp4d": 41, "disfa": 27}[dataset.name]
    assert sorted(subject for fold in dataset.folds for subject in dataset.subjects(fold, "test")) == everybody
    for fold in dataset.folds:
        train, test = dataset.subjects(fold, "train"), dataset.subjects(fold, "test")
        assert sorted(train + test) == everybody


def test_fold_1_trains_on_the_first_two_parts():
    assert DATASETS["bp4d"].subjects(1, "train")[:2] == ("F001", "M007")
    assert DATASETS["bp4d"].subjects(1, "test")[0] == "F007"
    assert DATASETS["disfa"].subjects(2, "test")[0] == "SN013"


@pytest.mark.parametrize(
    ("name", "path", "crop"),
    [
        ("bp4d", "F001/T1/2440.jpg", ("F001", "F001/T1", 2440)),
        ("disfa", "SN001/SN001_0.png", ("SN001", "SN001", 0)),
    ],
)
def test_a_crop_s_path_tells_where_it_belongs(name, path, crop):
    dataset = DATASETS[name]
    assert dataset.parse_crop(path) == crop
    assert dataset.crop_path(*crop) == path


@pytest.mark.parametrize("path", ["SN001/SN001_0.png", "../F001/T1/1.jpg", "/F001/T1/1.jpg", "F001/T1/x.jpg", "1.jpg"])
def test_a_path_of_another_dataset_is_refused(path):
    with pytest.raises(DataError, match=re.escape(repr(path))):
        DATASETS["bp4d"].parse_crop(path)


def test_lists_may_lie_in_the_root_as_the_authors_have_them(tmp_path):
    assert list_folder(tmp_path) == tmp_path
    (tmp_path / "list").mkdir()
    assert list_folder(tmp_path) == tmp_path / "list"
