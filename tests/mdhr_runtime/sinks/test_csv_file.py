import csv
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rows import CONTEXT, ENVIRONMENT, nobody, result, row

from mdhr_runtime.errors import OutputError
from mdhr_runtime.faces import View
from mdhr_runtime.sinks import SinkContext, table_file
from mdhr_runtime.sinks.csv_file import CsvFile

HEADER = (
    "frame,face_id,timestamp,confidence,success,x,y,w,h,pose_Rx,pose_Ry,pose_Rz,AU01_p,AU12_p,AU01_c,AU12_c,"
    "person,quality,flaws,context,final,source\n"
)
ROW = "1,0,0.0400,0.9877,1,10.0,20.2,100.0,119.8,,,,0.2500,0.5000,0,1,,,,15,1,cam\n"


def test_columns_and_cells(tmp_path):
    path = tmp_path / "au.csv"
    with CsvFile(path, CONTEXT) as file:
        file.write(result(row(1), row(1, face_id=3)))
        file.write(result(nobody(2)))
    assert path.read_bytes().decode() == (
        HEADER + ROW + ROW.replace("1,0,", "1,3,", 1) + "2,,0.0800,0.0000,0,,,,,,,,,,,,,,,,1,cam\n"
    )
    assert file.summary == f"3 rows: {path}"
    with path.open(newline="") as lines:
        assert len({len(cells) for cells in csv.reader(lines)}) == 1


def test_readers_of_py_feat_s_and_openface_s_tables_find_what_both_have(tmp_path):
    """By their rules, as read in py-feat 2.1.5 (`feat.utils.io`) and in OpenFace's page on its output format.

    `read_feat` takes every column with "AU" in its name for an AU, and its mean over all rows: nothing else may have
    these letters, and nobody's frame a number. `read_openface` strips blanks from names and gives the columns that are
    asked for. Points 0 to 67 of OpenFace's are x_0 to x_67: ours, which are others, must not be called so.
    """
    path = tmp_path / "au.csv"
    with CsvFile(path, replace(CONTEXT, landmarks=True)) as file:
        file.write(result(row(1)))
        file.write(result(nobody(2)))
    with path.open(newline="") as lines:
        names, *rows = csv.reader(lines)
    assert [name for name in names if "AU" in name] == ["AU01_p", "AU12_p", "AU01_c", "AU12_c"]
    shared = ["frame", "face_id", "timestamp", "confidence", "success", "pose_Rx", "pose_Ry", "pose_Rz"]
    assert [name for name in names if name in shared] == shared
    assert [name.strip() for name in names] == names
    assert not [name for name in names if name[:2] in ("x_", "y_", "X_", "Y_", "Z_", "p_") or name.endswith("_r")]
    mean = [float(cell) for cells in rows if (cell := cells[names.index("AU01_p")])]
    assert mean == [0.25]


def test_a_provisional_row_says_so(tmp_path):
    with CsvFile(tmp_path / "au.csv", CONTEXT) as file:
        file.write(result(row(1, final=False)))
    assert (tmp_path / "au.csv").read_text().endswith(",15,0,cam\n")


def test_how_a_frame_shows_a_face(tmp_path):
    view = View(np.arange(10, dtype=np.float32).reshape(5, 2), (0.1, -0.25, 0.0), 0.499, ("turned", "small"))
    seen = replace(row(1), person=2, view=view, context=8)
    for _ in range(2):
        with CsvFile(tmp_path / "au.csv", replace(CONTEXT, landmarks=True)) as file:
            file.write(result(seen, replace(seen, face_id=1, scores=None, context=None)))
    with (tmp_path / "au.csv").open(newline="") as lines:
        scored, poor = csv.DictReader(lines)
    common = {
        **{"x": "10.0", "pose_Rx": "0.1000", "pose_Ry": "-0.2500", "pose_Rz": "0.0000", "left_eye_x": "0.0"},
        **{
            "left_eye_y": "1.0",
            "right_mouth_x": "8.0",
            "right_mouth_y": "9.0",
            "person": "2",
            "quality": "0.50",
            "flaws": "turned small",
        },
    }
    assert scored.items() >= (common | {"success": "1", "AU01_p": "0.2500", "AU01_c": "0", "context": "8"}).items()
    assert poor.items() >= (common | dict.fromkeys(("AU01_p", "AU01_c", "context"), "") | {"success": "0"}).items()


@pytest.mark.parametrize("name", ["lab, left", 'the "good" one', "Küche", "two\nlines"])
def test_any_name_of_a_source_comes_back(tmp_path, name):
    with CsvFile(tmp_path / "au.csv", CONTEXT) as file:
        file.write(result(row(1, source=name)))
    with (tmp_path / "au.csv").open(newline="", encoding="utf-8") as lines:
        assert [cells["source"] for cells in csv.DictReader(lines)] == [name]


def test_a_name_that_is_not_utf8_does_no_harm(tmp_path):
    with CsvFile(tmp_path / "au.csv", CONTEXT) as file:
        file.write(result(row(1, source=b"k\xfcche".decode(errors="surrogateescape"))))
    assert (tmp_path / "au.csv").read_text(encoding="utf-8").count("\n") == 2


