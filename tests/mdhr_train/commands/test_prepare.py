import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from raw_faces import write_bp4d, write_bp4d_labels, write_disfa, write_image

from mdhr_train.cli import main
from mdhr_train.data.lists import read_fold
from mdhr_train.datasets import DATASETS


def run(*arguments):
    return CliRunner().invoke(main, ["prepare", *map(str, arguments)])


def images_in(out):
    """Contents of all crops by name."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.glob("img*/**/*") if path.is_file()}


@pytest.mark.slow
def test_bp4d_with_gaps_and_unknown_labels(tmp_path):
    raw, out = write_bp4d(tmp_path / "raw"), tmp_path / "out"
    labels = np.ones((6, 12), int)
    labels[:4, 11] = 9
    write_bp4d_labels(raw, "M011", "T1", range(31, 37), labels)
    write_image(raw / "2D+3D/F001/T1/0033.jpg", np.zeros((120, 160, 3), np.uint8))
    (raw / "2D+3D/F001/T1/0036.jpg").unlink()

    result = run("bp4d", raw, out, "--workers", 2)
    assert result.exit_code == 0, result.output
    assert "16 crops of 18 labelled frames" in result.stdout
    assert re.search(r"^F001/T1 +1 +1$", result.stdout, re.MULTILINE)
    assert "AU24      9       4" in result.stdout

    report = json.loads((out / "report.json").read_text())
    differences = report["differences"]
    assert report == {
        "schema": 1,
        "dataset": "bp4d",
        "frames": 18,
        "crops": 16,
        "without_face": {"F001/T1": [33]},
        "without_image": {"F001/T1": [36]},
        "unknown_labels": {"AU24": {"9": 4}},
        "left_out": {},
        "differences": differences,
        "origin": "coded by hand, by FACS coders",
        "findings": {},
    }
    assert [(part["fold"], part["frames"], part["complete"]) for part in differences] == [
        (1, 6, 46034),
        (2, 6, 50182),
        (3, 6, 50631),
    ]
    assert "fold 1 tests on 6 of 46,034; F007: 3,567 fewer, without F007/T2" in result.stdout
    fold = read_fold(out, DATASETS["bp4d"], 1)
    assert [one.numbers.tolist() for one in fold.train] == [[31, 32, 34, 35], [*range(31, 37)]]
    assert (fold.train[1].labels[:4, 11] == 9).all()
    assert len(images_in(out)) == 16

    again = run("bp4d", raw, out)
    assert again.exit_code == 0
    assert "cropping" not in again.stderr
    assert again.stdout == result.stdout


@pytest.mark.slow
def test_disfa_videos(tmp_path):
    raw, out = write_disfa(tmp_path / "raw"), tmp_path / "out"
    result = run("disfa", raw, out, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert "12 crops of 12 labelled frames" in result.stdout
    fold = read_fold(out, DATASETS["disfa"], 3)
    assert [one.name for one in fold.test] == ["SN002"]
    assert fold.test[0].paths[0] == out / "img_o/SN002/SN002_0.png"
    assert fold.test[0].labels.tolist() == [[0] * 8, [0] * 8, [1] * 8, [1] * 8]


@pytest.mark.slow
def test_labels_on_another_disk_and_damaged_videos_left_out(tmp_path):
    raw, out, labels = write_disfa(tmp_path / "raw"), tmp_path / "out", tmp_path / "labels"
    (raw / "ActionUnit_Labels").rename(labels)
    shutil.copytree(labels / "SN002", labels / "SN010")
    for path in [*(labels / "SN010").iterdir()]:
        path.rename(path.with_name(path.name.replace("SN002", "SN010")))
    video = raw / "Videos_LeftCamera/LeftVideoSN002_comp.avi"
    video.with_name("LeftVideoSN010_comp.avi").write_bytes(video.read_bytes()[:100])

    refused = run("disfa", raw, out, "--labels", labels, "--workers", 1)
    assert refused.exit_code == 1
    assert "LeftVideoSN010_comp.avi" in refused.stderr
    assert "fix: " in refused.stderr
    assert "--skip-damaged" in refused.stderr

    result = run("disfa", raw, out, "--labels", labels, "--workers", 1, "--skip-damaged")
    assert result.exit_code == 0, result.output
    assert "12 crops of 12 labelled frames" in result.stdout
    assert re.search(r"^SN010: .*LeftVideoSN010_comp\.avi", result.stdout, re.MULTILINE)
    assert "SN010" in json.loads((out / "report.json").read_text())["left_out"]

    inside = run("disfa", raw, labels / "out", "--labels", labels)
    assert inside.exit_code == 1
    assert "stays as it is" in inside.stderr


@pytest.mark.slow
def test_a_killed_run_goes_on_and_leaves_no_process(tmp_path):
    raw, whole, out = write_bp4d(tmp_path / "raw", frames=24), tmp_path / "whole", tmp_path / "out"
    assert run("bp4d", raw, whole, "--workers", 2).exit_code == 0
    command = [sys.executable, "-c", "from mdhr_train.cli import main; main()", "prepare", "bp4d", raw, out]
    killed = subprocess.Popen([*command, "--workers", "1"], stderr=subprocess.PIPE, start_new_session=True)
    wait_until(lambda: len(images_in(out)) >= 3)
    killed.kill()
    killed.wait()
    wait_until(lambda: not processes_of(killed.pid))
    written = {path: path.stat().st_mtime_ns for path in out.glob("img/*/T1/*.jpg")}
    assert 3 <= len(written) < 72
    assert not (out / "list").exists()
    assert run("bp4d", raw, out, "--workers", 1).exit_code == 0
    assert images_in(out) == images_in(whole)
    assert {path: path.stat().st_mtime_ns for path in written} == written
    for path in (whole / "list").iterdir():
        assert (out / "list" / path.name).read_text() == path.read_text()


@pytest.mark.slow
def test_ctrl_c_ends_soon_and_leaves_whole_crops(tmp_path):
    raw, out = write_bp4d(tmp_path / "raw", frames=60), tmp_path / "out"
    command = [sys.executable, "-c", "from mdhr_train.cli import main; main()", "prepare", "bp4d", raw, out]
    stopped = subprocess.Popen([*command, "--workers", "1"], stderr=subprocess.PIPE, start_new_session=True, text=True)
    wait_until(lambda: len(images_in(out)) >= 3)
    os.killpg(stopped.pid, signal.SIGINT)
    _, told = stopped.communicate(timeout=20)
    assert stopped.returncode == 130
    assert "Traceback" not in told
    wait_until(lambda: not processes_of(stopped.pid))
    assert not [name for name in images_in(out) if "/." in name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bp4d", "raw", "raw"), "raw is not written"),
        (("bp4d", "missing", "out"), "There are no labels in missing"),
        (("disfa", "raw", "out"), "There are no labels in raw"),
        (("bp4d", "raw", "raw/AUCoding/AU_OCC/F001_T1.csv/out"), "cannot be written"),
    ],
)
def test_what_cannot_work_is_refused_in_three_parts(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_bp4d(tmp_path / "raw", frames=1)
    result = run(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "why: " in result.stderr
    assert "fix: " in result.stderr


def test_an_unknown_dataset_is_refused(tmp_path):
    result = run("ck", tmp_path, tmp_path / "out")
    assert result.exit_code == 2
    assert "There is no command 'ck'. The commands are bp4d, disfa, table." in result.stderr


def wait_until(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def processes_of(session):
    """Processes of a session that are still alive."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _parent, _group, its_session, *_ = file.read_text().rpartition(")")[2].split()
            if int(its_session) == session and state != "Z":
                found.append(file.parent.name)
    return found


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("out/notes.txt", "not a whole result"),
        ("out/list/BP4D_train_label_fold1.txt", "not a whole result"),
        ("out/img/F001/T1/31.jpg", "not a whole result"),
    ],
)
def test_a_folder_that_this_command_did_not_make_is_left_alone(tmp_path, name, why):
    raw, mine = write_bp4d(tmp_path / "raw", frames=1), tmp_path / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    result = run("bp4d", raw, tmp_path / "out")
    assert result.exit_code == 1
    assert why in result.stderr
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [mine]
    assert mine.read_text() == "mine"


