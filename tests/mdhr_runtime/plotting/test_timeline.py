from pathlib import Path

import cv2
import numpy as np
import pytest

from mdhr_runtime.errors import OutputError
from mdhr_runtime.plotting.picture import Subject, is_ours, write
from mdhr_runtime.plotting.tables import Seen
from mdhr_runtime.plotting.timeline import Timeline, choose, occurrences


def test_frames_that_were_dropped_do_not_tear_the_line_and_a_pause_does():
    rows = [Seen("cam", number, number / 25, 0, {"AU01": 0.25}) for number in (1, 3, 9, 100)]
    timeline, others = choose(rows, Path("table.csv"), Subject())
    assert list(np.isnan(timeline.scores[:, 0])) == [False, False, False, True, False]
    assert others == []


def seen(frame, face_id=0, score=0.25, person=None):
    return Seen("cam", frame, frame / 25, face_id, {} if score is None else {"AU01": score}, person=person)


def gaps(rows, wish=Subject()):  # noqa: B008
    return list(np.isnan(choose(rows, Path("t"), wish)[0].scores[:, 0]))


def test_a_face_without_scores_is_drawn_as_one_that_is_not_seen():
    rows = [seen(1), seen(2), seen(3, score=None), seen(4), seen(5, score=None)]
    timeline, _ = choose(rows, Path("t"), Subject())
    assert list(np.isnan(timeline.scores[:, 0])) == [False, False, True, False]
    assert (timeline.start, timeline.end) == (0.04, 0.2)
    with pytest.raises(OutputError, match="No face in any of its frames has scores"):
        choose([seen(1, score=None)], Path("t"), Subject())


def test_rows_in_another_order_and_twice_are_the_same_timeline():
    rows = [*map(seen, range(1, 8)), seen(3, face_id=1), seen(5, face_id=1), seen(8, face_id=None, score=None)]
    assert gaps(rows[::-1]) == gaps(rows + rows) == [False] * 7
    assert gaps(sorted(rows, key=lambda row: row.face_id or 0), Subject(face_id=1)) == [False, True, False]


@pytest.mark.parametrize(
    "other",
    [seen(2, score=0.5), Seen("cam", 2, 0.1, 1, {"AU01": 0.25}), seen(2, face_id=None, score=None)],
    ids=["another score", "another time", "nobody"],
)
def test_two_runs_in_one_table_are_told(other):
    with pytest.raises(OutputError, match=r"two results of frame 2 of cam.\n.*tables of two runs were put together"):
        choose([seen(1), seen(2), other], Path("t"), Subject())


def test_the_faces_of_a_person_are_one_timeline():
    rows = [seen(1, 0, person=0), seen(2, 0, person=0), seen(2, 1, person=1), seen(4, 2, person=0), seen(4, 3)]
    timeline, others = choose(rows, Path("t"), Subject(person=0))
    assert timeline.subjects == (Subject("cam", None, 0),)
    assert others == ["person 1 of cam"]
    assert gaps(rows, Subject(person=0)) == [False, False, False]  # nobody says that frame 3 was
    assert gaps([*rows, seen(3, 3)], Subject(person=0)) == [False, False, True, False]
    assert gaps([*rows, seen(2, 4, person=1)], Subject(person=0)) == [False] * 3
    with pytest.raises(OutputError, match=r"person 0 of cam twice in frame 4.\n.*as face 2 and as face 5"):
        choose([*rows, seen(4, 5, person=0)], Path("t"), Subject(person=0))


def test_an_au_that_occurs_in_one_frame_only_is_shaded():
    times, scores = np.arange(5) / 10, np.array([0.1, 0.5, np.nan, 0.9, 0.6])
    np.testing.assert_allclose(occurrences(times, scores), [(0.05, 0.1), (0.25, 0.2)])


def timeline(length):
    times = np.arange(length + 1.0)
    return Timeline((Subject("cam", 0),), ("AU01",), 0.0, float(length), times, np.full((length + 1, 1), 0.25))


@pytest.fixture(params=[".png", ".svg"])
def picture(request, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra 'plot'")
    path = tmp_path / f"chart{request.param}"
    write(timeline(1), path)
    return path


def test_an_older_picture_is_replaced(picture):
    before = picture.read_bytes()
    write(timeline(2), picture)
    assert picture.read_bytes() != before
    assert is_ours(picture)
    assert list(picture.parent.iterdir()) == [picture]
    if picture.suffix == ".png":
        assert cv2.imread(str(picture)).shape == (214, 1300, 3)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: data[: len(data) // 2] + b"!" + data[len(data) // 2 + 1 :],
        lambda data: data.replace(b"mdhr-edge", b"mdhr-edgy"),
        lambda data: data[:8],
        lambda data: b"\x89PNG\r\n\x1a\n my photo \0\0\0\0IEND\xaeB`\x82",
        lambda data: b"<svg></svg>\n",
        lambda data: b"x",
    ],
)
def test_a_changed_or_other_picture_is_not_overwritten(picture, change):
    changed = change(picture.read_bytes())
    picture.write_bytes(changed)
    with pytest.raises(OutputError, match="not overwritten"):
        write(timeline(2), picture)
    assert picture.read_bytes() == changed
    write(timeline(2), picture, overwrite=True)
    assert is_ours(picture)


def test_a_picture_that_opencv_saved_again_is_another(picture):
    if picture.suffix == ".png":
        cv2.imwrite(str(picture), cv2.imread(str(picture)))
        assert not is_ours(picture)


def test_what_it_is_made_from_is_never_written(picture):
    with pytest.raises(OutputError, match="made from"):
        write(timeline(2), picture, inputs=[picture], overwrite=True)