def test_a_score_below_the_limit_is_never_printed_as_the_limit(tmp_path):
    with CsvFile(tmp_path / "au.csv", CONTEXT) as file:
        file.write(result(row(1, (0.499999, 1.0))))
    assert ",0.4999,1.0000,0,1,," in (tmp_path / "au.csv").read_text()


def test_every_row_is_in_the_file_at_once(tmp_path):
    path = tmp_path / "au.csv"
    with CsvFile(path, CONTEXT) as file:
        assert path.read_text() == HEADER
        for number in (1, 2):
            file.write(result(row(number)))
            assert len(path.read_text().splitlines()) == 1 + number


def test_a_table_is_replaced_when_the_work_starts_not_before(tmp_path):
    path = tmp_path / "au.csv"
    path.write_text(HEADER + ROW)
    file = CsvFile(path, CONTEXT)
    assert path.read_text() == HEADER + ROW
    with file:
        assert path.read_text() == HEADER


def test_checking_leaves_nothing_behind(tmp_path):
    CsvFile(tmp_path / "au.csv", CONTEXT).close()
    assert not list(tmp_path.iterdir())


def test_tables_of_any_size_names_and_aus_are_replaced(tmp_path):
    path = tmp_path / "au.csv"
    with CsvFile(path, SinkContext(("AU07",))) as file:
        file.write(result(row(1, (1.0,), box=(-3.25, 0.0, 1e4, 5.5), source='a "b",\nc\r')))
        for number in range(2, 30_000):
            file.write(result(nobody(number, source="k\udcfcche")))
    assert path.stat().st_size > table_file.BLOCK
    with CsvFile(path, CONTEXT):
        assert path.read_text() == HEADER


NOBODY = "2,,0.0800,0.0000,0,,,,,,,,,,,,,,,,1,cam\n"


@pytest.mark.parametrize(
    "text",
    [
        "day,weather\n",
        HEADER[:-1],
        HEADER.replace("AU01_c", "AU02_c"),
        HEADER.replace(",source", ",source,mood") + ROW.replace("cam\n", "cam,good\n"),
        HEADER + ROW.replace("cam\n", "cam,good\n"),
        HEADER + ROW[:-1],
        HEADER + ROW[:20],
        HEADER + ROW[:20] + "\n" + ROW,
        HEADER + ROW + "\n",
        HEADER + ROW.replace("0.2500", "0,25"),
        HEADER + ROW.replace("0.2500", "0.25"),
        HEADER + ROW.replace(",0,1,,", ",0,2,,"),
        HEADER + NOBODY.replace(",,,1,", ",,1,"),
        "\ufeff" + HEADER + ROW,
        (HEADER + ROW).replace(",", ";"),
        (HEADER + ROW).replace("\n", "\r\n"),
        HEADER + ROW * 10_000 + "my notes\n",
        HEADER + '1,0,"' * 100_000,
    ],
)
def test_what_is_not_wholly_ours_is_not_overwritten(tmp_path, text):
    path = tmp_path / "holiday.csv"
    path.write_bytes(text.encode())
    with pytest.raises(OutputError, match="not overwritten"):
        CsvFile(path, CONTEXT)
    assert path.read_bytes() == text.encode()
    with CsvFile(path, replace(CONTEXT, overwrite=True)):
        assert path.read_text() == HEADER
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["missing/au.csv", ".", "file/au.csv"])
def test_impossible_places_are_refused(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        CsvFile(tmp_path / name, CONTEXT)


def test_closing_twice_is_harmless(tmp_path):
    with CsvFile(tmp_path / "au.csv", CONTEXT) as file:
        file.close()
    file.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told():
    with pytest.raises(OutputError, match="cannot be written") as error, CsvFile("/dev/full", CONTEXT):
        pass
    assert "No space left" in error.value.why


def test_a_disk_that_fills_up_leaves_complete_lines(tmp_path):
    code = f"""
import resource
from rows import CONTEXT, nobody, result
from mdhr_runtime.errors import OutputError
from mdhr_runtime.faces import View
from mdhr_runtime.sinks import SinkContext, table_file
from mdhr_runtime.sinks.csv_file import CsvFile
# After the imports, or Python would write compiled modules that are cut short.
resource.setrlimit(resource.RLIMIT_FSIZE, (400, {resource.RLIM_INFINITY}))
with CsvFile({str(tmp_path / "au.csv")!r}, CONTEXT) as file:
    try:
        for number in range(1, 100):
            file.write(result(nobody(number)))
    except OutputError:
        print("refused at", number)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT)
    lines = (tmp_path / "au.csv").read_text().splitlines(keepends=True)
    assert lines[0] == HEADER
    assert all(line.endswith(",,,,,,,,,,,,,,,,1,cam\n") for line in lines[1:])
    assert done.stdout == f"refused at {len(lines)}\n", done.stderr
