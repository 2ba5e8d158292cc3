"""Which faces are upright, on a photo and on real videos that are turned."""

from itertools import islice

import cv2
import numpy as np
import pytest
from skimage import data

from mdhr_runtime.faces.roll import posture, roll
from mdhr_runtime.sources import Video

LANDMARKS = np.float32([[203, 100], [245, 102], [224, 126], [201, 138], [244, 140]])


def turned(image, degrees):
    """Turn an image clockwise about its middle, keeping its size."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("degrees", [-170, -90, -30, 0, 45, 90, 135])
def test_the_roll_of_landmarks_is_counted_clockwise(degrees):
    matrix = cv2.getRotationMatrix2D((100, 100), -degrees, 1)
    assert roll(LANDMARKS @ matrix[:, :2].T + matrix[:, 2]) == pytest.approx(roll(LANDMARKS) + degrees)
    assert abs(roll(LANDMARKS)) < 4


@pytest.fixture(scope="module")
def look(detector):
    """The posture of the photo's face after it was turned."""

    def at(degrees):
        face = data.astronaut()[20:220, 123:323]  # the face is in the middle
        return posture(detector, turned(face, degrees), np.array([50.0, 50, 150, 150]))

    return at


@pytest.mark.parametrize("degrees", [-45, -30, 0, 30, 45])
def test_a_face_is_upright_whatever_its_roll_up_to_45_degrees(look, degrees):
    odds, _ = look(degrees)
    assert odds < 1


@pytest.mark.parametrize(("degrees", "rotation"), [(75, 270), (90, 270), (150, 180), (180, 180), (270, 90), (285, 90)])
def test_a_face_lies_and_the_rotation_turns_it_upright(look, degrees, rotation):
    odds, found = look(degrees)
    assert odds > 10
    assert found == rotation
    assert look(degrees + rotation)[0] < 1


def test_a_place_without_a_face_is_no_problem(detector):
    for image in (np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8)):
        odds, rotation = posture(detector, image, np.array([-50.0, -50, 90, 90]))
        assert odds > 0
        assert rotation in (0, 90, 180, 270)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["single_face.mp4", "WolfgangLanger_Pexels.mp4"])
def test_real_faces_are_scored_upright_only_and_the_rotation_is_known(media, make_tracker, name):
    """The first 50 frames; before faces were looked at in all directions, 17 to 50 of them had faces that lie."""
    images = [frame.image for frame in islice(filter(None, Video(media / name)), 50)]
    for degrees in (0, 90, 180, 270):
        tracker, with_face, rotations = make_tracker(), 0, []
        for image in images:
            with_face += len(tracker.find(np.ascontiguousarray(np.rot90(image, -degrees // 90))))
            rotations += tracker.lying
        if degrees == 0:
            assert (with_face, rotations) == (50, [])
        else:
            assert with_face <= 3
            assert set(rotations) <= {360 - degrees}
