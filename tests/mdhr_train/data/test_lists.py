import re
import resource
import shutil
import warnings

import numpy as np
import pytest
import torch
from prepared import BP4D, SUBJECTS, dataset_in, recording

from mdhr_runtime.errors import DataError, OutputError
from mdhr_train.data.lists import DataWarning, read_fold, read_test_parts, write_lists
from mdhr_train.datasets import DATASETS
from mdhr_train.losses import class_weights

TRAIN_LABELS, TRAIN_PATHS = "BP4D_train_label_fold1.txt", "BP4D_train_img_path_fold1.txt"

PUBLISHED = (
    "1.342985 1.689665 1.248091 0.561356 0.433044 0.435894 0.457287 0.541004 1.408054 0.722762 1.493145 1.666711"
)
PUBLISHED_BP4D_FOLD_1 = np.array(PUBLISHED.split(), np.float64)
"""Weights in ME-GraphAU's `data/BP4D/list/BP4D_weight_fold1.txt`."""


@pytest.fixture
def root(tmp_path):
    dataset_in(tmp_path)
    return tmp_path


def edit(path, change):
    """Change the lines of a file."""
    lines = path.read_text().splitlines()
    path.write_text("".join(line + "\n" for line in change(lines)))


def strict_read(root, fold=1):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_fold(root, BP4D, fold)


def test_what_was_written_is_read(tmp_path):
    written = dataset_in(tmp_path)
    for fold, tested in {1: "F007", 2: "M011", 3: "F001"}.items():
        read = strict_read(tmp_path, fold)
        assert [one.subject for one in read.test] == [tested]
        assert {one.subject for one in read.train} == {"F001", "M011", "F007"} - {tested}
        for one in read.train + read.test:
            (original,) = (other for other in written if other.name == one.name)
            assert one.paths == original.paths
            assert one.numbers.tolist() == original.numbers.tolist()
            assert one.labels.dtype == np.int8
            assert (one.labels == original.labels).all()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_that_an_editor_has_saved_again(root, encoding):
    expected = strict_read(root)
    for path in (root / "list").iterdir():
        path.write_bytes(f"{path.read_text()}\n\n".replace("\n", "\r\n").encode(encoding))
    found = strict_read(root)
    assert [one.paths for one in found.train] == [one.paths for one in expected.train]
    assert all((one.labels == other.labels).all() for one, other in zip(found.test, expected.test, strict=True))


def test_written_weights_are_those_of_the_labels_to_six_digits(root):
    (root / "list" / "BP4D_train_weight_fold1.txt").rename(root / "kept.txt")
    computed = strict_read(root).weights
    (root / "kept.txt").rename(root / "list" / "BP4D_train_weight_fold1.txt")
    np.testing.assert_allclose(strict_read(root).weights, computed, atol=1e-6, rtol=0)
    assert computed.dtype == np.float64


def test_the_formula_gives_the_published_weights():
    rates = 0.2 / torch.from_numpy(PUBLISHED_BP4D_FOLD_1)  # weights tell the rates but for a factor
    np.testing.assert_allclose(class_weights(rates).numpy(), PUBLISHED_BP4D_FOLD_1, atol=1e-6, rtol=0)


def test_weights_are_those_of_the_published_script(root):
    fold = strict_read(root)
    rate = (np.concatenate([one.labels for one in fold.train]) > 0).mean(axis=0)
    np.testing.assert_allclose(fold.weights, 1 / rate / (1 / rate).sum() * 12, atol=1e-6, rtol=0)


def test_combinations_are_numbers_whose_first_bit_is_the_region_s_first_au(tmp_path):
    labels = np.zeros((20, 12), np.int8)
    labels[0, [0, 2]] = 1  # AU01 and AU04 of the region 1, 2, 4, 7
    labels[1, 11] = 1  # AU24, the last of 10, 17, 23, 24
    labels[2, 3] = 9  # AU06, alone in its region
    with pytest.warns(DataWarning, match="AU02"):
        dataset_in(tmp_path, labels=labels)
    lines = (tmp_path / "list" / "BP4D_test_sub_label_fold1.txt").read_text().splitlines()
    assert lines[:4] == ["10 0 0 0", "0 0 0 1", "0 -1 0 0", "0 0 0 0"]


def test_unknown_labels_are_kept(tmp_path):
    labels = np.tile(np.array([[0], [1], [9], [1]], np.int8), (5, 12))
    dataset_in(tmp_path, labels=labels)
    assert (strict_read(tmp_path).test[0].labels == labels).all()


