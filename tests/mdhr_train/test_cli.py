import subprocess
import sys

import cv2
import pytest
from click.testing import CliRunner

from mdhr_train.checkpoints import load_checkpoint
from mdhr_train.cli import main

pytest.importorskip("skimage")

SMALL_MODEL = "--layout disfa --backbone test_efficientnet --node-features 16 --dynamics-channels 16"
SHORT_TRAINING = "--clips 2 --test-clips 1 --steps 1 --batch 1 --frames 2 --workers 0"
SMALL = f"fit --synthetic {SMALL_MODEL} {SHORT_TRAINING}".split()


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_fit_reports_f1_and_writes_a_checkpoint(tmp_path):
    out = tmp_path / "best.pt"
    result = run(*SMALL, "--out", out)
    assert result.exit_code == 0, result.output
    assert "AU26" in result.stdout
    assert "mean F1 0." in result.stdout
    checkpoint = load_checkpoint(out)
    assert checkpoint.model.config.layout.name == "DISFA"
    assert checkpoint.metrics["f1"].keys() == {f"AU{au:02d}" for au in (1, 2, 4, 6, 9, 12, 25, 26)}


def test_an_interrupted_training_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("mdhr_train.fit.evaluate", interrupt)
    out = tmp_path / "best.pt"
    out.write_bytes(b"the old one")
    result = run(*SMALL, "--out", out)
    assert result.exit_code == 1
    assert out.read_bytes() == b"the old one"
    assert [file.name for file in tmp_path.iterdir()] == ["best.pt"]


def test_the_source_of_the_data_has_to_be_named():
    result = run("fit")
    assert result.exit_code == 2
    assert "--synthetic" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "missing/best.pt"), "missing/best.pt cannot be written"),
        (("--out", "."), "It is a folder"),
        (("--backbone", "resnet5000"), "There is no backbone 'resnet5000'"),
        (("--lr", "-1"), "lr = -1"),
    ],
)
def test_what_cannot_work_is_refused_in_three_parts(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*SMALL, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "why: " in result.stderr
    assert "fix: " in result.stderr
    assert not list(tmp_path.iterdir())


def test_without_torch_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run(*SMALL, "--out", tmp_path / "best.pt")
    assert result.exit_code == 1
    assert "pip install 'mdhr-edge[train]'" in result.stderr


def test_help_needs_no_heavy_library():
    code = (
        "import sys\n"
        "from mdhr_train.cli import main\n"
        "main(['fit', '--help'], standalone_mode=False)\n"
        "assert not {'torch', 'timm', 'cv2', 'skimage'} & set(sys.modules), 'imported too early'\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert "--synthetic" in shown.stdout


def test_synthetic_video_with_labels(tmp_path):
    result = run(
        "synthetic-video", tmp_path / "face.mp4", "--seconds", 0.2, "--labels", tmp_path / "truth.csv", "--seed", 1
    )
    assert result.exit_code == 0, result.output
    assert "5 frames" in result.stdout
    assert cv2.VideoCapture(str(tmp_path / "face.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 5
    lines = (tmp_path / "truth.csv").read_text().splitlines()
    assert len(lines) == 1 + 5
    assert lines[0].startswith("frame,AU01_c,")


@pytest.mark.parametrize("name", ["missing/face.mp4", "face.avi"])
def test_synthetic_video_refuses_a_path_that_cannot_work(name, tmp_path):
    result = run("synthetic-video", tmp_path / name, "--seconds", 0.1)
    assert result.exit_code == 1
    assert "fix: " in result.stderr
    assert not list(tmp_path.iterdir())
