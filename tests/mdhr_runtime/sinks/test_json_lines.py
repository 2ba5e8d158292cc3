import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rows import CONTEXT, ENVIRONMENT, nobody, result, row

from mdhr_runtime.errors import OutputError
from mdhr_runtime.faces import View
from mdhr_runtime.files import ReaderGone
from mdhr_runtime.sinks import STANDARD_OUTPUT
from mdhr_runtime.sinks.json_lines import JsonLines
from mdhr_runtime.sinks.record import record

WRITE_FOREVER = """
import itertools, sys
from rows import CONTEXT, result, row
from mdhr_runtime.sinks.json_lines import JsonLines
from mdhr_runtime.files import ReaderGone
path = sys.argv[1] if len(sys.argv) > 1 else "-"
try:
    with JsonLines(path, CONTEXT) as file:
        for number in itertools.count(1):
            file.write(result(row(number)))
except ReaderGone:
    sys.exit(141)
"""


OURS = record(row(1), CONTEXT)


def test_a_row_is_an_object(tmp_path):
    path = tmp_path / "au.jsonl"
    with JsonLines(path, CONTEXT) as file:
        file.write(result(row(1, (0.499999, 0.5))))
        file.write(result(nobody(2)))
    face, empty = map(json.loads, path.read_text().splitlines())
    assert face == {
        "source": "cam",
        "frame": 1,
        "timestamp": 0.04,
        "face_id": 0,
        "person": None,
        "final": True,
        "success": True,
        "confidence": 0.988,
        "quality": None,
        "flaws": None,
        "context": 15,
        "box": {"x": 10.0, "y": 20.2, "w": 100.0, "h": 119.8},
        "pose": None,
        "aus": {"AU01": {"score": 0.4999, "occurs": False}, "AU12": {"score": 0.5, "occurs": True}},
    }
    assert empty == {**face, "frame": 2, "timestamp": 0.08, "success": False, "confidence": 0} | dict.fromkeys(
        ("face_id", "context", "box", "aus")
    )


def test_an_older_file_is_replaced_and_another_is_not(tmp_path):
    path = tmp_path / "au.jsonl"
    for number in (1, 2):
        with JsonLines(path, CONTEXT) as file:
            file.write(result(row(number)))
    assert [json.loads(line)["frame"] for line in path.read_text().splitlines()] == [2]


def as_lines(*records):
    return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)


@pytest.mark.parametrize(
    "change",
    [
        lambda record: as_lines({"my": "notes"}),
        lambda record: as_lines(record, record | {"mood": "good"}),
        lambda record: as_lines({key: value for key, value in record.items() if key != "box"}),
        lambda record: as_lines(record | {"frame": "1"}),
        lambda record: as_lines(record | {"aus": {"AU01": 0.5}}),
        lambda record: json.dumps(record) + "\n",
        lambda record: as_lines(record)[:-1],
        lambda record: as_lines(record)[:60] + "\n",
        lambda record: as_lines(record) + "\n",
        lambda record: "[\n" + as_lines(record) + "]\n",
    ],
)
def test_what_is_not_wholly_ours_is_not_overwritten(tmp_path, change):
    path = tmp_path / "au.jsonl"
    path.write_text(as_lines(OURS))
    JsonLines(path, CONTEXT).close()
    path.write_text(text := change(OURS))
    with pytest.raises(OutputError, match="not overwritten"):
        JsonLines(path, CONTEXT)
    assert path.read_text() == text


def test_any_name_and_rows_without_a_face_are_ours(tmp_path):
    for _ in range(2):
        with JsonLines(tmp_path / "au.jsonl", replace(CONTEXT, landmarks=True)) as file:
            view = View(np.full((5, 2), 1.5, np.float32), (0.1, -0.25, 0.0), 1.0, ("dark", "turned"))
            file.write(result(replace(row(1), person=3, view=view)))
            file.write(result(row(1, (0.0, 1.0), source='k\udcfcche "\\"\n')))
            file.write(result(nobody(2)))


def test_the_standard_output_is_one_output():
    first = JsonLines(STANDARD_OUTPUT, CONTEXT)
    try:
        with pytest.raises(OutputError, match="The standard output cannot be written twice"):
            JsonLines(STANDARD_OUTPUT, CONTEXT)
    finally:
        first.close()
    JsonLines(STANDARD_OUTPUT, CONTEXT).close()


def test_head_ends_it_quietly():
    command = f"set -o pipefail; {sys.executable} -c '{WRITE_FOREVER}' | head -n 3"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == ""
    assert [json.loads(line)["frame"] for line in done.stdout.splitlines()] == [1, 2, 3]


def test_a_named_pipe_is_written_like_a_file(tmp_path):
    path = tmp_path / "pipe.jsonl"
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.extend(path.read_text().splitlines()))
    reader.start()
    with JsonLines(path, CONTEXT) as file:
        file.write(result(row(1)))
    reader.join()
    assert json.loads(got[0])["frame"] == 1


def _lines(descriptor):
    with open(descriptor) as pipe:
        return pipe.read().splitlines()


def test_a_pipe_that_does_not_block_loses_nothing(monkeypatch):
    read, write = os.pipe()
    os.set_blocking(write, False)
    monkeypatch.setattr("mdhr_runtime.files.STDOUT_DESCRIPTOR", write)
    got = []
    reader = threading.Thread(target=lambda: got.extend(_lines(read)))
    with JsonLines(STANDARD_OUTPUT, CONTEXT) as file:
        for number in range(1, 1001):
            if number == 200:
                reader.start()
            file.write(result(row(number)))
    os.close(write)
    reader.join()
    assert [json.loads(line)["frame"] for line in got] == list(range(1, 1001))


def test_a_closed_pipe_is_no_error_for_the_user(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setattr("mdhr_runtime.files.STDOUT_DESCRIPTOR", write)
    with JsonLines(STANDARD_OUTPUT, CONTEXT) as file, pytest.raises(ReaderGone):
        file.write(result(row(1)))
    os.close(write)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told():
    with JsonLines("/dev/full", CONTEXT) as file, pytest.raises(OutputError, match="cannot be written"):
        file.write(result(row(1)))


def _size(path):
    with suppress(FileNotFoundError):  # it comes and goes once, when the run checks that it can be written
        return path.stat().st_size
    return 0


def test_a_killed_run_leaves_whole_objects(tmp_path):
    path = tmp_path / "au.jsonl"
    process = subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, path], env=ENVIRONMENT)
    try:
        while process.poll() is None and _size(path) < 20_000:
            time.sleep(0.001)
    finally:
        process.kill()
        process.wait()
    text = path.read_text()
    assert text.endswith("\n")
    assert [json.loads(line)["frame"] for line in text.splitlines()] == list(range(1, text.count("\n") + 1))
