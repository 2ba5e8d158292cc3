import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import bench_result
import cv2
import numpy as np
import onnxruntime
import psutil
import pytest
from click.testing import CliRunner
from skimage import data

from mdhr_bench import run as running
from mdhr_bench.cli import SEAL, main
from mdhr_bench.results import is_result, read_result, write_result
from mdhr_runtime.targets import is_sealed

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-c", "from mdhr_bench.cli import main; main()"]

# All of a run, with fewer and smaller calls: what they take is not looked at here.
SHORT = """
from mdhr_bench.measures import hardware, rates, timing
timing.TURN, timing.WINDOW = 0.02, 2
rates.SIZES, rates.LARGEST = (1, 2, 4), 4
hardware.PRODUCTS_ON_HOST, hardware.COPIED = ((256, 1),), 16 << 20
from mdhr_bench.cli import main
main()
"""
ROUNDS, FRAMES = 5, 8
TIMED = ("step", "encoder", "temporal", "clip", "backbone", "torch-clip", "torch-window")
FILES = ("a.html", "a.json", "a.md")


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(result):
    """What a command says that refuses, in its three parts."""
    assert result.exit_code == 1, result.output
    assert result.output.startswith("error: ")
    assert all(f"\n  {part}: " in result.output for part in ("why", "fix"))
    return result.output


def names(folder):
    return tuple(sorted(path.name for path in folder.iterdir()))


