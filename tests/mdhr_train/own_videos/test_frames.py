import numpy as np
import pytest
from label_forms import ANNA, BEN, FPS, of, table, told

from mdhr_runtime.errors import DataError


def faces(path, boxes="x y w h", ids=(0, 1), frames=range(1, 41)):
    place = {"x y w h": lambda i: (10 * i, 5, 20, 30), "x_0 x_1 y_0 y_1": lambda i: (10 * i, 10 * i + 20, 5, 35)}
    rows = [(f, i, *(place[boxes](i) if boxes else ()), i) for f in frames for i in ids]
    return table(path, f"frame face_id {boxes} AU12", rows)


def test_soft_labels_take_scores_then_intensities_then_occurrence(read, tmp_path):
    rows = [(number, 0.25, 3, 1, 1, 0) for number in range(1, 41)]
    path = table(tmp_path / "anna.csv", "frame AU12_p AU12_r AU06_r AU06_c AU04_c", rows)
    own = read(path, soft=True)
    assert own.aus == (4, 6, 12)
    assert own.recordings[0].labels.dtype == np.float32
    assert own.recordings[0].labels[0].tolist() == [0, 0.25, 0.25]
    assert own.origin == "not stated"
    hard = read(path)
    assert hard.recordings[0].labels[0].tolist() == [0, 1, 1]
    assert told(hard, "columns of intensity, which count as occurring from 2 on") == 1


@pytest.mark.parametrize(("least", "expected", "soft"), [(1, 1, 1.0), (2, 1, 0.75), (4, 0, 0.375)])
def test_the_threshold_of_intensities(least, expected, soft, read, tmp_path):
    path = table(tmp_path / "anna.csv", "frame AU12_r", [(number, 3) for number in range(1, 41)])
    assert (read(path, occurs_from=least).recordings[0].labels == expected).all()
    assert (read(path, occurs_from=least, soft=True).recordings[0].labels == np.float32(soft)).all()


def test_unknown_labels_are_unknown_and_frames_without_any_are_left_out(read, tmp_path):
    unknown = ["", "NA", "9", "-1", "NaN", " "]
    rows = [(number, unknown[number] if number < 6 else 1, 0 if number < 6 else 9) for number in range(40)]
    rows[7] = (7, "9", "-1")
    own = read(table(tmp_path / "anna.csv", "frame AU01 AU12", rows))
    (one,) = own.recordings
    assert 8 not in one.numbers
    assert len(one) == 39
    assert (one.labels[:6] == (9, 0)).all()
    assert (one.labels[6:] == (1, 9)).all()
    assert told(own, "frames without a label") == 1


def test_nine_in_a_table_of_another_scale_is_not_taken_for_unknown(read, tmp_path):
    path = table(tmp_path / "anna.csv", "frame AU12", [(number, number) for number in range(1, 41)])
    with pytest.raises(DataError, match=r"34 numbers that are no labels(.|\n)*The first is 6, in line 7"):
        read(path)


@pytest.mark.parametrize("kind", ["_c", "_r", "_p"])
def test_values_beyond_their_scale_are_refused(kind, read, tmp_path):
    path = table(tmp_path / "anna.csv", f"frame AU12{kind}", [(1, 0), (2, 1e300), (3, 1)])
    with pytest.raises(DataError, match="1 numbers that are no labels"):
        read(path)


def test_rows_without_a_face_are_unknown_as_openface_and_we_write_them(read, tmp_path):
    rows = [(i + 1, i / FPS, 0.9, int(i != 3), 0.1, 0) for i in range(40)]
    own = read(table(tmp_path / "anna.csv", "frame timestamp confidence success pose_Rx AU12_c", rows))
    assert 4 not in own.recordings[0].numbers
    assert told(own, "rows in which the program found no face") == 1


def test_two_labels_for_a_frame_hold_where_they_agree(read, tmp_path):
    own = read(table(tmp_path / "anna.csv", "frame AU01 AU12", [(1, 0, 1), (1, 0, 0), (2, 1, 1), (2, 1, 1)]))
    assert own.recordings[0].labels.tolist() == [[0, 9], [1, 1]]
    assert told(own, "labels for a frame or time that has one") == 2
    assert told(own, "that contradict it") == 1


def test_labels_without_a_frame_are_told(read, tmp_path):
    rows = [(i / FPS, 0, 1) for i in range(42)] + [("", 0, 1)]
    own = read(table(tmp_path / "anna.csv", "time AU01 AU12", rows))
    assert len(own.recordings[0]) == 40
    assert told(own, "labels beyond the video") == 2
    assert told(own, "labels without a frame or time") == 1


@pytest.mark.parametrize("column", ["frame", "time"])
def test_labels_of_a_longer_version_are_refused(column, read, tmp_path):
    scale = 1 if column == "frame" else 1 / FPS
    path = table(tmp_path / "anna.csv", f"{column} AU12", [(i * scale, 1) for i in range(80)])
    with pytest.raises(DataError, match=r"do not fit anna.mp4(.|\n)*of 80 lie outside of it") as refused:
        read(path)
    assert "another frame rate" in refused.value.fix


def test_frames_that_are_huge_are_beyond_the_video(read, tmp_path):
    own = read(table(tmp_path / "anna.csv", "frame AU12", [*((i, 1) for i in range(1, 41)), (1e300, 1)]))
    assert told(own, "labels beyond the video") == 1


def test_frames_and_times_that_contradict_each_other_are_refused(read, tmp_path):
    rows = [(i + 1, i / 25, 1) for i in range(40)]  # of a version at 25 frames a second
    path = table(tmp_path / "anna.csv", "frame time AU12", rows)
    with pytest.raises(DataError, match="contradict each other") as refused:
        read(path)
    assert "--frames-from" in refused.value.fix
    assert len(read(path, frames_from=1).recordings[0]) == 40


