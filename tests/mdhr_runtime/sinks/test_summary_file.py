import csv
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from rows import CONTEXT, ENVIRONMENT, event

from mdhr_runtime.au_events import AuEvents, EventRule
from mdhr_runtime.errors import OutputError
from mdhr_runtime.results import FrameResult, Row, SourceInfo
from mdhr_runtime.sinks.summary_file import SummaryFile, SummaryParquet

HEADER = "source,person,face,AU,seconds_seen,share,events,rate_per_minute,mean_duration,mean,sd\n"
RUN = replace(CONTEXT, sources=(SourceInfo("cam", 4.0, True), SourceInfo("b", 4.0, True)))
NO_IMAGE = np.empty((0, 0, 3), np.uint8)


def frame(number, faces, source="cam", follows=True, final=True):
    """A frame at 4 frames/s: (scores, person) by face."""
    start = (source, number, number / 4)
    rows = [
        Row(*start, face_id, scores=scores and np.array(scores, np.float32), person=person)
        for face_id, (scores, person) in faces.items()
    ]
    return FrameResult(*start, NO_IMAGE, tuple(rows) or (Row(*start),), final, follows)


def lines(path, frames, context=RUN):
    """The lines of a run as it makes them, by person, face and AU of "cam", the empty cells left out."""
    found = AuEvents(context.aus, EventRule())
    with SummaryFile(path, context) as file:
        for each in frames:
            file.write(each)
            for one in found.add(each):
                file.write_event(one)
        for one in found.end():
            file.write_event(one)
    with path.open(newline="") as text:
        cells = list(csv.DictReader(text))
    return {
        tuple(line.pop(name) for name in ("person", "face", "AU")): {name: cell for name, cell in line.items() if cell}
        for line in cells
        if line.pop("source") == "cam"
    }


def test_the_figures_by_hand(tmp_path):
    path = tmp_path / "summary.csv"
    scores = [(0.75, 0.0), (0.25, 0.0), (1.0, 0.0), None, (0.5, 0.0)]
    found = lines(path, [frame(number, {0: (each, None)}) for number, each in enumerate(scores)])
    assert path.read_text().startswith(HEADER)
    # Four frames with scores, each a quarter of a second; three events, of one frame each, in one second.
    assert found == {
        ("", "0", "AU01"): {
            "seconds_seen": "1.0000",
            "share": "0.7500",
            "events": "3",
            "rate_per_minute": "180.0000",
            "mean_duration": "0.2500",
            "mean": "0.6250",
            "sd": "0.3227",
        },
        ("", "0", "AU12"): {
            "seconds_seen": "1.0000",
            "share": "0.0000",
            "events": "0",
            "rate_per_minute": "0.0000",
            "mean": "0.0000",
            "sd": "0.0000",
        },
    }
    assert float(np.std([0.75, 0.25, 1, 0.5], ddof=1)) == pytest.approx(0.32275, abs=1e-5)


def test_the_faces_of_a_person_are_taken_together(tmp_path):
    frames = [
        frame(0, {0: ((0.75, 0), None), 1: ((0.25, 0), 5)}),
        frame(1, {0: ((0.75, 0), 3), 1: ((0.25, 0), 5)}),
        frame(2, {}),
        frame(3, {2: ((0.0, 0), 3)}),
        frame(4, {2: ((0.5, 0), 3)}),
        frame(4, {0: ((0.9, 0), 3)}, source="b"),
    ]
    found = lines(tmp_path / "summary.csv", frames)
    whose = [("3", "0"), ("5", "1"), ("3", "2"), ("3", ""), ("5", "")]
    assert list(found)[::2] == [(*one, "AU01") for one in whose]
    person, first, second = (found["3", face, "AU01"] for face in ("", "0", "2"))
    assert [float(each["seconds_seen"]) for each in (person, first, second)] == [1.0, 0.5, 0.5]
    assert [float(each["share"]) for each in (person, first, second)] == [0.75, 1.0, 0.5]
    assert [int(each["events"]) for each in (person, first, second)] == [2, 1, 1]
    assert [float(each["mean_duration"]) for each in (person, first, second)] == [0.375, 0.5, 0.25]
    assert [float(each["mean"]) for each in (person, first, second)] == [0.5, 0.75, 0.25]
    assert float(person["sd"]) == pytest.approx(np.std([0.75, 0.75, 0, 0.5], ddof=1), abs=1e-4)


def test_co_occurrence_of_pairs(tmp_path):
    scores = [(0.75, 0.75), (0.75, 0.25), (0.25, 0.75), (0.25, 0.25)]
    frames = [frame(number, {0: (each, 2)}) for number, each in enumerate(scores)]
    found = lines(tmp_path / "summary.csv", frames, replace(RUN, co_occurrence=True))
    assert list(found)[2::3] == [("2", "0", "AU01+AU12"), ("2", "", "AU01+AU12")]
    assert found["2", "0", "AU01+AU12"] == found["2", "", "AU01+AU12"]
    assert found["2", "0", "AU01+AU12"] == {"seconds_seen": "1.0000", "share": "0.2500"}