def folders(folder):
    """Folders inside one; ONNX Runtime leaves a file of its own among temporary ones."""
    return [path.name for path in folder.iterdir() if path.is_dir()]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A face that moves."""
    path = tmp_path_factory.mktemp("video") / "face.avi"
    face = data.astronaut()[:240, 60:380, ::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (320, 240))
    for shift in range(FRAMES):
        writer.write(np.ascontiguousarray(np.roll(face, shift, axis=1)))
    writer.release()
    return path


@pytest.fixture(scope="module")
def whole(tiny_bundle, video, tmp_path_factory):
    """The one run that everything below looks at, as it takes a while: how it ended, and its folders."""
    folder = tmp_path_factory.mktemp("whole")
    out, temporary = folder / "out", folder / "temporary"
    temporary.mkdir()
    options = ["--provider", "cpu", "--video", video, "--rounds", str(ROUNDS), "--out", out / "a.json"]
    done = subprocess.run(
        [sys.executable, "-c", SHORT, tiny_bundle, *options],
        capture_output=True,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(done=done, folder=out, temporary=temporary, result=read_result(out / "a.json"))


def test_a_whole_run_is_complete_and_writes_its_reports_beside_it(whole):
    assert names(whole.folder) == FILES
    assert whole.result.complete
    text = (whole.folder / "a.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no number of JSON"))
    for name in ("a.md", "a.html"):
        report = (whole.folder / name).read_text(encoding="utf-8")
        assert "Benchmark of tiny.mdhr" in report
        assert all(each in report for each in TIMED)
        assert is_sealed((whole.folder / name).read_bytes(), SEAL)
    assert is_result(whole.folder / "a.json")
    assert whole.done.stdout.startswith("Benchmark of tiny.mdhr\n")
    assert "interrupted" not in whole.done.stdout


def test_a_whole_run_says_on_stderr_what_it_does_and_leaves_no_temporary_files(whole):
    said = whole.done.stderr
    assert "provider: cpu (ONNX Runtime" in said
    for part in ("cold start", "memory", "pipeline, face.avi", "latency", "throughput", "ceilings", "energy"):
        assert part in said
    assert "Traceback" not in said
    assert "failed" not in said
    assert str(whole.folder / "a.html") in said
    assert folders(whole.temporary) == []


def test_everything_is_timed_in_every_round_and_has_a_ratio(whole):
    result = whole.result
    assert tuple(each.id for each in result.timings) == TIMED
    assert {len(each.rounds) for each in result.timings} == {ROUNDS}
    assert all(min(each.samples) > 0 for each in result.timings)
    compared = {(each.of, each.to) for each in result.ratios}
    assert {of for of, _ in compared} == set(TIMED)
    assert {to for of, to in compared if of == "step"} == {"clip", "backbone", "torch-clip", "torch-window"}
    assert all(each.low <= each.value <= each.high for each in result.ratios)


def test_every_other_part_is_measured_or_missing_with_its_reason(whole):
    result = whole.result
    assert result.cold_start.whole > 0
    assert result.memory.peak > result.memory.imported
    (pipeline,) = result.pipeline
    assert (pipeline.video, pipeline.frames, pipeline.faces) == ("face.avi", FRAMES, FRAMES)
    assert {each.curve for each in result.throughput} == {"encoder", "streams", "clip"}
    assert [result.ceilings[0].id, result.ceilings[-1].id] == ["matmul float32", "copy"]
    assert {"encoder × 16, cpu float32", "step × 1, openvino float32"} <= {each.timing.id for each in result.variants}
    assert [each.graph for each in result.costs] == ["encoder", "temporal"]
    assert result.floor.times == pytest.approx(result.timing("step").summary.p50 / result.floor.milliseconds)
    assert len(result.predictions) > 1
    why = {each.what: each.why for each in result.missing}
    assert "host" in why["transfers"]
    assert result.energy or any("energy" in what for what in why)
    # What the processor does not compute in, or not rightly.
    known = ("energy", "ceilings, matmul ", "precisions, openvino ")
    assert all(what == "transfers" or any(each in what for each in known) for what in why)


def test_the_report_of_a_whole_run_can_be_compared_with_itself(whole):
    path = whole.folder / "a.json"
    result = invoke("compare", path, path)
    assert result.exit_code == 0, result.output
    assert "step" in result.output
    assert "faster" not in result.output
    assert "slower" not in result.output


def test_a_stopped_run_leaves_a_valid_file_that_says_so(tiny_bundle, tmp_path):
    folder, temporary = tmp_path / "out", tmp_path / "temporary"
    temporary.mkdir()
    out = folder / "a.json"
    process = subprocess.Popen(
        [*COMMAND, tiny_bundle, "--provider", "cpu", "--out", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    try:
        # The file is there from the beginning; the first part is cold start.
        while process.poll() is None and not (out.exists() and read_result(out).cold_start):
            time.sleep(0.02)
        measuring = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        told, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert told.splitlines()[0].startswith("This run was interrupted before its end. Missing: latency,")
    result = read_result(out)
    assert not result.complete
    assert result.cold_start.whole > 0
    assert result.timings == []
    assert names(folder) == FILES
    assert "interrupted" in (folder / "a.md").read_text(encoding="utf-8")
    assert folders(temporary) == []
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in measuring)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_before_its_first_part_leaves_nothing(tiny_bundle, tmp_path, monkeypatch, number, status):
    monkeypatch.setattr(running, "busy", lambda: signal.raise_signal(number))
    result = invoke(tiny_bundle, "--out", tmp_path / "a.json")
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == status
    assert result.output.strip() == "stopped"
    assert names(tmp_path) == ()


@pytest.fixture
def idle(monkeypatch):
    """No look at the machine's load before a run: it takes a second."""
    monkeypatch.setattr(running, "busy", lambda: None)


@pytest.mark.usefixtures("idle")
@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="ONNX Runtime has CUDA")
def test_a_provider_that_is_not_there_is_refused(tiny_bundle, tmp_path):
    said = refused(invoke(tiny_bundle, "--provider", "cuda", "--out", tmp_path / "a.json"))
    assert "'cuda' is not installed" in said
    assert names(tmp_path) == ()


@pytest.mark.usefixtures("idle")
def test_engines_are_refused_where_they_cannot_run(tiny_bundle, tmp_path):
    said = refused(invoke(tiny_bundle, "--provider", "tensorrt", "--out", tmp_path / "a.json"))
    assert "The driver finds no NVIDIA GPU" in said
    assert names(tmp_path) == ()


