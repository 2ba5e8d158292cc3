import re

import pytest
from label_forms import FORMS, table, told

from mdhr_runtime.errors import DataError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "It is empty."),
        ("frame,AU12\n", "It has no rows."),
        ("frame|AU12\n1|0\n", "Its columns are 'frame|AU12'; only commas, semicolons, tabs and blanks part cells"),
        ("frame,AU12\n1,0\n2,0,1\n", "Line 3 has 3 cells"),
        ("frame,AU12\n1,x\n", "'x', and that is no number"),
        ("frame,AU12,au_12\n1,0,1\n", "'AU12' and 'au_12' mean the same, and differ"),
        ("frame,frame,AU12\n1,2,1\n", "'frame' and 'frame' mean the same, and differ"),
        ("frame,smile\n1,0\n", "Its columns are 'frame', 'smile'"),
        ("AU12\n1\n", "Its columns are 'AU12'"),
        ("time;AU12\n0,05;0\n0.1;0\n", "the other decimal mark"),
        ("time,AU12\n1:75,0\n", "no time"),
        ("frame,AU12\n1.5,0\n", "holds broken numbers"),
        ("start,end,code\n1,2,smile\n", "1 events of which no code of an AU can be read"),
        ("frame,AU12\n1,9\n", "No label of a video"),
        ("frame,AU99\n1,1\n", "columns of AUs that are not known"),
    ],
)
def test_what_is_no_table_of_labels_is_refused(text, words, read, tmp_path):
    path = tmp_path / "anna.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=re.escape(words)) as refused:
        read(path)
    assert refused.value.fix


def test_files_of_a_folder_that_are_no_labels_are_told(read, truth, tmp_path):
    FORMS["frames from 1"](tmp_path, truth)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "notes.txt").write_text("name,age\nanna,33\n")
    own = read(tmp_path)
    assert len(own.recordings) == 2
    assert told(own, "files without labels, passed over") == 2
    (tmp_path / "carla.csv").write_text("frame,AU12\n1,x\n")
    with pytest.raises(DataError, match="that is no number"):
        read(tmp_path)


def test_the_same_columns_twice_are_one(read, tmp_path):
    own = read(table(tmp_path / "anna.csv", "frame frame AU12 AU12 AU12.1", [(1, 1, 1, 1, 0), (2, 2, 0, 0, 0)]))
    assert own.recordings[0].labels.ravel().tolist() == [1, 0]
    assert told(own, "not understood") == 1


def test_names_that_are_not_utf8_are_read_as_windows_writes_them(film, read, tmp_path):
    film(tmp_path / "videos/Zoë.mp4", frames=4)
    path = table(tmp_path / "all.csv", "video frame AU12", [("Zoë", 1, 1), ("Zoë", 2, 0)], encoding="cp1252")
    own = read(path, root=tmp_path / "videos")
    assert own.recordings[0].name == "Zoë/Zoë"
