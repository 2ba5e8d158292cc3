import shutil

import numpy as np
import pytest
from raw_faces import faces, write_disfa, write_disfa_labels, write_image

from mdhr_runtime.errors import DataError, VideoError
from mdhr_train.datasets import disfa


@pytest.fixture
def raw(tmp_path):
    return write_disfa(tmp_path)


def test_an_au_occurs_from_intensity_2_and_frame_1_is_number_0(raw):
    recordings = disfa.read(raw)
    assert [one.name for one in recordings] == ["SN002", "SN003", "SN013"]
    assert recordings[0].numbers.tolist() == [0, 1, 2, 3]
    assert recordings[0].labels.tolist() == [[0] * 8, [0] * 8, [1] * 8, [1] * 8]
    found = dict(recordings[0].images())
    assert list(found) == [0, 1, 2, 3]
    assert np.abs(found[2].astype(int) - faces(4)[2]).mean() < 8


def test_images_are_found_by_the_number_at_their_names_end(raw):
    shutil.rmtree(raw / "Videos_LeftCamera")
    for subject in ("SN002", "SN003", "SN013"):
        for number, image in enumerate(faces(4)):
            write_image(raw / "Images" / subject / f"{subject}_{number}.png", image)
    found = dict(disfa.read(raw)[0].images())
    np.testing.assert_array_equal(np.stack([found[number] for number in range(4)]), faces(4))


def test_images_that_count_from_1_are_refused_as_their_labels_would_be_shifted(raw):
    shutil.rmtree(raw / "Videos_LeftCamera")
    for number in (1, 2, 3, 4):
        write_image(raw / "Images" / "SN002" / f"{number:05d}.png", faces(1)[0])
    with pytest.raises(DataError, match="not numbered from 0"):
        disfa.read(raw)


def test_frames_beyond_the_video_s_end_are_left_out(raw):
    write_disfa_labels(raw, "SN002", np.zeros((5, 8), int))
    recording = disfa.read(raw)[0]
    assert len(recording) == 5
    assert [number for number, _ in recording.images()] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "other",
    [
        lambda text: "\ufeff" + text.replace(",", ";").replace("\n", "\r\n") + ";\r\n\r\n",
        lambda text: text.replace(",", "\t").replace("\n", ",0\n"),
        lambda text: text.replace(",", ".0;").replace("\n", ".0\n"),
        lambda text: text.replace(",", " ").rstrip(),
    ],
    ids=["Excel", "tabs and commas", "fractions", "blanks"],
)
def test_labels_that_other_programs_have_written_again(raw, other):
    expected = disfa.read(raw)[0]
    for path in (raw / "ActionUnit_Labels/SN002").iterdir():
        path.write_text(other(path.read_text()))
    assert disfa.read(raw)[0].numbers.tolist() == expected.numbers.tolist()
    assert disfa.read(raw)[0].labels.tolist() == expected.labels.tolist()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: "".join(f"{number},{line}\n" for number, line in enumerate(text.split())), "3 columns"),
        (lambda text: f"V1,V2\n{text}", "Line 1 holds 'V1'"),
        (lambda text: text[:-2], "Line 4 has an empty cell"),
        (lambda text: text.replace(",", ".0;").replace("\n", ",0\n"), "the other decimal mark"),
    ],
    ids=["row numbers", "a header", "torn", "two decimal marks"],
)
def test_labels_that_are_not_certain_are_refused(raw, change, why):
    path = raw / "ActionUnit_Labels/SN002/SN002_au12.txt"
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError) as error:
        disfa.read(raw)
    assert str(path) in error.value.what
    assert why in error.value.why


def test_unknown_labels_are_kept(raw):
    write_disfa_labels(raw, "SN002", np.full((4, 8), 9))
    assert (disfa.read(raw)[0].labels == 9).all()


def test_intensities_out_of_range_are_named(raw):
    intensities = np.zeros((4, 8), int)
    intensities[2, 3] = 6
    folder = write_disfa_labels(raw, "SN002", intensities)
    with pytest.raises(DataError) as error:
        disfa.read(raw)
    assert str(folder / "SN002_au6.txt") in error.value.what
    assert "6, for AU06 in line 3" in error.value.why


def test_label_files_of_unequal_length_are_refused(raw):
    path = raw / "ActionUnit_Labels/SN002/SN002_au12.txt"
    path.write_text("".join(path.read_text().splitlines(True)[:-1]))
    with pytest.raises(DataError, match="different lengths") as error:
        disfa.read(raw)
    assert "AU12 for 3" in error.value.why


def test_a_missing_label_file_is_named(raw):
    (raw / "ActionUnit_Labels/SN002/SN002_au26.txt").unlink()
    with pytest.raises(DataError, match=r"SN002_au26\.txt"):
        disfa.read(raw)


def test_folders_without_labels_are_refused(tmp_path):
    with pytest.raises(DataError, match="no labels"):
        disfa.read(tmp_path)
    (tmp_path / "ActionUnit_Labels").mkdir()
    with pytest.raises(DataError, match="no labels"):
        disfa.read(tmp_path)


def test_a_damaged_video_is_named(raw):
    path = raw / "Videos_LeftCamera/LeftVideoSN002_comp.avi"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(VideoError, match="LeftVideoSN002_comp"):
        list(disfa.read(raw)[0].images())


def test_names_in_any_case_and_doubled_folders(raw):
    expected = disfa.read(raw)
    inner = raw / "ActionUnit_Labels/actionunit_labels"
    inner.mkdir()
    for folder in (raw / "ActionUnit_Labels").glob("SN*"):
        folder.rename(inner / folder.name.lower())
    for path in inner.glob("*/*.txt"):
        path.rename(path.with_name(path.name.replace("au", "AU")))
    (raw / "Videos_LeftCamera").rename(raw / "kept")
    (raw / "videos_leftcamera").mkdir()
    (raw / "kept").rename(raw / "videos_leftcamera/Videos_LeftCamera")
    for path in (raw / "videos_leftcamera/Videos_LeftCamera").iterdir():
        path.rename(path.with_name(path.name.replace("comp.avi", "Comp.AVI").replace("Left", "left")))
    found = disfa.read(raw)
    assert [one.name for one in found] == [one.name for one in expected]
    assert [one.labels.tolist() for one in found] == [one.labels.tolist() for one in expected]
    assert [number for number, _ in found[0].images()] == [0, 1, 2, 3]


@pytest.mark.parametrize("given", ["labels", "labels/ActionUnit_Labels"])
@pytest.mark.parametrize("videos", [".", "Videos_LeftCamera"])
def test_labels_may_lie_on_another_disk(raw, given, videos):
    (raw / "labels").mkdir()
    (raw / "ActionUnit_Labels").rename(raw / "labels/ActionUnit_Labels")
    assert [one.name for one in disfa.read(raw / videos, raw / given)] == ["SN002", "SN003", "SN013"]
    with pytest.raises(DataError, match="no labels"):
        disfa.read(raw / videos)


def test_archives_beside_the_folders_are_no_labels(raw):
    (raw / "ActionUnit_Labels/SN031.zip").touch()
    assert [one.name for one in disfa.read(raw)] == ["SN002", "SN003", "SN013"]


def test_recordings_that_cannot_be_read_are_left_out_if_asked_for(raw):
    (raw / "ActionUnit_Labels/SN003/SN003_au4.txt").unlink()
    left_out = {}
    assert [one.name for one in disfa.read(raw, left_out=left_out)] == ["SN002", "SN013"]
    assert "SN003_au4.txt" in left_out["SN003"]
