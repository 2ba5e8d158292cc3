import pytest
from label_forms import ANNA, FORMS, lines, table, told

from mdhr_runtime.errors import ConfigError, DataError, VideoError


def test_videos_and_labels_that_lack_each_other_are_told(read, tmp_path):
    rows = [("anna", 1, 1), ("carla.mp4", 1, 1), ("carla.mp4", 2, 1), ("", 3, 1)]
    own = read(table(tmp_path / "all.csv", "video frame AU12", rows))
    assert [one.name for one in own.recordings] == ["anna/anna"]
    assert told(own, "rows with labels of a video that is not there") == 2
    assert told(own, "rows without a video") == 1
    assert told(own, "videos without labels") == 1
    table(tmp_path / "dora.csv", "frame AU12", [(1, 1)])
    assert told(read(tmp_path), "tables with labels of a video that is not there") == 1


@pytest.mark.parametrize("name", ["night/ben.avi", "ben_2", "benno", "ben.anna"])
def test_a_name_is_not_taken_for_one_that_is_alike(name, read, tmp_path):
    rows = [("anna", 1, 1), (name, 1, 1)]
    assert len(read(table(tmp_path / "all.csv", "video frame AU12", rows)).recordings) == 1


@pytest.mark.parametrize("name", ["night/ben", "ben_2", "ben-02_labels", "benno"])
def test_a_table_is_not_taken_for_that_of_a_name_that_is_alike(name, read, tmp_path):
    table(tmp_path / "anna.csv", "frame AU12", [(1, 1)])
    table(tmp_path / f"{name}.csv", "frame AU12", [(1, 1)])
    own = read(tmp_path)
    assert len(own.recordings) == 1
    assert told(own, "tables with labels of a video that is not there") == 1


def test_videos_of_one_name_are_told_apart_by_their_folders_or_refused(film, read, tmp_path):
    for folder in "ab":
        film(tmp_path / "videos" / folder / "clip.mp4", frames=4)
    path = table(tmp_path / "all.csv", "video frame AU12", [("clip", 1, 1)])
    with pytest.raises(DataError, match=r"a/clip\.mp4 or .*b/clip\.mp4"):
        read(path, root=tmp_path / "videos")
    table(tmp_path / "labels/b/clip.csv", "frame AU12", [(1, 1)])
    assert [one.name for one in read(tmp_path / "labels", root=tmp_path / "videos").recordings] == ["b__clip/b__clip"]
    table(tmp_path / "labels/clip.csv", "frame AU12", [(1, 1)])
    with pytest.raises(DataError, match="is not clear"):
        read(tmp_path / "labels", root=tmp_path / "videos")


def test_one_table_of_another_name_is_taken_for_the_only_video(filmed, read, tmp_path):
    own = read(table(tmp_path / "coding.csv", "frame AU12", [(1, 1)]), root=filmed / ANNA)
    assert own.recordings[0].source == filmed / ANNA
    assert told(own, "taken for the only video") == 1


def test_a_folder_without_videos_is_refused(read, tmp_path):
    with pytest.raises(DataError, match="There are no videos in"):
        read(tmp_path, root=tmp_path)


def test_subjects_come_from_a_column_or_a_pattern_or_are_the_videos(read, truth, tmp_path):
    FORMS["frames from 1"](tmp_path / "plain", truth)
    own = read(tmp_path / "plain")
    assert told(own, "videos taken for a person each") == 2
    own = read(tmp_path / "plain", subjects="(.)n")
    assert [one.name for one in own.recordings] == ["a/anna", "e/ward__ben"]
    rows = [(name, i + 1, who, 1) for name, who in (("anna", "P 1"), ("ben", "P 1")) for i in range(40)]
    lines(tmp_path / "all.csv", ["video", "frame", "Subject", "AU12"], rows)
    own = read(tmp_path / "all.csv")
    assert [one.name for one in own.recordings] == ["P 1/anna", "P 1/ward__ben"]
    with pytest.raises(DataError, match=r"The subject of ward/ben\.avi is not known"):
        read(tmp_path / "plain", subjects="^(anna)")
    for pattern in ("(", "anna", "(a)(b)"):
        with pytest.raises(ConfigError, match="--subjects"):
            read(tmp_path / "plain", subjects=pattern)


def test_a_video_that_cannot_be_opened_is_refused_or_left_out(film, read, tmp_path):
    film(tmp_path / "videos/anna.mp4", frames=4)
    (tmp_path / "videos/ben.mp4").write_bytes(b"not a video")
    path = table(tmp_path / "all.csv", "video frame AU12", [("anna", 1, 1), ("ben", 1, 1)])
    with pytest.raises(VideoError, match=r"ben\.mp4"):
        read(path, root=tmp_path / "videos")
    left_out = {}
    own = read(path, root=tmp_path / "videos", left_out=left_out)
    assert [one.name for one in own.recordings] == ["anna/anna"]
    assert list(left_out) == ["ben.mp4"]