@pytest.mark.parametrize(
    "change",
    [lambda lines: lines[:-1], lambda lines: [*lines, "0 " * 12], lambda lines: ["0 " * 12, *lines]],
    ids=["one too few", "one too many at the end", "one too many that shifts the others"],
)
def test_lists_of_different_lengths_are_refused(root, change):
    edit(root / "list" / TRAIN_LABELS, change)
    with pytest.raises(DataError, match="different lengths"):
        read_fold(root, BP4D, 1)


@pytest.mark.parametrize("label", ["2", "-2", "300", "0.5", "nan", "x"])
def test_a_label_out_of_range_is_named_with_its_line(root, label):
    edit(root / "list" / TRAIN_LABELS, lambda lines: [*lines[:4], lines[4][:-1] + label, *lines[5:]])
    with pytest.raises(DataError) as error:
        read_fold(root, BP4D, 1)
    assert TRAIN_LABELS in error.value.what
    assert label in error.value.why
    assert label == "x" or "AU24 in line 5" in error.value.why


def test_lists_of_another_dataset_are_refused(root):
    edit(root / "list" / TRAIN_LABELS, lambda lines: [line[:15] for line in lines])
    with pytest.raises(DataError, match="8 numbers a line"):
        read_fold(root, BP4D, 1)


def test_missing_images_are_counted_and_named(root):
    (root / "img/F001/T1/3.jpg").unlink()
    shutil.rmtree(root / "img/M011")
    with pytest.raises(DataError, match="21 of 40 images are missing") as error:
        read_fold(root, BP4D, 1)
    assert "F001/T1/3.jpg" in error.value.why


def test_a_missing_list_is_named(root):
    (root / "list" / TRAIN_PATHS).unlink()
    with pytest.raises(DataError, match=TRAIN_PATHS):
        read_fold(root, BP4D, 1)


def test_folds_that_share_a_subject_are_refused(root):
    for name in ("img_path", "label"):
        shutil.copy(root / f"list/BP4D_test_{name}_fold3.txt", root / f"list/BP4D_train_{name}_fold3.txt")
    with pytest.raises(DataError, match="same subjects") as error:
        read_fold(root, BP4D, 3)
    assert "F001" in error.value.why


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_empty_fold_is_refused(root, split):
    for name in ("img_path", "label"):
        (root / f"list/BP4D_{split}_{name}_fold1.txt").write_text("")
    with pytest.raises(DataError, match=f"no {split} frames"):
        read_fold(root, BP4D, 1)


def test_lists_are_not_written_for_an_empty_fold(tmp_path):
    with pytest.raises(DataError, match=r"Fold 1 .* no test frames"):
        write_lists(tmp_path, BP4D, [recording(tmp_path, "F001"), recording(tmp_path, "M011")])
    assert not (tmp_path / "list").exists()


def test_an_au_that_never_occurs_is_said_and_has_a_weight(tmp_path):
    labels = np.tile(np.array([[0], [1]], np.int8), (10, 12))
    labels[:, 3] = 0
    with pytest.warns(DataWarning, match="AU06") as said:
        dataset_in(tmp_path, labels=labels)
    for fold, one in enumerate(said, 1):
        assert f"fold {fold} of bp4d no frame has AU06." in str(one.message)
    assert len(said) == 3
    with pytest.warns(DataWarning, match="AU06"):
        weights = read_fold(tmp_path, BP4D, 1).weights
    np.testing.assert_allclose(weights, 1)


def test_weights_that_are_not_those_of_the_labels_are_used_and_said(root):
    path = root / "list" / "BP4D_train_weight_fold1.txt"
    path.write_text("\t".join(map(str, PUBLISHED_BP4D_FOLD_1)))
    with pytest.warns(DataWarning, match="differ from those of the labels"):
        fold = read_fold(root, BP4D, 1)
    np.testing.assert_array_equal(fold.weights, PUBLISHED_BP4D_FOLD_1)


@pytest.mark.parametrize("text", ["1 2 3", "x", "", "0 " * 12, "nan " * 12])
def test_a_file_without_weights_is_refused(root, text):
    (root / "list" / "BP4D_train_weight_fold1.txt").write_text(text)
    with pytest.raises(DataError, match="no class weights"):
        read_fold(root, BP4D, 1)


def test_the_fingerprint_changes_with_any_label(root):
    before = strict_read(root).fingerprint
    assert re.fullmatch("[0-9a-f]{64}", before)
    assert strict_read(root).fingerprint == before
    edit(root / "list" / "BP4D_test_label_fold1.txt", lambda lines: [*lines[:-1], "9" + lines[-1][1:]])
    assert strict_read(root).fingerprint != before


