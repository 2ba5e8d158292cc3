import csv
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

from mdhr_runtime.cli import main

BLANK = np.zeros((240, 240, 3), np.uint8)


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "au.csv"


def test_a_video_becomes_a_table_and_a_summary(tiny_bundle, write_video, swaying, model, out):
    result = invoke(tiny_bundle, write_video("a.avi", [*swaying, BLANK]), "--out", out, "--provider", "cpu")
    assert result.exit_code == 0, result.output
    rows = read(out)
    assert [int(row["frame"]) for row in rows] == list(range(1, 26))
    assert [row["success"] for row in rows] == ["1"] * 24 + ["0"]
    for au in model.aus:
        assert f"\n{au} " in result.output
        assert all(int(row[f"{au}_c"]) == (float(row[f"{au}_p"]) >= 0.5) for row in rows[:-1])
        assert rows[-1][f"{au}_p"] == rows[-1][f"{au}_c"] == ""
    assert "25 frames in" in result.output
    assert "24 with a face, 1 without" in result.output


def test_the_table_is_named_after_the_video(tiny_bundle, write_video, tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert invoke(tiny_bundle, write_video("smile.avi", [BLANK])).exit_code == 0
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["smile.csv"]


def test_a_video_without_a_face_warns(tiny_bundle, write_video, out):
    result = invoke(tiny_bundle, write_video("a.avi", [BLANK] * 4), "--out", out)
    assert result.exit_code == 0
    assert "warning: there is no face" in result.output
    assert [row["success"] for row in read(out)] == ["0"] * 4


def test_a_video_that_breaks_off_keeps_its_rows(tiny_bundle, write_video, swaying, out):
    path = write_video("a.avi", swaying * 2)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    result = invoke(tiny_bundle, path, "--out", out)
    assert result.exit_code == 1
    assert "breaks off" in result.output
    rows = read(out)
    assert 10 < len(rows) < 30
    assert all(row["success"] == "1" for row in rows)


@pytest.mark.parametrize("missing", ["video", "bundle", "folder"])
def test_bad_paths_end_before_work_and_leave_nothing(tiny_bundle, write_video, tmp_path, missing):
    video = write_video("a.avi", [BLANK])
    arguments = {
        "video": (tiny_bundle, tmp_path / "none.mp4", "--out", tmp_path / "au.csv"),
        "bundle": (tmp_path / "none.mdhr", video, "--out", tmp_path / "au.csv"),
        "folder": (tiny_bundle, video, "--out", tmp_path / "none" / "au.csv"),
    }
    result = invoke(*arguments[missing])
    assert result.exit_code == 1
    assert all(f"\n  {part}: " in result.output for part in ("why", "fix"))
    assert list(tmp_path.iterdir()) == [video]


def test_the_video_cannot_become_its_own_table(tiny_bundle, write_video):
    video = write_video("a.avi", [BLANK])
    before = video.read_bytes()
    result = invoke(tiny_bundle, video, "--out", video)
    assert result.exit_code == 1
    assert video.read_bytes() == before


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_stopped_run_leaves_complete_lines(tiny_bundle, write_video, swaying, out, number, status):
    video = write_video("a.avi", swaying * 40)
    command = [sys.executable, "-c", "from mdhr_runtime.cli import main; main()", tiny_bundle, video, "--out", out]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        while process.poll() is None and not (out.exists() and out.read_text().count("\n") > 3):
            time.sleep(0.02)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == status, output
    assert "Traceback" not in output
    text = out.read_text()
    assert text.endswith("\n")
    assert len({line.count(",") for line in text.splitlines()}) == 1
    assert len(text.splitlines()) < 900


def test_help_and_version_import_nothing_heavy():
    code = """
import sys
from mdhr_runtime.cli import main
try:
    main([sys.argv[1]])
finally:
    print("heavy:", sorted({"cv2", "onnxruntime", "torch"} & set(sys.modules)))
"""
    for option, expected in (("--help", "BUNDLE SOURCE..."), ("--version", "version")):
        done = subprocess.run([sys.executable, "-c", code, option], capture_output=True, text=True, check=True)
        assert expected in done.stdout
        assert "heavy: []" in done.stdout


def test_faces_of_less_than_the_detectors_window_cannot_be_asked_for(tiny_bundle, write_video):
    result = invoke(tiny_bundle, write_video("a.avi", [BLANK]), "--min-face", "5")
    assert result.exit_code == 2
