import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from camera_server import HttpCamera, SilentServer, free_port, wait_for
from click.testing import CliRunner

from mdhr_runtime.cli.run import main

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
    shutil.move(write_video("smile.avi", [BLANK]), "smile.avi")
    assert invoke(tiny_bundle, "smile.avi").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["smile.avi", "smile.avi.csv"]


def test_a_video_without_a_face_warns(tiny_bundle, write_video, out):
    result = invoke(tiny_bundle, write_video("a.avi", [BLANK] * 4), "--out", out)
    assert result.exit_code == 0
    assert "warning: there is no face in a.avi. All frames are dark" in result.output
    assert [row["success"] for row in read(out)] == ["0"] * 4


def test_a_video_on_its_side_has_no_scores_and_is_told_how_to_turn(tiny_bundle, write_video, swaying, out):
    lying = [np.ascontiguousarray(np.rot90(image, -1)) for image in swaying[:9]]
    result = invoke(tiny_bundle, write_video("a.avi", [*lying, swaying[9]]), "--out", out)
    assert result.exit_code == 0
    assert "of 10 frames of a.avi show a face on its side or upside down, which is not scored" in result.output
    assert "give --rotate 270" in result.output
    assert [row["success"] for row in read(out)] == ["0"] * 9 + ["1"]
    result = invoke(tiny_bundle, write_video("b.avi", lying), "--out", out)
    assert "No face was found in the first 9 frames. Turned by 270 degrees, 2 of 2 frames tried" in result.output
    assert "there is no face" not in result.output


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_stopped_run_leaves_complete_lines(tiny_bundle, write_video, swaying, out, number, status):
    video = write_video("a.avi", swaying * 40)
    command = [sys.executable, "-c", "from mdhr_runtime.cli.run import main; main()", tiny_bundle, video, "--out", out]
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
from mdhr_runtime.cli.run import main
try:
    main([sys.argv[1]])
finally:
    print("heavy:", sorted({"cv2", "onnxruntime", "openvino", "torch"} & set(sys.modules)))
