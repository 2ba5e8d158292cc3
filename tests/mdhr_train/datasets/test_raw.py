import os

import pytest

from mdhr_runtime.errors import DataError, VideoError
from mdhr_train.datasets.raw import Folders, find_labels, find_source, leaving_out


def names(root, paths):
    return [path.relative_to(root).as_posix() for path in paths]


def test_a_pattern_is_found_in_any_case_and_in_doubled_folders(tmp_path):
    for name in ("sequences(2d+3D)/f001/t1", "sequences(2d+3D)/F002/F002/T1", "2D+3D/2d+3d/F003/T1"):
        (tmp_path / name).mkdir(parents=True)
    folders = Folders(tmp_path)
    assert names(tmp_path, folders.find("Sequences(2D+3D)/F001/T1")) == ["sequences(2d+3D)/f001/t1"]
    assert names(tmp_path, folders.find("Sequences(2D+3D)/F002/T1")) == ["sequences(2d+3D)/F002/F002/T1"]
    assert names(tmp_path, folders.find("2D+3D/F003/T1")) == ["2D+3D/2d+3d/F003/T1"]
    assert folders.find("2D+3D/F004/T1") == []
    assert folders.find("") == [tmp_path]
    assert Folders(tmp_path / "missing").find("2D+3D/*") == []


def test_every_folder_is_listed_once(tmp_path, monkeypatch):
    for subject in range(20):
        (tmp_path / f"2D+3D/F{subject:03d}/T1").mkdir(parents=True)
        (tmp_path / f"2D+3D/F{subject:03d}/T1/1.jpg").touch()
    listed, listdir = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(path) or listdir(path))
    folders = Folders(tmp_path)
    for subject in range(20):
        patterns = [f"Images/F{subject:03d}", f"2D+3D/F{subject:03d}/T1"]
        assert find_source(folders, patterns, tmp_path).name == "T1"
    assert len(listed) == len(set(listed)) == 1 + 1 + 20 * 2


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(DataError, match=r"cannot be read[\s\S]*Permission denied"):
        Folders(tmp_path).find("2D+3D")


def test_hidden_files_are_no_recordings(tmp_path):
    (tmp_path / "._T1.avi").touch()
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames/._1.jpg").touch()
    with pytest.raises(DataError, match="no images"):
        find_source(Folders(tmp_path), ["frames", "*T1.*"], tmp_path / "labels.csv")
    (tmp_path / "T1.avi").touch()
    assert find_source(Folders(tmp_path), ["frames", "*T1.*"], tmp_path / "labels.csv") == tmp_path / "T1.avi"


def test_the_error_of_missing_images_says_where_was_searched(tmp_path):
    with pytest.raises(DataError) as error:
        find_source(Folders(tmp_path / "frames"), ["2D+3D/F001/T1", "F001/T1"], tmp_path / "labels/F001_T1.csv")
    for named in (tmp_path / "frames", tmp_path / "labels/F001_T1.csv"):
        assert str(named) in error.value.what
    assert "2D+3D/F001/T1, F001/T1" in error.value.why


def test_labels_are_found_in_the_first_place_that_has_some(tmp_path):
    for name in ("AUCoding/readme.csv", "AUCoding/au_occ/f001_t2.CSV", "AUCoding/au_occ/._F001_T1.csv", "F001_T3.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    places = ("AUCoding", "AUCoding/AU_OCC", "")
    found = find_labels(Folders(tmp_path), places, r"([FM]\d+)_(T\d+)\.csv", "F001_T1.csv")
    assert found == {("F001", "T2"): tmp_path / "AUCoding/au_occ/f001_t2.CSV"}


def test_two_labels_of_one_recording_are_refused(tmp_path):
    for name in ("F001_T1.csv", "f001_t1.csv"):
        (tmp_path / name).touch()
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("upper and lower case are the same on this disk")
    with pytest.raises(DataError, match="two labels of F001/T1"):
        find_labels(Folders(tmp_path), ("",), r"([FM]\d+)_(T\d+)\.csv", "F001_T1.csv")


@pytest.mark.parametrize("kind", [DataError, VideoError])
def test_what_cannot_be_read_is_noted_or_told_with_the_option(kind):
    left_out = {}
    with leaving_out("F001/T1", left_out):
        raise kind("It is damaged.", "It ends early.", "Copy it again.")
    assert left_out == {"F001/T1": "It is damaged. It ends early."}
    with pytest.raises(kind) as error, leaving_out("F001/T1", None):
        raise kind("It is damaged.", "It ends early.", "Copy it again.")
    assert error.value.fix.startswith("Copy it again. ")
    assert "--skip-damaged" in error.value.fix
