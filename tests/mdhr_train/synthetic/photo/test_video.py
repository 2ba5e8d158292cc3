import cv2
import numpy as np
import pytest

from mdhr_runtime.errors import OutputError
from mdhr_train.datasets import BP4D, DISFA
from mdhr_train.synthetic.photo.video import FPS, write_labels, write_video

pytest.importorskip("skimage")


def read(path):
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == FPS
    frames = []
    while True:
        good, frame = capture.read()
        if not good:
            return np.stack(frames)
        frames.append(frame)


@pytest.mark.parametrize("layout", [BP4D, DISFA], ids=lambda layout: layout.name)
def test_a_video_has_a_frame_per_label_row(layout, tmp_path):
    labels = write_video(tmp_path / "face.mp4", 8, layout, seed=1)
    frames = read(tmp_path / "face.mp4")
    assert frames.shape == (8, 512, 512, 3)
    assert labels.shape == (8, len(layout.aus))
    assert [file.name for file in tmp_path.iterdir()] == ["face.mp4"]


def test_the_seed_says_everything(tmp_path):
    for name, seed in {"a": 1, "b": 1, "c": 2}.items():
        write_video(tmp_path / f"{name}.mp4", 3, DISFA, seed)
    a, b, c = (read(tmp_path / f"{name}.mp4") for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("name", ["missing/face.mp4", "face.avi"])
def test_a_video_that_cannot_be_written_is_refused_and_leaves_nothing(name, tmp_path):
    with pytest.raises(OutputError):
        write_video(tmp_path / name, 2, DISFA)
    assert not list(tmp_path.iterdir())


def test_labels_are_written_as_csv(tmp_path):
    write_labels(tmp_path / "labels.csv", np.eye(2, 8, dtype=np.uint8), DISFA)
    assert (tmp_path / "labels.csv").read_text().splitlines() == [
        "frame,AU01_c,AU02_c,AU04_c,AU06_c,AU09_c,AU12_c,AU25_c,AU26_c",
        "1,1,0,0,0,0,0,0,0",
        "2,0,1,0,0,0,0,0,0",
    ]
