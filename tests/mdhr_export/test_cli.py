"""The command `mdhr-export`."""

import resource
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdhr_export.cli import main
from mdhr_runtime.bundle import open_bundle, storage

pytestmark = pytest.mark.slow


def test_export_prints_a_table_and_writes_a_bundle(tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["--ckpt", str(tiny_checkpoint)])
    assert result.exit_code == 0, result.output
    assert "stream, 1 at a time" in result.stdout
    assert "0 of 96" in result.stdout
    assert "trace encoder.onnx" in result.stderr
    assert "convert the face recognition (dlib)" in result.stderr
    (bundle,) = tmp_path.glob("*__tiny.pt-*.mdhr")  # the name says that the checkpoint lies elsewhere
    assert (bundle / "manifest.json").exists()


@pytest.mark.usefixtures("traced")
def test_a_card_that_is_left_out_is_told(tiny_checkpoint, tmp_path):
    checkpoint = tmp_path / "best.pt"
    shutil.copy(tiny_checkpoint, checkpoint)
    (tmp_path / "card.md").write_text("# Of another one\n")
    command = ["--ckpt", str(checkpoint), "--out", str(tmp_path / "x.mdhr"), "--no-verify", "--no-identity"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert f"{tmp_path / 'card.md'} is left out: it does not name the SHA-256" in result.stderr


@pytest.mark.usefixtures("traced")
def test_the_face_recognition_can_be_left_out(tiny_checkpoint, tmp_path):
    out = tmp_path / "x.mdhr"
    command = ["--ckpt", str(tiny_checkpoint), "--out", str(out), "--no-verify", "--no-identity"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "face recognition" not in result.stderr
    assert "embedder" not in open_bundle(out).manifest.graphs
    assert not (out / "identity").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "There is no checkpoint"), (b"text", "cannot be read as a checkpoint")],
)
def test_bad_checkpoints_are_reported_in_three_parts(tmp_path, content, words):
    path = tmp_path / "x.pt"
    if content is not None:
        path.write_bytes(content)
    result = CliRunner().invoke(main, ["--ckpt", str(path), "--out", str(tmp_path / "x.mdhr")])
    assert result.exit_code == 1
    assert words in result.stderr
    assert "why:" in result.stderr
    assert "fix:" in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "x.mdhr").exists()


def test_an_output_folder_that_does_not_exist_is_found_first(tiny_checkpoint, tmp_path):
    result = CliRunner().invoke(main, ["--ckpt", str(tiny_checkpoint), "--out", str(tmp_path / "none" / "x.mdhr")])
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert "trace" not in result.stderr


def test_a_disk_that_fills_up_leaves_nothing(tiny_checkpoint, tmp_path):
    """A limit on the size of files stands for the full disk: the system refuses the write in the same way."""
    result = subprocess.run(
        [Path(sys.executable).parent / "mdhr-export", "--ckpt", tiny_checkpoint, "--out", tmp_path / "x.mdhr"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Give a checkpoint"),
        (["--ckpt", "a.pt", "--bundle", "a.mdhr"], "Give a checkpoint"),
        (["--bundle", "a.mdhr"], "Say what to do with the bundle"),
        (["--bundle", "a.mdhr", "--trt", "--fp16"], "a bundle's graphs are fixed"),
        (["--bundle", "a.mdhr", "--trt", "--out", "b.mdhr"], "a bundle's graphs are fixed"),
        (["--bundle", "a.mdhr", "--trt", "--no-identity"], "a bundle's graphs are fixed"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, words):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.fixture
def hashed(monkeypatch):
    """Names of the files whose SHA-256 is computed, one for every pass over a file."""
    names, file_hash = [], storage.file_hash

    def counted(path):
        names.append(path.name)
        return file_hash(path)

    monkeypatch.setattr(storage, "file_hash", counted)
    return names


def test_trt_exports_in_float16_and_builds_engines(tiny_checkpoint, tmp_path, hashed):
    pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX's Python module")
    out = tmp_path / "best.mdhr"
    command = ["--ckpt", str(tiny_checkpoint), "--out", str(out), "--trt", "--max-batch", "1", "--max-frames", "7"]
    command += ["--trt-flavor", "tensorrt_rtx", "--triton", str(tmp_path / "models")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "HALF" in result.stdout
    # Hashed when the bundle is written, and checked when it is opened to build.
    assert Counter(hashed)["encoder.onnx"] == 2
    assert max(Counter(hashed).values()) == 2
    assert open_bundle(out).manifest.precision == "float16"
    assert {record.graph for record in open_bundle(out).manifest.engines} == {"encoder", "temporal"}
    assert (tmp_path / "best.timing").exists()


def test_a_float32_bundle_is_told_that_its_engines_could_be_faster(tiny_bundle, tmp_path):
    pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX's Python module")
    path = shutil.copytree(tiny_bundle, tmp_path / "best.mdhr")
    options = ["--trt", "--trt-flavor", "tensorrt_rtx", "--max-batch", "1", "--max-frames", "7", "--no-verify"]
    result = CliRunner().invoke(main, ["--bundle", str(path), *options])
    assert result.exit_code == 0, result.output
    assert "warning: the bundle's graphs are float32" in result.stderr


@pytest.mark.parametrize("options", [["--trt-flavor", "tensorrt"], []])
def test_without_tensorrt_the_export_stops_before_any_work(tiny_checkpoint, tmp_path, monkeypatch, options):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    command = ["--ckpt", str(tiny_checkpoint), "--out", str(tmp_path / "best.mdhr"), "--trt", *options]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "installed" in result.stderr
    assert "trace" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_repository_for_triton_is_written(tiny_bundle, tmp_path, hashed):
    result = CliRunner().invoke(main, ["--bundle", str(tiny_bundle), "--triton", str(tmp_path / "models")])
    assert result.exit_code == 0, result.output
    assert "mdhr_encoder, mdhr_temporal, mdhr_clip" in result.stdout
    assert Counter(hashed)["encoder.onnx"] == 1
    assert (tmp_path / "models" / "mdhr_temporal" / "config.pbtxt").exists()


def test_building_engines_needs_neither_pytorch_nor_onnx():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'timm', 'onnx', 'onnxscript', 'mdhr_train']));"
        "import mdhr_export.cli, mdhr_export.tensorrt, mdhr_export.triton, mdhr_export.verify"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_help_imports_no_heavy_library():
    code = "import sys, mdhr_export.cli; print([m for m in ('torch', 'timm', 'onnx', 'cv2') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