def test_nothing_is_written_into_the_raw_dataset(tmp_path):
    raw = write_bp4d(tmp_path / "raw", frames=1)
    before = sorted(raw.rglob("*"))
    result = run("bp4d", raw, raw / "prepared")
    assert result.exit_code == 1
    assert "stays as it is" in result.stderr
    assert sorted(raw.rglob("*")) == before


@pytest.mark.slow
def test_a_prepared_dataset_is_prepared_again_unless_something_else_came_in(tmp_path):
    raw, out = write_bp4d(tmp_path / "raw", frames=1), tmp_path / "out"
    assert run("bp4d", raw, out, "--workers", 1).exit_code in (0, 1)  # one frame makes no lists, but the folder
    assert (out / ".prepared").is_dir()
    (out / "notes.txt").write_text("mine")
    result = run("bp4d", raw, out, "--workers", 1)
    assert result.exit_code == 1
    assert "It holds notes.txt, which this program did not write" in result.stderr


def test_the_number_of_processes_follows_the_rule_for_threads(tmp_path, monkeypatch):
    monkeypatch.setenv("MDHR_THREADS", "0")
    result = run("bp4d", write_bp4d(tmp_path / "raw"), tmp_path / "out")
    assert result.exit_code == 1
    assert "error: MDHR_THREADS is '0'" in result.output
    told = " ".join(run("bp4d", "--help").output.split())
    assert "[default: (MDHR_THREADS, or one per core that may be used)" in told
