import csv
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from rows import CONTEXT, ENVIRONMENT, event, result, row

from mdhr_runtime.errors import OutputError
from mdhr_runtime.sinks import find_file_sink
from mdhr_runtime.sinks.csv_file import CsvFile
from mdhr_runtime.sinks.event_file import EventFile
from mdhr_runtime.sinks.table import EVENT_FILES, SUMMARY_FILES

HEADER = "source,person,face,AU,onset,apex,offset,peak,mean,duration\n"
LINE = "cam,1,0,AU12,0.4000,0.4800,1.0000,0.8999,0.6999,0.6000\n"


def test_columns_and_cells(tmp_path):
    path = tmp_path / "events.csv"
    with EventFile(path, CONTEXT) as file:
        file.write(result(row(1)))
        file.write_event(event())
        file.write_event(replace(event(), source="lab, left", person=None, face_id=3))
    assert path.read_text() == HEADER + LINE + '"lab, left",,3,AU12,0.4000,0.4800,1.0000,0.8999,0.6999,0.6000\n'
    assert file.summary == f"2 events: {path}"


def test_an_event_is_in_the_file_at_once(tmp_path):
    path = tmp_path / "events.csv"
    with EventFile(path, CONTEXT) as file:
        assert path.read_text() == HEADER
        file.write_event(event())
        assert path.read_text() == HEADER + LINE


def test_a_table_of_ours_is_replaced(tmp_path):
    path = tmp_path / "events.csv"
    for _ in range(2):
        with EventFile(path, CONTEXT) as file:
            assert path.read_text() == HEADER
            file.write_event(replace(event(), source='a "b",\nc\r', person=None))
            file.write_event(replace(event(), source="k\udcfcche"))
    with path.open(newline="", encoding="utf-8") as lines:
        assert [cells["source"] for cells in csv.DictReader(lines)] == ['a "b",\nc\r', r"k\udcfcche"]


@pytest.mark.parametrize(
    "text", [HEADER + LINE[:-1], HEADER + LINE.replace("0.4000", "0.4"), HEADER + LINE + "x\n", HEADER[:-1], "day\n"]
)
def test_what_is_not_wholly_ours_stays(tmp_path, text):
    path = tmp_path / "events.csv"
    path.write_text(text)
    with pytest.raises(OutputError, match="not overwritten"):
        EventFile(path, CONTEXT)
    assert path.read_text() == text
    EventFile(path, replace(CONTEXT, overwrite=True)).close()


def test_a_table_of_rows_and_one_of_events_do_not_replace_each_other(tmp_path):
    with CsvFile(tmp_path / "rows.csv", CONTEXT) as rows, EventFile(tmp_path / "events.csv", CONTEXT):
        rows.write(result(row(1)))
    for kind, name in ((CsvFile, "events.csv"), (EventFile, "rows.csv")):
        with pytest.raises(OutputError, match="not overwritten"):
            kind(tmp_path / name, CONTEXT)


def test_a_run_that_is_killed_leaves_whole_lines(tmp_path):
    path = tmp_path / "events.csv"
    code = f"""
import itertools
from rows import CONTEXT, event
from mdhr_runtime.sinks.event_file import EventFile
with EventFile({str(path)!r}, CONTEXT) as file:
    for number in itertools.count(1):
        file.write_event(event())
        if number == 50:
            print("ready", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.02)
    finally:
        process.kill()
        process.communicate()
    lines = path.read_text().splitlines(keepends=True)
    assert len(lines) > 50
    assert lines == [HEADER] + [LINE] * (len(lines) - 1)


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        (EVENT_FILES, {"a.csv": "EventFile", "A.EAF": "ElanFile"}),
        (SUMMARY_FILES, {"a.CSV": "SummaryFile", "a.parquet": "SummaryParquet"}),
    ],
)
def test_a_suffix_chooses_the_kind(kinds, names):
    for name, kind in names.items():
        assert find_file_sink(name, kinds).__name__ == kind
    for name in ("a.txt", "a", "", "-", "mqtt://me:secret@host/a.csv"):
        with pytest.raises(OutputError, match="is no file of a kind") as error:
            find_file_sink(name, kinds)
        assert "secret" not in str(error.value)
        assert all(suffix in error.value.fix for suffix in kinds)
