"""The command `mdhr-export`."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdhr_export.cli import main


def test_export_prints_a_table_and_writes_a_bundle(tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["--ckpt", str(tiny_checkpoint)])
    assert result.exit_code == 0, result.output
    assert "stream, 1 at a time" in result.stdout
    assert "0 of 96" in result.stdout
    assert "trace encoder.onnx" in result.stderr
    assert (tmp_path / "tiny.mdhr" / "manifest.json").exists()


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
    assert "could not be written" in result.stderr
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
    assert "could not be written" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_imports_no_heavy_library():
    code = "import sys, mdhr_export.cli; print([m for m in ('torch', 'timm', 'onnx', 'cv2') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
