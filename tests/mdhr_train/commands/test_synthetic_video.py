import cv2
import pytest
from click.testing import CliRunner

from mdhr_train.cli import main

pytest.importorskip("skimage")


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.slow
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


def test_two_outputs_are_never_one_file(tmp_path):
    result = run("synthetic-video", tmp_path / "a.mp4", "--labels", tmp_path / "." / "a.mp4", "--seconds", 0.1)
    assert result.exit_code == 1
    assert "cannot be written twice" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["face.mp4", "truth.csv"])
def test_only_its_own_files_are_replaced(tmp_path, name):
    command = ("synthetic-video", tmp_path / "face.mp4", "--labels", tmp_path / "truth.csv", "--seconds", 0.2)
    assert run(*command).exit_code == 0
    assert run(*command).exit_code == 0  # its own are
    with (tmp_path / name).open("ab") as file:
        file.write(b"a note\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = run(*command)
    assert result.exit_code == 1
    assert f"{name} is not overwritten" in result.stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert run(*command, "--overwrite").exit_code == 0
    assert run(*command).exit_code == 0