@pytest.mark.usefixtures("idle")
def test_a_missing_bundle_is_refused(tmp_path):
    assert "There is no bundle" in refused(invoke(tmp_path / "none.mdhr", "--out", tmp_path / "a.json"))
    assert names(tmp_path) == ()


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("name", ["a.json", "a.md", "a.html"])
def test_only_older_results_are_replaced(tiny_bundle, tmp_path, name):
    (tmp_path / name).write_text("{}")
    assert f"{name} is not overwritten" in refused(invoke(tiny_bundle, "--out", tmp_path / "a.json"))
    assert (tmp_path / name).read_text() == "{}"
    assert names(tmp_path) == (name,)


@pytest.mark.usefixtures("idle")
def test_inputs_are_never_outputs(tiny_bundle, tmp_path):
    video = tmp_path / "a.json"
    video.write_text("not really")
    said = refused(invoke(tiny_bundle, "--video", video, "--out", tmp_path / "a.json", "--overwrite"))
    assert "stays as it is" in said
    assert "stays as it is" in refused(invoke(tiny_bundle, "--out", tiny_bundle / "manifest.json", "--overwrite"))
    assert video.read_text() == "not really"


def test_a_result_must_be_named_as_json(tiny_bundle, tmp_path):
    assert "does not end in .json" in refused(invoke(tiny_bundle, "--out", tmp_path / "a.html"))
    assert names(tmp_path) == ()


@pytest.mark.parametrize("package", ["onnx", "psutil", "pynvml", "matplotlib"])
def test_a_package_of_the_benchmark_that_is_not_installed_is_told_first(tiny_bundle, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    said = refused(invoke(tiny_bundle))
    assert f"cannot import {package}." in said
    assert "mdhr-edge[bench]" in said


@pytest.mark.parametrize(
    "arguments", [("best.mdhr", "--rounds", "4"), ("--rounds", "4", "best.mdhr"), ("best.mdhr", "--help")]
)
def test_the_run_need_not_be_named(arguments):
    short, long = invoke(*arguments), invoke("run", *arguments)
    assert (short.exit_code, short.output) == (long.exit_code, long.output)
    assert " run [OPTIONS] BUNDLE" in short.output


def test_a_mistyped_option_of_a_run_is_told_as_one():
    result = invoke("best.mdhr", "--round", "7")
    assert result.exit_code == 2
    assert "No such option" in result.output


def test_two_results_are_compared(tmp_path):
    paths = [tmp_path / "before.json", tmp_path / "after.json"]
    write_result(bench_result.complete(), paths[0])
    write_result(bench_result.complete(scale=0.7, seed=1), paths[1])
    result = invoke("compare", *paths)
    assert result.exit_code == 0, result.output
    assert "faster" in result.output


def test_a_comparison_with_what_is_no_result_is_refused(tmp_path):
    path = tmp_path / "a.json"
    write_result(bench_result.complete(), path)
    assert "cannot be read" in refused(invoke("compare", path, tmp_path / "none.json"))


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("--version",), ("compare", "--help")])
def test_what_measures_nothing_imports_nothing_heavy(arguments):
    code = """
import sys
from mdhr_bench.cli import main
try:
    main(sys.argv[1:])
finally:
    print("heavy:", sorted({"cv2", "onnx", "onnxruntime", "openvino", "psutil", "torch"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert "heavy: []" in done.stdout


def test_a_page_needs_no_training_library(tmp_path):
    code = """
import sys
from pathlib import Path
sys.modules.update(dict.fromkeys(("torch", "timm", "skimage", "yaml")))
from mdhr_bench.report.page import page
from mdhr_bench.results import read_result
Path(sys.argv[2]).write_text(page(read_result(Path(sys.argv[1]))), encoding="utf-8")
"""
    result, page = tmp_path / "a.json", tmp_path / "a.html"
    write_result(bench_result.complete(), result)
    done = subprocess.run([sys.executable, "-c", code, result, page], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "</html>" in page.read_text(encoding="utf-8")
