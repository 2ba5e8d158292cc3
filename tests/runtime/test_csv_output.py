import csv
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mdhr_runtime.analysis import Row
from mdhr_runtime.csv_output import CsvWriter, check_writable
from mdhr_runtime.errors import OutputError

AUS = ("AU01", "AU12")
HEADER = "frame,face_id,timestamp,confidence,success,x,y,w,h,AU01_p,AU12_p,AU01_c,AU12_c\n"


def row(frame, scores=(0.25, 0.5)):
    scores = np.array(scores, np.float32)
    return Row(frame, frame / 25, confidence=0.987654, box=(10, 20.25, 110, 140), scores=scores)


def test_columns_and_cells(tmp_path):
    path = tmp_path / "au.csv"
    with CsvWriter(path, AUS) as file:
        file.write(row(1))
        file.write(Row(2, 0.08))
    assert path.read_bytes().decode() == (
        HEADER + "1,0,0.040,0.988,1,10.0,20.2,100.0,119.8,0.2500,0.5000,0,1\n2,0,0.080,0.000,0,,,,,,,,\n"
    )
    with path.open(newline="") as file:
        assert len({len(cells) for cells in csv.reader(file)}) == 1


def test_a_score_below_the_limit_is_never_printed_as_the_limit(tmp_path):
    with CsvWriter(tmp_path / "au.csv", AUS) as file:
        file.write(row(1, (0.499999, 1.0)))
    assert (tmp_path / "au.csv").read_text().endswith(",0.4999,1.0000,0,1\n")


def test_every_row_is_in_the_file_at_once(tmp_path):
    path = tmp_path / "au.csv"
    with CsvWriter(path, AUS) as file:
        assert path.read_text() == HEADER
        for number in (1, 2):
            file.write(row(number))
            assert len(path.read_text().splitlines()) == 1 + number


def test_a_table_is_replaced_when_the_work_starts_not_before(tmp_path):
    path = tmp_path / "au.csv"
    path.write_text(HEADER + "old\n")
    check_writable(path)
    assert path.read_text() == HEADER + "old\n"
    with CsvWriter(path, AUS):
        assert path.read_text() == HEADER


def test_checking_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "au.csv")
    assert not list(tmp_path.iterdir())


def test_other_files_are_not_overwritten(tmp_path):
    path = tmp_path / "holiday.mp4"
    path.write_bytes(b"\0\0\0 ftypisom")
    with pytest.raises(OutputError, match="not overwritten"):
        check_writable(path)
    assert path.read_bytes() == b"\0\0\0 ftypisom"


@pytest.mark.parametrize("name", ["missing/au.csv", ".", "file/au.csv"])
def test_impossible_places_are_refused(tmp_path, name):
    (tmp_path / "file").touch()
    for attempt in (check_writable, lambda path: CsvWriter(path, AUS)):
        with pytest.raises(OutputError, match="cannot be written"):
            attempt(tmp_path / name)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told():
    with pytest.raises(OutputError, match="cannot be written") as error:
        CsvWriter(Path("/dev/full"), AUS)
    assert "No space left" in error.value.why


def test_a_disk_that_fills_up_leaves_complete_lines(tmp_path):
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (200, {resource.RLIM_INFINITY}))
from pathlib import Path
from mdhr_runtime.analysis import Row
from mdhr_runtime.csv_output import CsvWriter
from mdhr_runtime.errors import OutputError
with CsvWriter(Path({str(tmp_path / "au.csv")!r}), {AUS!r}) as file:
    try:
        for number in range(1, 100):
            file.write(Row(number, number / 25))
    except OutputError:
        print("refused at", number)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = (tmp_path / "au.csv").read_text().splitlines(keepends=True)
    assert lines[0] == HEADER
    assert all(line.endswith(",,,,,,,,\n") for line in lines[1:])
    assert done.stdout == f"refused at {len(lines)}\n"
