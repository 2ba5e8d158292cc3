import cv2
import numpy as np
import pytest

from mdhr_runtime.faces.mtcnn import patches, scales

# Box and landmarks that mtcnn 1.0 gives for the photo with TensorFlow.
BOX = [181.6, 63.7, 264.6, 171.1]
LANDMARKS = [[203.5, 100.1], [245.4, 102.2], [224.2, 126.4], [201.8, 138.6], [244.4, 140.4]]


@pytest.mark.parametrize("min_face", [20, 48, 80])
def test_box_and_landmarks_are_those_of_the_package(photo, make_detector, min_face):
    faces = make_detector(min_face).detect(photo)
    face = max(faces, key=lambda face: face.area)
    assert face.score > 0.99
    assert face.landmarks.dtype == np.float32
    # The patches are sampled differently on purpose, so within 4 % of the face's width.
    np.testing.assert_allclose(face.landmarks, LANDMARKS, atol=3.5)
    np.testing.assert_allclose(face.box, BOX, atol=9)


def test_the_area_is_the_boxes(photo, detector):
    (face,) = detector.detect(photo)
    x1, y1, x2, y2 = face.box
    assert face.area == (x2 - x1) * (y2 - y1)


def test_every_face_is_found(photo, detector):
    half = cv2.resize(photo, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    both = np.zeros((512, 512 + half.shape[1], 3), np.uint8)
    both[:, :512] = photo
    both[: half.shape[0], 512:] = half
    faces = sorted(detector.detect(both), key=lambda face: -face.area)
    assert len(faces) == 2
    assert faces[0].box[2] < 512 < faces[1].box[0]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((240, 320, 3), np.uint8),
        np.full((240, 320, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8),
        np.zeros((5, 7, 3), np.uint8),
    ],
    ids=["black", "white", "noise", "tiny"],
)
def test_no_face(image, detector):
    assert detector.detect(image) == []


def test_faces_below_the_limit_are_not_looked_for(photo, make_detector):
    assert make_detector(320).detect(photo) == []


def test_a_face_at_the_edge_keeps_its_box_inside(photo, detector):
    (face,) = detector.detect(photo[85:])
    assert min(face.box) >= 0
    assert face.box[1] == 0


def test_scales_reach_from_the_smallest_face_to_the_whole_image():
    found = scales((360, 640), 48)
    assert found[0] == 12 / 48
    assert 12 <= 360 * found[-1] < 12 / 0.709
    assert scales((40, 640), 48) == []


def test_patches_average_and_show_grey_beyond_the_image():
    image = np.zeros((100, 100, 3), np.uint8)
    image[:, 1::2] = 200  # stripes of one pixel: single samples would be 0 or 200
    inside, across = patches(image, np.array([[1.0, 1, 96, 96], [-96, 1, 95, 192]]), 24)
    assert abs(inside.astype(int) - 100).max() <= 25
    assert (across[:, :11] == 128).all()
    assert (across[13:] == 128).all()


def test_photo_of_the_media(media, detector):
    image = cv2.cvtColor(cv2.imread(str(media / "single_face.jpg")), cv2.COLOR_BGR2RGB)
    (face,) = detector.detect(image)
    left_eye, right_eye, nose, mouth_left, mouth_right = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert mouth_left[0] < mouth_right[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1])
