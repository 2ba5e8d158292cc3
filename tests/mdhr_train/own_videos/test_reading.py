import numpy as np
import pytest
from label_forms import ANNA, BEN, FORMS, of, table, told

from mdhr_runtime.errors import DataError


def faces(path, boxes="x y w h", ids=(0, 1), frames=range(1, 41)):
    place = {"x y w h": lambda i: (10 * i, 5, 20, 30), "x_0 x_1 y_0 y_1": lambda i: (10 * i, 10 * i + 20, 5, 35)}
    rows = [(f, i, *(place[boxes](i) if boxes else ()), i) for f in frames for i in ids]
    return table(path, f"frame face_id {boxes} AU12", rows)


@pytest.mark.parametrize("form", FORMS)
def test_labels_are_the_same_in_all_forms(form, read, truth, tmp_path):
    FORMS[form](tmp_path / "labels", truth)
    own = read(tmp_path / "labels")
    assert own.aus == (1, 12)
    assert [(one.name, one.subject) for one in own.recordings] == [
        ("anna/anna", "anna"),
        ("ward__ben/ward__ben", "ward__ben"),
    ]
    for one, labels in zip(own.recordings, truth.values(), strict=True):
        assert one.numbers.tolist() == list(range(1, 41))
        np.testing.assert_array_equal(one.labels, labels)
        assert one.labels.dtype == np.int8
        assert one.first == 1


@pytest.mark.parametrize(
    ("form", "origin"),
    [
        ("OpenFace", "occurrences of OpenFace"),
        ("py-feat", "occurrences of py-feat"),
        ("LibreFace", "occurrences of LibreFace"),
        ("mdhr-run", "occurrences of mdhr-run"),
        ("BORIS, tabular", "coded by hand in BORIS"),
        ("Noldus Observer", "coded by hand in Noldus Observer"),
        ("ELAN, annotations", "coded by hand in ELAN"),
        ("ELAN, no names", "not stated"),
        ("frames from 1", "not stated"),
    ],
)
def test_programs_are_recognised(form, origin, read, truth, tmp_path):
    FORMS[form](tmp_path, truth)
    assert read(tmp_path).origin == origin


def test_counts_say_for_each_subject_what_is_known_and_what_occurs(read, truth, tmp_path):
    FORMS["frames from 1"](tmp_path, truth)
    assert {name: count.tolist() for name, count in read(tmp_path).counts().items()} == {
        "anna": [[10, 20], [40, 40]],
        "ward__ben": [[3, 15], [40, 40]],
    }


def test_a_later_table_corrects_where_it_knows(read, truth, tmp_path):
    FORMS["OpenFace"](tmp_path / "tool", truth)
    rows = [(1, 2, "AU12"), (0, 0.5, "AU04")]
    hand = table(tmp_path / "hand/anna.csv", "start end code", rows)
    own = read(tmp_path / "tool", hand)
    anna = of(own, ANNA)
    assert own.aus == (1, 4, 12)
    assert anna.labels[:, 0].tolist() == truth[ANNA][:, 0].tolist()
    assert anna.labels[:, 1].tolist() == [1] * 10 + [0] * 30
    assert anna.labels[:, 2].tolist() == [0] * 20 + [1] * 20
    assert (of(own, BEN).labels[:, 1] == 9).all()
    assert told(own, "labels that a later table corrects") == 20
    assert own.origin == "occurrences of OpenFace; not stated"
    few = table(tmp_path / "few.csv", "video frame AU12", [("anna", 1, 1), ("anna", 2, "")])
    assert of(read(tmp_path / "tool", few), ANNA).labels[:3, 1].tolist() == [1, 0, 0]


def test_tables_given_together_that_contradict_each_other_make_unknown_labels(read, truth, tmp_path):
    FORMS["frames from 1"](tmp_path, truth)
    table(tmp_path / "anna_second.csv", "frame AU12", [(1, 1), (12, 1)])
    own = read(tmp_path)
    assert of(own, ANNA).labels[[0, 11], 1].tolist() == [9, 1]
    assert told(own, "two tables contradict each other") == 1


def test_names_are_safe_and_never_the_same(film, read, tmp_path):
    for name in ("a/b.mp4", "a__b.mp4", "a__b.avi", "50%.mp4", "q_r.mp4", "r.mp4"):
        film(tmp_path / "videos" / name, frames=2, codec="mpeg4")
    rows = [("a/b.mp4", 1, 1), ("a__b.mp4", 1, 1), ("a__b.avi", 1, 1), ("50%", 1, 1)]
    own = read(table(tmp_path / "all.csv", "video frame AU12", rows), root=tmp_path / "videos")
    subjects = [one.subject for one in own.recordings]
    assert len({*subjects}) == 4
    assert [one.name for one in own.recordings] == [f"{subject}/{subject}" for subject in subjects]
    assert subjects[1] == "a__b"
    assert subjects[2].startswith("a__b.avi")
    rows = [("q_r", "p", 1, 1), ("r", "p_q", 1, 1)]
    own = read(table(tmp_path / "all.csv", "video subject frame AU12", rows), root=tmp_path / "videos")
    assert [one.name for one in own.recordings] == ["p/q_r", "p_q/r.2"]  # as "/" is "_" in names of files


def test_a_correction_must_say_which_face(read, tmp_path):
    hand = table(tmp_path / "hand/anna.csv", "frame AU12", [(1, 1)])
    with pytest.raises(DataError, match="is not clear"):
        read(faces(tmp_path / "anna.csv"), hand)


def test_only_some_aus(read, truth, tmp_path):
    FORMS["frames from 1"](tmp_path, truth)
    table(tmp_path / "hand/anna.csv", "frame AU04", [(1, 1)])
    own = read(tmp_path).only([12, 4])
    assert own.aus == (12, 4)
    assert of(own, ANNA).labels[0].tolist() == [0, 1]
    alone = read(tmp_path).only([4])
    assert [one.numbers.tolist() for one in alone.recordings] == [[1]]