def test_the_test_parts_of_all_folds_are_the_whole_dataset(root):
    recordings = read_test_parts(root, BP4D)
    assert sorted(recording.subject for recording in recordings) == sorted(SUBJECTS)
    # A recording that is tested twice, in lists of somebody else, counts once.
    for name in ("img_path", "label"):
        first, second = (root / "list" / f"BP4D_test_{name}_fold{fold}.txt" for fold in (1, 2))
        second.write_text(first.read_text())
    assert len(read_test_parts(root, BP4D)) == 2


def test_a_fold_that_does_not_exist_is_refused(root):
    with pytest.raises(DataError, match="no fold 4"):
        read_fold(root, BP4D, 4)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "list").write_text("a file in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        dataset_in(tmp_path)


def test_no_space_leaves_the_old_lists_as_they_are(root):
    (root / "list" / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in (root / "list").iterdir()}
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, limit[1]))  # files end there, as on a full disk
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            dataset_in(root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert {path.name: path.read_bytes() for path in (root / "list").iterdir()} == before
    assert sorted(path.name for path in root.iterdir()) == ["img", "list"]


def test_other_files_beside_the_lists_stay(root):
    (root / "list" / "notes.txt").write_text("mine")
    write_lists(root, BP4D, strict_read(root).train + strict_read(root).test)
    assert (root / "list" / "notes.txt").read_text() == "mine"


DISFA = DATASETS["disfa"]


def me_graphau(root, dataset):
    """A dataset as ME-GraphAU lays it out: other names of lists, DISFA's crops by their numbers alone, no combinations.

    Returns:
        Its recordings.
    """
    (form,) = dataset.others
    subjects = {"bp4d": ("F001", "M011", "F007"), "disfa": ("SN002", "SN013", "SN003")}[dataset.name]
    found = [recording(root, subject, dataset=form) for subject in subjects]
    write_lists(root, form, found)
    for path in (root / "list").glob("*sub_label*"):
        path.unlink()
    return found


@pytest.mark.parametrize("dataset", [BP4D, DISFA], ids=["bp4d", "disfa"])
def test_the_form_of_me_graphau_is_read(tmp_path, dataset):
    written = me_graphau(tmp_path, dataset)
    lists = {path.name for path in (tmp_path / "list").iterdir()}
    assert {f"{dataset.layout.name}_{name}" for name in ("train_img_path_fold1.txt", "weight_fold1.txt")} <= lists
    changed = tmp_path / "list" / f"{dataset.layout.name}_weight_fold1.txt"
    changed.write_text("\t".join(str(1.5 + index) for index in range(len(dataset.layout.aus))))
    with pytest.warns(DataWarning, match="weight_fold1"):
        fold = read_fold(tmp_path, dataset, 1)
    assert fold.weights[0] == 1.5
    assert [one.name for one in fold.test] == [written[2].name]
    assert fold.test[0].paths == written[2].paths
    assert (fold.test[0].labels == written[2].labels).all()


def test_the_crops_of_me_graphau_s_disfa_lie_in_img_by_number(tmp_path):
    me_graphau(tmp_path, DISFA)
    assert (tmp_path / "list/DISFA_test_img_path_fold1.txt").read_text().startswith("SN003/1.png\n")
    assert read_fold(tmp_path, DISFA, 1).test[0].paths[0] == tmp_path / "img/SN003/1.png"


def test_lists_of_two_implementations_are_not_chosen_among(tmp_path):
    me_graphau(tmp_path, DISFA)
    write_lists(tmp_path, DISFA, [recording(tmp_path, one, dataset=DISFA) for one in ("SN002", "SN013", "SN003")])
    with pytest.raises(DataError, match="two implementations") as error:
        read_fold(tmp_path, DISFA, 1)
    assert "DISFA_train_img_path_fold1.txt and DISFA_train_path_fold1.txt" in error.value.why


def test_published_crop_names_in_me_graphau_s_lists_are_refused(tmp_path):
    me_graphau(tmp_path, DISFA)
    edit(
        tmp_path / "list/DISFA_train_img_path_fold1.txt", lambda lines: [line.replace("/", "/SN002_") for line in lines]
    )
    with pytest.raises(DataError, match=r"'SN002/SN002_1\.png' is no crop of disfa"):
        read_fold(tmp_path, DISFA, 1)
