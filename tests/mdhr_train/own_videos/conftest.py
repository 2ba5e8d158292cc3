"""Two short videos, and what is labelled in them."""

import numpy as np
import pytest
from encoded import write

from mdhr_train.datasets.layouts import FACE
from mdhr_train.own_videos.reading import read_own_videos
from mdhr_train.own_videos.video_labels import Settings
from mdhr_train.own_videos.videos import subject_finder

FPS, FRAMES = 20, 40
KNOWN = frozenset(au for _, known in FACE.values() for au in known)


def write_film(path, frames=FRAMES, irregular=False, **settings):
    """A video of noise that moves. Returns the times of its frames, in seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    steps = np.random.default_rng(1).integers(4, 9, frames) * 10 if irregular else np.full(frames, 1000 // FPS)
    times = (np.cumsum(steps) - steps[0]).tolist()
    write(path, [np.roll(picture, 3 * index, 1) for index in range(frames)], fps=FPS, milliseconds=times, **settings)
    return [time / 1000 for time in times]


@pytest.fixture
def film():
    return write_film


@pytest.fixture(scope="session")
def filmed(tmp_path_factory):
    """A folder with two videos, one of them in a folder of its own."""
    root = tmp_path_factory.mktemp("videos")
    write_film(root / "anna.mp4", options={"bf": "2"})
    write_film(root / "ward/ben.avi", codec="mjpeg")
    return root


@pytest.fixture(scope="session")
def truth():
    """The labels of each video: int8 (40, 2)."""
    found = {name: np.zeros((FRAMES, 2), np.int8) for name in ("anna.mp4", "ward/ben.avi")}
    found["anna.mp4"][5:15, 0] = found["anna.mp4"][10:30, 1] = 1
    found["ward/ben.avi"][0:3, 0] = found["ward/ben.avi"][20:25, 1] = found["ward/ben.avi"][30:40, 1] = 1
    return found


@pytest.fixture
def read(filmed):
    """Read tables of labels for the two videos."""

    def read(*labels, subjects=None, root=filmed, left_out=None, **settings):
        subject_of = None if subjects is None else subject_finder(subjects)
        return read_own_videos(root, labels, Settings(known=KNOWN, **settings), subject_of, left_out)

    return read
