from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from mdhr_runtime.faces.alignment import AlignedImages, align, similarity_transform
from mdhr_runtime.layout import CropGeometry
from mdhr_train.datasets import BP4D, DISFA

POINTS = np.array([[203.5, 100.1], [245.4, 102.2], [224.2, 126.4], [201.8, 138.6], [244.4, 140.4]])
CENTRE = replace(BP4D.crop, view="centre")
CROPS = pytest.mark.parametrize("crop", [BP4D.crop, CENTRE, DISFA.crop], ids=["BP4D", "centre", "DISFA"])


def template(crop: CropGeometry):
    """Eyes and mouth in pixels of the central 224 of 256, or of all 256 made smaller."""
    places = np.array([crop.left_eye, crop.right_eye, crop.mouth]) * 256
    return places - 16 if crop.view == "centre" else places * 224 / 256


def anchors(landmarks):
    return np.array([landmarks[0], landmarks[1], (landmarks[3] + landmarks[4]) / 2])


def turned(image, degrees, scale=1.0):
    """A turned copy of an image, and the matrix (2, 3) that turns points."""
    side = image.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), degrees, scale)
    return cv2.warpAffine(image, matrix, (side, side)), matrix


def moved(points, matrix):
    return points @ matrix[:, :2].T + matrix[:, 2]


def test_similarity_finds_rotation_scale_and_shift():
    _, matrix = turned(np.zeros((100, 100, 3), np.uint8), 33, 1.7)
    np.testing.assert_allclose(similarity_transform(POINTS, moved(POINTS, matrix), rotate=True), matrix, atol=1e-9)


@pytest.mark.parametrize("degrees", [0, 40, -90])
def test_without_rotation_the_scale_does_not_depend_on_the_roll(degrees):
    _, matrix = turned(np.zeros((100, 100, 3), np.uint8), degrees)
    found = similarity_transform(moved(POINTS, matrix), POINTS, rotate=False)
    np.testing.assert_allclose(found[:, :2], np.eye(2), atol=1e-9)


def test_similarity_survives_points_that_coincide():
    for rotate in (True, False):
        assert np.isfinite(similarity_transform(np.ones((3, 2)), POINTS[:3], rotate)).all()


@CROPS
def test_eyes_and_mouth_land_on_the_template(crop):
    image = np.zeros((300, 300, 3), np.uint8)
    points = anchors(POINTS)
    for colour, (x, y) in enumerate(points.round().astype(int)):
        cv2.circle(image, (int(x), int(y)), 4, [255 * (channel == colour) for channel in range(3)], -1)
    result = align(image, POINTS, crop)
    assert result.shape == (224, 224, 3)
    assert result.dtype == np.uint8
    for colour, expected in enumerate(template(crop)):
        rows, columns = np.nonzero(result[..., colour] > 127)
        # Three points cannot all be met exactly, as no face has exactly the template's proportions.
        assert np.hypot(columns.mean() - expected[0], rows.mean() - expected[1]) < 8


def landmarks_of(image, detector):
    """Landmarks of the one face in an image."""
    _, _, (landmarks,) = detector.refine(image, detector.detect(image))
    return landmarks


@CROPS
def test_the_detector_finds_the_template_in_the_crop(photo, make_detector, crop):
    landmarks = landmarks_of(photo, make_detector(48))
    again = landmarks_of(align(photo, landmarks, crop), make_detector(80))
    # Landmarks of one picture differ by 2 pixels of these with where exactly O-Net looks.
    assert np.abs(anchors(again) - template(crop)).max() < 11


@pytest.mark.parametrize("degrees", [-25, 15, 30])
def test_turned_copies_give_the_same_crop(photo, degrees):
    image, matrix = turned(photo, degrees)
    straight = align(photo, POINTS, BP4D.crop).astype(int)
    upright = align(image, moved(POINTS, matrix), BP4D.crop).astype(int)
    assert np.abs(straight - upright)[20:, 20:-20].mean() < 3


@pytest.mark.parametrize(("crop", "angle"), [(BP4D.crop, 0), (DISFA.crop, -20)], ids=["BP4D", "DISFA"])
def test_heads_are_turned_upright_only_where_the_layout_says_so(photo, detector, crop, angle):
    image, matrix = turned(photo, 20)
    left_eye, right_eye = landmarks_of(align(image, moved(POINTS, matrix), crop), detector)[:2]
    assert np.degrees(np.arctan2(*(right_eye - left_eye)[::-1])) == pytest.approx(angle, abs=5)


@pytest.mark.slow
@CROPS
def test_a_large_face_is_averaged_not_sampled(photo, crop):
    large = cv2.resize(photo, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    noisy = np.clip(large + np.random.default_rng(0).normal(0, 40, large.shape), 0, 255).astype(np.uint8)
    landmarks = (POINTS + 0.5) * 8 - 0.5
    clean, found = (align(image, landmarks, crop).astype(int) for image in (large, noisy))
    assert np.abs(found - clean).mean() < 12  # single pixels would differ by 30
    assert np.abs(clean - align(photo, POINTS, crop)).mean() < 4


def test_beyond_the_image_its_border_is_repeated(photo):
    cut = photo[90:]
    result = align(cut, POINTS - [0, 90], DISFA.crop)
    assert (result[:10] == result[0]).all()
    assert result[0].any()


@CROPS
def test_an_aligned_image_is_seen_as_in_training(photo, crop):
    reference = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    (face,) = AlignedImages(crop).find(reference)
    if crop.view == "centre":
        np.testing.assert_array_equal(face.crop, reference[16:240, 16:240])
    else:
        resized = Image.fromarray(reference).resize((224, 224), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(face.crop, np.asarray(resized))
    (same,) = AlignedImages(crop).find(face.crop)
    np.testing.assert_array_equal(same.crop, face.crop)