def test_a_gap_is_not_seen(tmp_path):
    face = {0: ((0.75, 0), None)}
    frames = [frame(0, face), frame(1, face), frame(4, face, follows=False), frame(40, face)]
    assert lines(tmp_path / "summary.csv", frames)["", "0", "AU01"]["seconds_seen"] == "1.0000"


def test_a_single_picture_has_scores_and_no_time(tmp_path):
    found = lines(tmp_path / "summary.csv", [frame(0, {0: ((0.75, 0.99999), None)})])
    assert found["", "0", "AU01"] == {"seconds_seen": "0.0000", "share": "1.0000", "events": "0", "mean": "0.7500"}
    assert found["", "0", "AU12"]["mean"] == "0.9999"


def test_provisional_results_do_not_count(tmp_path):
    assert lines(tmp_path / "summary.csv", [frame(0, {0: ((0.75, 0), None)}, final=False)]) == {}
    assert (tmp_path / "summary.csv").read_text() == HEADER


def test_the_table_comes_at_the_end_whatever_that_is(tmp_path):
    path = tmp_path / "summary.csv"

    def stopped_run():
        with SummaryFile(path, RUN) as file:
            file.write(frame(0, {0: ((0.75, 0), 1)}))
            file.write_event(event())
            assert not path.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_run()
    assert len(path.read_text().splitlines()) == 5
    assert list(tmp_path.iterdir()) == [path]


def test_checking_leaves_nothing_and_closing_twice_is_harmless(tmp_path):
    SummaryFile(tmp_path / "summary.csv", RUN).close()
    assert not list(tmp_path.iterdir())
    with SummaryFile(tmp_path / "summary.csv", RUN) as file:
        file.write(frame(0, {0: ((0.75, 0), 1)}))
    file.close()
    assert file.summary == f"1 faces: {tmp_path / 'summary.csv'}"


def test_ours_is_replaced_and_nothing_else(tmp_path):
    path = tmp_path / "summary.csv"
    context = replace(RUN, co_occurrence=True)
    for _ in range(2):
        lines(path, [frame(0, {0: ((0.75, 0), 1)})], context)
    path.write_text(path.read_text() + "my notes\n")
    with pytest.raises(OutputError, match="not overwritten"):
        SummaryFile(path, RUN)
    with pytest.raises(OutputError, match="is what the results are made from"):
        SummaryFile(path, replace(RUN, inputs=(path,)))
    SummaryFile(path, replace(RUN, overwrite=True)).close()


def test_a_place_that_takes_no_file_is_refused_at_once(tmp_path):
    for place in (tmp_path / "missing" / "a.csv", "/dev/null"):
        with pytest.raises(OutputError, match="cannot be written"):
            SummaryFile(place, RUN)


def test_a_disk_that_is_full_leaves_the_older_table(tmp_path):
    path = tmp_path / "summary.csv"
    lines(path, [frame(0, {0: ((0.75, 0), 1)})])
    before = path.read_text()
    code = f"""
import resource, signal
from rows import CONTEXT
from mdhr_runtime.sinks.summary_file import SummaryFile, SummaryParquet
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = SummaryFile({str(path)!r}, CONTEXT)
resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))
with file:
    pass
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT)
    assert "OutputError" in done.stderr
    assert "too large" in done.stderr
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_parquet_file_has_the_same_figures_and_columns_of_the_caller(tmp_path):
    import pyarrow.parquet as pq

    frames = [frame(number, {0: ((score, 0.0), 3)}) for number, score in enumerate((0.75, 0.25, 1.0))]
    constants = {"source": (str, "s3://b/x.mp4"), "id": (str, "x"), "age": (float, 0.1), "note": (str, None)}
    context = replace(RUN, constants=constants)
    path = tmp_path / "summary.parquet"
    with SummaryFile(tmp_path / "summary.csv", RUN) as text, SummaryParquet(path, context) as file:
        for each in frames:
            text.write(each)
            file.write(each)
    table = pq.read_table(path)
    assert table.column_names == [*HEADER.strip().split(","), "id", "age", "note"]
    with (tmp_path / "summary.csv").open(newline="") as lines:
        expected = list(csv.DictReader(lines))
    assert len(expected) == table.num_rows == 2 * len(context.aus)  # the face's, and its person's
    for cells, row in zip(expected, table.to_pylist(), strict=True):
        assert {name: row.pop(name) for name in constants} == {
            "source": "s3://b/x.mp4",
            "id": "x",
            "age": 0.1,
            "note": None,
        }
        del cells["source"]
        for name, cell in cells.items():
            value = row[name]
            assert (
                value is None
                if cell == ""
                else value == (cell if name == "AU" else pytest.approx(float(cell), abs=1e-4))
            )
    with pytest.raises(OutputError, match="not overwritten"):  # it has columns of others
        SummaryParquet(path, RUN)


def test_a_parquet_file_of_others_is_not_replaced(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "summary.parquet"
    pq.write_table(pa.table({"source": ["a"]}), path)
    with pytest.raises(OutputError, match="not overwritten"):
        SummaryParquet(path, RUN)
    path.unlink()
    for _ in range(2):  # its own is
        with SummaryParquet(path, RUN) as file:
            file.write(frame(1, {0: ((0.5, 0.0), None)}))
    assert pq.read_metadata(path).num_rows == len(RUN.aus)