@pytest.mark.parametrize(("first", "numbers"), [(0, [3, 4]), (1, [2, 3]), (None, [2, 3])])
def test_what_frames_count_from_can_be_said(first, numbers, read, tmp_path):
    own = read(table(tmp_path / "anna.csv", "frame AU12", [(2, 1), (3, 0)]), frames_from=first)
    assert own.recordings[0].numbers.tolist() == numbers


def test_times_beside_frames_tell_what_they_count_from(read, tmp_path):
    path = table(tmp_path / "anna.csv", "frame time AU12", [(i, i / FPS, i % 2) for i in range(5, 40)])
    own = read(path)
    assert own.recordings[0].numbers.tolist() == list(range(6, 41))
    assert told(own, "count frames from 0, as their times say") == 1


def test_a_frame_zero_in_one_table_counts_for_all_that_are_given_with_it(read, tmp_path):
    table(tmp_path / "anna.csv", "frame AU12", [(0, 1), (1, 0)])
    table(tmp_path / "ben.csv", "frame AU12", [(7, 1), (8, 0)])
    assert of(read(tmp_path), BEN).numbers.tolist() == [8, 9]


def test_labels_of_intensities_are_such_in_all_tables_that_are_given_together(read, tmp_path):
    table(tmp_path / "anna.csv", "frame AU12", [(1, 1), (2, 0)])  # that alone would be occurrence
    table(tmp_path / "ben.csv", "frame AU12", [(1, 1), (2, 4)])
    own = read(tmp_path)
    assert of(own, ANNA).labels.ravel().tolist() == [0, 0]
    assert of(own, BEN).labels.ravel().tolist() == [0, 1]


def test_coarse_labels_hold_until_the_next(read, tmp_path):
    own = read(table(tmp_path / "anna.csv", "time AU12", [(i / 5, i % 2) for i in range(10) if i != 5]))
    (one,) = own.recordings
    assert one.numbers.tolist() == [*range(1, 21), *range(25, 41)]
    assert one.labels.ravel()[:8].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert told(own, "frames that hold the label before them") == 27
    rare = read(table(tmp_path / "ben.csv", "frame AU12", [(1, 1), (26, 0), (40, 0)]))
    assert rare.recordings[0].numbers.tolist() == [1, 26, 40]


def test_labels_at_twice_the_rate_of_the_video(read, tmp_path):
    own = read(table(tmp_path / "anna.csv", "time AU12", [(i / 40, int(i % 4 == 0)) for i in range(80)]))
    assert own.recordings[0].labels.ravel().tolist() == [1, 0] * 20
    assert told(own, "labels between two frames") == 40


@pytest.mark.parametrize("boxes", ["x y w h", "x_0 x_1 y_0 y_1"])
def test_several_faces_are_recordings_of_their_own(boxes, read, tmp_path):
    own = read(faces(tmp_path / "anna.csv", boxes))
    assert [(one.name, one.subject) for one in own.recordings] == [
        ("anna/anna.face0", "anna"),
        ("anna/anna.face1", "anna"),
    ]
    assert [one.labels.ravel().tolist() for one in own.recordings] == [[0] * 40, [1] * 40]
    assert own.recordings[1].boxes.tolist() == [[10, 5, 30, 35]] * 40


def test_several_faces_without_boxes_are_refused(read, tmp_path):
    with pytest.raises(DataError, match=r"labels several faces of anna\.mp4") as refused:
        read(faces(tmp_path / "anna.csv", ""))
    assert "x, y, w and h" in refused.value.fix
    rows = [(1, 10, 5, 20, 30, 1), (1, 60, 5, 20, 30, 0)]
    with pytest.raises(DataError, match="no column tells which"):
        read(table(tmp_path / "anna.csv", "frame x y w h AU12", rows))
    rows = [(0, 1, "AU12", "P1"), (0, 1, "AU12", "P2")]
    with pytest.raises(DataError, match=r"codes several people in anna\.mp4"):
        read(table(tmp_path / "anna.csv", "start end code subject", rows))


def test_faces_that_follow_each_other_are_one(read, tmp_path):
    rows = [(f, f // 20, 1) for f in range(1, 41)]
    own = read(table(tmp_path / "anna.csv", "frame face_id AU12", rows))
    assert len(own.recordings) == 1
    assert told(own, "never seen together") == 3


def test_persons_of_one_run_are_people(read, tmp_path):
    rows = [(video, f, person, 1) for video, person in (("anna", 1), ("ben", 1)) for f in (1, 2)]
    own = read(table(tmp_path / "all.csv", "source frame person AU12", rows))
    assert [one.subject for one in own.recordings] == ["1", "1"]


def test_labels_at_the_times_of_a_variable_frame_rate(film, read, tmp_path):
    times = film(tmp_path / "videos/clip.mp4", irregular=True)
    own = read(
        table(tmp_path / "clip.csv", "time AU12", list(zip(times, [0, 1] * 20, strict=True))), root=tmp_path / "videos"
    )
    assert own.recordings[0].numbers.tolist() == [*range(1, 41)]
    assert own.recordings[0].labels.ravel().tolist() == [0, 1] * 20
    own = read(
        table(tmp_path / "e/clip.csv", "start end code", [(times[7], times[30], "AU12")]), root=tmp_path / "videos"
    )
    assert np.flatnonzero(own.recordings[0].labels[:, 0])[[0, -1]].tolist() == [7, 29]


def test_times_that_are_not_there_do_not_say_what_frames_count_from(read, tmp_path):
    own = read(table(tmp_path / "anna.csv", "frame time AU12", [(1, "", 1), (2, "", 0)]))
    assert own.recordings[0].numbers.tolist() == [1, 2]
