import pytest

from mdhr_runtime.errors import DataError
from mdhr_train.datasets import DATASETS, dataset_in
from mdhr_train.datasets.base import DESCRIPTION, is_prepared
from mdhr_train.datasets.description import described, read_description, write_description
from mdhr_train.datasets.layouts import derive_layout

MINE = described(
    "mine", derive_layout("mine", [12, 1]), (("anna b", "ben"), ("Zoë",)), soft=True, origin="coded: by two people"
)


def test_a_dataset_that_describes_itself_is_read_as_it_was_written(tmp_path):
    write_description(tmp_path, MINE)
    assert read_description(tmp_path) == MINE
    assert dataset_in(tmp_path) == dataset_in(tmp_path, "mine") == MINE


def test_a_folder_without_a_description_is_known_by_name(tmp_path):
    assert read_description(tmp_path) is None
    assert dataset_in(tmp_path) == dataset_in(None) == DATASETS["bp4d"]
    assert dataset_in(tmp_path, "disfa") == DATASETS["disfa"]


def test_crops_lists_and_the_description_belong_to_a_dataset_and_nothing_else_does():
    ours = ("dataset.yaml", "img/anna b/film 1/12.jpg", "list/train_path_fold1.txt", "list/test_label_fold2.txt")
    assert all(is_prepared(name, MINE) for name in ours)
    others = ("img/12.jpg", "img/a/b/c/12.jpg", "img/a/b/12.png", "list/train_path_fold3.txt", "notes.txt")
    assert not any(is_prepared(name, MINE) for name in others)


def test_crop_names_tell_subject_recording_and_number():
    path = MINE.crop_path("anna b", "anna b/film.face2", 7)
    assert path == "anna b/film.face2/7.jpg"
    assert MINE.parse_crop(path) == ("anna b", "anna b/film.face2", 7)


def test_another_name_than_the_folder_s_own_is_refused(tmp_path):
    write_description(tmp_path, MINE)
    with pytest.raises(DataError, match="does not hold the dataset bp4d") as error:
        dataset_in(tmp_path, "bp4d")
    assert "calls it mine" in error.value.why


def test_a_name_that_nobody_describes_is_refused(tmp_path):
    with pytest.raises(DataError, match="There is no dataset 'mine'") as error:
        dataset_in(tmp_path, "mine")
    assert "bp4d, disfa" in error.value.why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("- Zoë", "- ben"), "the subject ben is in two parts"),
        (("schema: 1", "schema: 2"), "schema"),
        (("name: mine", "name: ''"), "name"),
        (("- Zoë", "- a/b"), "parts"),
        (("  aus: [1, 12]", "  aus: [1, 12, 15]"), "the regions hold AUs"),
        (("soft: true", "soft: maybe"), "soft"),
        (("layout:", "layouts:"), "layout"),
    ],
)
def test_a_file_that_describes_nothing_is_refused(tmp_path, change, why):
    write_description(tmp_path, MINE)
    path = tmp_path / DESCRIPTION
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(DataError, match=DESCRIPTION) as error:
        read_description(tmp_path)
    assert why in error.value.why
