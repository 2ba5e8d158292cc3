"""Faces and videos to try the runtime on, made from a photo that scikit-image carries."""

from functools import partial

import cv2
import numpy as np
import pytest
from skimage import data

import mdhr_runtime
from mdhr_runtime.contract import DETECTOR, EMBEDDER
from mdhr_runtime.faces.alignment import align
from mdhr_runtime.faces.identity import Embedder
from mdhr_runtime.faces.mtcnn import Mtcnn
from mdhr_runtime.faces.tracking import FaceTracker


@pytest.fixture(scope="session")
def photo():
    """uint8 (512, 512, 3) RGB with one face."""
    return data.astronaut()


@pytest.fixture(scope="session")
def portrait(photo):
    """uint8 (240, 240, 3) RGB: the photo's face, about 100 pixels high."""
    return photo[:240, 100:340].copy()


@pytest.fixture(scope="session")
def model(tiny_bundle):
    return mdhr_runtime.load(tiny_bundle, "cpu")


@pytest.fixture(scope="session")
def make_detector(model):
    """Make a face detector for faces from a given size on."""

    def make(min_face=48):
        return Mtcnn(*(model.graph(name) for name in DETECTOR), min_face=min_face)

    return make


@pytest.fixture(scope="session")
def detector(make_detector):
    return make_detector()


@pytest.fixture(scope="session")
def embedder(model):
    return Embedder(model.graph(EMBEDDER))


@pytest.fixture(scope="session")
def make_tracker(detector, model):
    """Make a face tracker of the detector, the way the analysis does."""

    def make(**settings):
        return FaceTracker(detector, detector, partial(align, crop=model.layout.crop), **settings)

    return make


@pytest.fixture
def write_video(tmp_path):
    """Write RGB frames into a video file."""

    def write(name, frames, codec="MJPG", fps=25.0):
        path = tmp_path / name
        height, width = frames[0].shape[:2] if len(frames) else (240, 240)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, (width, height))
        assert writer.isOpened()
        for frame in frames:
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        writer.release()
        return path

    return write


@pytest.fixture(scope="session")
def swaying(portrait):
    """24 frames, (240, 240, 3): the portrait moves a little."""
    return [np.roll(portrait, round(6 * np.sin(step / 4)), axis=1) for step in range(24)]
