import cv2
import numpy as np
import pytest

from mdhr_runtime.faces import View
from mdhr_runtime.live.page_state import PageState
from mdhr_runtime.live.pictures import LONG_SIDE, Pictures
from mdhr_runtime.results import FrameResult, Row, SourceInfo


@pytest.fixture
def state():
    return PageState([SourceInfo("clip.mp4", 25.0, False)])


@pytest.fixture
def pictures(state, aus, clock):
    return Pictures(state, aus, clock)


def decoded(picture):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def test_there_is_none_before_the_first_frame(pictures):
    assert pictures.get(0) is None


def test_there_is_none_of_an_analysis_that_keeps_no_images(state, pictures, make_result):
    state.post(make_result(1, size=(0, 0)))
    assert pictures.get(0) is None


def test_colours_and_size(state, pictures):
    image = np.zeros((120, 200, 3), np.uint8)
    image[:] = 250, 120, 10
    state.post(FrameResult("clip.mp4", 1, 0.0, image, (Row("clip.mp4", 1, 0.0),)))
    picture = pictures.get(0)
    assert picture.result.frame == 1
    assert np.abs(decoded(picture).astype(int) - image).mean() < 5


def test_faces_are_marked_and_the_shared_frame_stays_as_it_is(state, pictures, make_result):
    result = make_result(1)
    before = result.image.copy()
    state.post(result)
    assert np.abs(decoded(pictures.get(0)).astype(int) - before).max() > 100
    np.testing.assert_array_equal(result.image, before)


def test_large_frames_are_shrunk_with_their_boxes_and_landmarks(state, pictures):
    image = np.zeros((1920, 1080, 3), np.uint8)
    box = (200.0, 400.0, 600.0, 1000.0)
    view = View(np.full((5, 2), (400, 700), np.float32), (0.0, 0.0, 0.0), 0.9)
    row = Row("clip.mp4", 1, 0.0, 0, 0.9, box, np.zeros(3, np.float32), view=view)
    state.post(FrameResult("clip.mp4", 1, 0.0, image, (row,)))
    picture = decoded(pictures.get(0))
    assert picture.shape[:2] == (LONG_SIDE, 540)
    assert picture[350, 200].max() > 100
    lower_edge = picture[480:520, 150:250].max(axis=(1, 2))
    assert abs(480 + int((lower_edge > 100).argmax()) - 500) < 6


def test_pictures_are_made_at_a_bounded_rate_and_once_for_all(state, pictures, clock, make_result):
    state.post(make_result(1))
    first = pictures.get(0)
    state.post(make_result(2))
    assert pictures.get(0) is first
    clock.now += 1
    second = pictures.get(0)
    assert second.result.frame == 2
    clock.now += 1
    assert pictures.get(0) is second  # nothing new


def test_nothing_is_made_when_nobody_looks(state, pictures, make_result, monkeypatch):
    monkeypatch.setattr(cv2, "imencode", None)
    for frame in range(1, 10):
        state.post(make_result(frame))