"""
    for option, expected in (("--help", "BUNDLE SOURCE..."), ("--version", "version")):
        done = subprocess.run([sys.executable, "-c", code, option], capture_output=True, text=True, check=True)
        assert expected in done.stdout
        assert "heavy: []" in done.stdout


def test_faces_of_less_than_the_detectors_window_cannot_be_asked_for(tiny_bundle, write_video):
    result = invoke(tiny_bundle, write_video("a.avi", [BLANK]), "--min-face", "5")
    assert result.exit_code == 2


def test_threads_are_told_as_they_are_given(tiny_bundle, write_video, out, monkeypatch):
    monkeypatch.setenv("MDHR_THREADS", "3")
    command = (tiny_bundle, write_video("a.avi", [BLANK]), "--out", out, "--provider", "cpu")
    assert "3 threads;" in invoke(*command).output
    assert "2 threads;" in invoke(*command, "--threads", 2).output


def test_a_precision_is_tried_once_and_told(tiny_bundle, write_video, out, tmp_path, monkeypatch):
    pytest.importorskip("openvino", reason="needs OpenVINO: pip install '.[openvino]'")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = (tiny_bundle, write_video("a.avi", [BLANK]), "--out", out, "--threads", 1, "--precision")
    result = invoke(*command, "auto")
    assert result.exit_code == 0, result.output
    assert "trying cpu float32\ntrying openvino float32\n" in result.output
    assert "; tried here: cpu float32: " in result.output
    again = invoke(*command, "auto").output
    assert "trying" not in again
    assert "; tried here: cpu float32: " in again
    refused = invoke(*command, "int4")
    assert refused.exit_code == 1
    assert "error: There is no precision 'int4'." in refused.output


@pytest.mark.parametrize("number", ["0", "many", "1025"])
def test_nonsense_as_threads_is_refused_in_three_parts(tiny_bundle, write_video, out, number):
    result = invoke(tiny_bundle, write_video("a.avi", [BLANK]), "--out", out, "--threads", number)
    assert result.exit_code == 1
    assert f"error: The option threads is '{number}'" in result.output
    assert "why: It takes a whole number" in result.output
    assert "fix: " in result.output
    assert not out.exists()


def start(*arguments, **settings):
    command = [sys.executable, "-c", "from mdhr_runtime.cli.run import main; main()", *map(str, arguments)]
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | settings
    return subprocess.Popen(command, **settings)


def test_help_shows_the_options_in_sections():
    text = invoke("--help").output
    positions = [text.index(title) for title in ("Results:", "Faces:", "Sources:", "Running:")]
    assert positions == sorted(positions)


def test_several_sources_and_outputs(tiny_bundle, write_video, swaying, tmp_path):
    videos = [write_video("a.avi", swaying[:10]), write_video("b.avi", [*swaying[3:9], BLANK])]
    table, lines = tmp_path / "au.csv", tmp_path / "au.jsonl"
    result = invoke(tiny_bundle, *videos, "--out", table, "--out", lines, "--provider", "cpu")
    assert result.exit_code == 0, result.output
    rows = read(table)
    assert [row["frame"] for row in rows if row["source"] == "a.avi"] == [str(n) for n in range(1, 11)]
    assert [row["success"] for row in rows if row["source"] == "b.avi"] == ["1"] * 6 + ["0"]
    assert len(lines.read_text().splitlines()) == 17
    assert result.output.index("a.avi\n") < result.output.index("10 frames in") < result.output.index("b.avi\n")
    assert "7 frames in" in result.output


@pytest.mark.slow
def test_a_file_has_the_same_rows_alone_and_with_others(tiny_bundle, write_video, swaying, tmp_path):
    videos = [write_video(f"{name}.avi", swaying[index:]) for index, name in enumerate("abcd")]
    alone, together = tmp_path / "alone.csv", tmp_path / "together.csv"
    assert invoke(tiny_bundle, videos[0], "--out", alone).exit_code == 0
    assert invoke(tiny_bundle, *videos, "--out", together).exit_code == 0
    wanted, found = read(alone), [row for row in read(together) if row["source"] == "a.avi"]
    assert len(found) == len(wanted) == 24
    for one, other in zip(wanted, found, strict=True):
        for column, value in one.items():
            if column.endswith("_p"):
                assert float(other[column]) == pytest.approx(float(value), abs=1.1e-4)  # of four printed digits
            elif not column.endswith("_c"):
                assert other[column] == value


def test_provisional_rows_are_followed_by_final_ones(tiny_bundle, write_video, swaying, out):
    assert invoke(tiny_bundle, write_video("a.avi", swaying[:9]), "--out", out, "--provisional").exit_code == 0
    rows = read(out)
    for final in "01":
        assert [row["frame"] for row in rows if row["final"] == final] == [str(n) for n in range(1, 10)]


@pytest.mark.slow
def test_rows_on_stdout_leave_the_summary_to_stderr(tiny_bundle, write_video, swaying):
    process = start(tiny_bundle, write_video("a.avi", swaying[:9]), "--out", "-")
    output, messages = process.communicate(timeout=60)
    assert process.returncode == 0, messages
    assert [json.loads(line)["frame"] for line in output.splitlines()] == list(range(1, 10))
    assert "9 frames in" in messages


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_ends_the_run_quietly(tiny_bundle, write_video, swaying, out):
    process = start(tiny_bundle, write_video("a.avi", swaying * 40), "--out", "-", "--out", out)
    try:
        assert json.loads(process.stdout.readline())["frame"] == 1
        process.stdout.close()
        messages = process.stderr.read()
        assert process.wait(60) == 128 + signal.SIGPIPE
    finally:
        process.kill()
    assert "Traceback" not in messages
    assert "error" not in messages
    assert out.read_text().endswith("\n")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told_and_the_other_outputs_are_kept(tiny_bundle, write_video, swaying, out):
    with open("/dev/full", "w") as full:
        process = start(tiny_bundle, write_video("a.avi", swaying * 4), "--out", out, "--out", "-", stdout=full)
        messages = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "No space left" in messages
    assert "Traceback" not in messages
    assert out.read_text().endswith("\n")


@pytest.mark.slow
def test_a_camera_that_never_delivers_is_told_and_the_others_go_on(tiny_bundle, write_video, swaying, out):
    server = SilentServer()
    camera = f"http://127.0.0.1:{server.port}/video"
    result = invoke(tiny_bundle, write_video("a.avi", swaying), camera, "--out", out, "--timeout", "1")
    server.close()
    assert result.exit_code == 1
    assert "delivers no frames" in result.output
    assert len(read(out)) == 24


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_camera_runs_until_it_is_stopped(tiny_bundle, swaying, out, number, status):
    camera = HttpCamera(swaying, free_port())
    process = start(tiny_bundle, camera.url, "--out", out)
    try:
        wait_for(lambda: out.exists() and out.read_text().count("\n") > 10, 60)
        process.send_signal(number)
        messages = process.communicate(timeout=30)[1]
    finally:
        process.kill()
        camera.close()
    assert process.returncode == status
    assert "Traceback" not in messages
    assert {row["source"] for row in read(out)} == {f"127.0.0.1:{camera.port}/video"}


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (("--overlay", "x.csv"), "Write --out x.csv."),
        (("--overlay", "ws://me:SECRET@host:1"), "Write --publish ws://host:1."),
        (("--overlay", "x.avi"), "Give --overlay a file for a video, such as au.mp4."),
        (("--overlay", "-"), "Write --out -."),
        (("--overlay", ""), "Give --overlay a file for a video, such as au.mp4."),
        (("--out", "x.mp4"), "Write --overlay x.mp4."),
        (("--overlay", "tables/"), "Give --overlay a file for a video, such as au.mp4."),
        (("--out", "MQTT://host/topic"), "Write --publish mqtt://host/topic."),
        (("--publish", "x.parquet"), "Write --out x.parquet."),
        (("--out", "au.csv", "--publish", "x.mp4"), "Write --overlay x.mp4."),
    ],
)
def test_an_option_takes_its_own_kinds_only(tiny_bundle, write_video, monkeypatch, tmp_path, arguments, fix):
    monkeypatch.chdir(tmp_path)
    video = write_video("a.avi", [BLANK])
    result = invoke(tiny_bundle, video, *arguments)
    assert result.exit_code == 1
    assert f"  fix: {fix}\n" in result.output
    assert "SECRET" not in result.output
    assert list(tmp_path.iterdir()) == [video]


def test_arguments_in_the_wrong_order_are_recognised(tiny_bundle, write_video):
    result = invoke(write_video("a.avi", [BLANK]), tiny_bundle)
    assert result.exit_code == 1
    assert f"{tiny_bundle} is no source.\n  why: It is a bundle.\n  fix: Name it first" in result.output


def test_a_video_in_place_of_the_bundle_is_recognised(write_video):
    video = write_video("a.avi", [BLANK])
    result = invoke(video, video)
    assert f"{video} is no bundle.\n  why: It is a video." in result.output


def test_small_faces_make_one_think_of_smaller_ones(tiny_bundle, write_video, swaying, out):
    video = write_video("a.avi", swaying[:3])
    assert "smaller ones may be missed" not in invoke(tiny_bundle, video, "--out", out).output
    assert "smaller ones may be missed" in invoke(tiny_bundle, video, "--out", out, "--min-face", "100").output


def test_why_there_is_no_face_fits_what_was_asked_for(tiny_bundle, write_video, tmp_path, out):
    (tmp_path / "a.png").write_text("no image")
    crops = invoke(tiny_bundle, tmp_path / "a.png", "--faces", "crops", "--out", out).output
    assert "All frames are unreadable." in crops
    assert "--min-face" not in crops
    assert "All frames are dark" in invoke(tiny_bundle, write_video("b.avi", [BLANK] * 2), "--out", out).output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--faces", "crops", "--face", "largest"), "--roi is about faces that are found"),
        (("--faces", "crops", "--min-quality", "0.5"), "--min-quality is about faces that are found"),
        (("--faces", "crops", "--identity", "embedding"), "--identity embedding is about"),
        (("--faces", "crops", "--identities", "across"), "--identities across is about"),
        (("--identity", "none", "--identities", "across"), "--identity none recognises nobody"),
    ],
)
def test_choices_of_faces_of_which_one_would_do_nothing_are_refused(tiny_bundle, tmp_path, out, arguments, words):
    result = invoke(tiny_bundle, tmp_path / "a.avi", *arguments, "--out", out)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
    assert not out.exists()


def test_info_tells_of_the_sources(tiny_bundle, write_video, out):
    video = write_video("a.avi", [BLANK] * 3)
    assert (
        "info: a.avi: 3 frames, 25.0 per second"
        in invoke(tiny_bundle, video, "--out", out, "--log-level", "info").output
    )


def test_a_part_of_the_source_is_analysed_turned(tiny_bundle, write_video, swaying, out):
    video = write_video("a.avi", [np.rot90(image, 1) for image in swaying])
    part = ("--start", "0:00.2", "--end", "0.6", "--every", "2", "--rotate", "90")
    result = invoke(tiny_bundle, video, "--out", out, *part)
    assert [(row["frame"], row["timestamp"]) for row in read(out)] == [
        (str(number), f"{(number - 1) / 25:.4f}") for number in (7, 9, 11, 13, 15)
    ]
    assert "5 with a face" in result.output
    assert invoke(tiny_bundle, video, "--out", out, "--fps", "5").exit_code == 0
    assert [row["frame"] for row in read(out)] == ["1", "6", "11", "16", "21", "24"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--start", "9", "--end", "0:08"), 2, "--end, 8 s, is not after --start, 9 s."),
        (("--start", "9"), 1, "Nothing of a.avi is selected."),
        (("--start", "1:99"), 2, "'1:99' is no time"),
        (("--max-gap", "1m"), 2, "is neither frames (30), from 0 on, nor seconds (1s)"),
        (("--rotate", "45"), 2, "--rotate"),
        (("--fps", "0"), 2, "--fps"),
        (("--every", "0"), 2, "--every"),
    ],
)
def test_a_part_that_makes_no_sense_is_told(tiny_bundle, write_video, out, arguments, code, words):
    result = invoke(tiny_bundle, write_video("a.avi", [BLANK] * 3), "--out", out, *arguments)
    assert result.exit_code == code
    assert words in result.output


def test_a_rate_that_the_model_does_not_know_is_told(tiny_bundle, write_video, swaying, out):
    result = invoke(tiny_bundle, write_video("a.avi", swaying[:9], fps=5.0), "--out", out, "--max-gap", "1s")
    assert "warning: a.avi: 5 frames per second are analysed, and the model was trained on 25 to 30" in result.output


def test_a_folder_of_videos_and_images_has_a_table_each(tiny_bundle, write_video, tmp_path):
    (tmp_path / "rec").mkdir()
    for name in ("a.avi", "b.avi"):
        write_video(f"rec/{name}", [BLANK] * 2)
    (tmp_path / "rec" / "1.png").write_bytes(cv2.imencode(".png", BLANK)[1].tobytes())
    result = invoke(tiny_bundle, tmp_path / "rec", "--out", f"{tmp_path}/tables/")
    assert result.exit_code == 0, result.output
    assert {path.name: len(read(path)) for path in (tmp_path / "tables").iterdir()} == {
        "a.avi.csv": 2, "b.avi.csv": 2, "rec.csv": 1,
    }  # fmt: skip
    assert f"5 rows in 3 tables: {tmp_path}/tables/" in result.output
