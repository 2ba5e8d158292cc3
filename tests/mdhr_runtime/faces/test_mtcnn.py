import cv2
import numpy as np
import pytest

from mdhr_runtime.faces.boxes import areas
from mdhr_runtime.faces.mtcnn import mosaic, patches, scales

# Box and landmarks that mtcnn 1.0 gives for the photo with TensorFlow.
BOX = [181.6, 63.7, 264.6, 171.1]
LANDMARKS = [[203.5, 100.1], [245.4, 102.2], [224.2, 126.4], [201.8, 138.6], [244.4, 140.4]]


@pytest.mark.parametrize("min_face", [20, 48, 80])
def test_box_and_landmarks_are_those_of_the_package(photo, make_detector, min_face):
    detector = make_detector(min_face)
    boxes = detector.detect(photo)
    box = boxes[areas(boxes).argmax()]
    _, (score,), (landmarks,) = detector.refine(photo, box[None])
    assert score > 0.99
    assert landmarks.dtype == np.float32
    # The patches are sampled differently on purpose, so within 4 % of the face's width.
    np.testing.assert_allclose(landmarks, LANDMARKS, atol=3.5)
    np.testing.assert_allclose(box, BOX, atol=9)


def test_a_place_without_a_face_is_none(photo, detector):
    _, scores, _ = detector.refine(photo, np.array([BOX, [0, 300, 100, 400]]))
    assert scores[0] > 0.99
    assert scores[1] < 0.2


def test_refined_boxes_do_not_depend_on_where_exactly_was_looked(photo, detector):
    around = np.array([[0, 0, 0, 0], [12, 0, 12, 0], [-8, -8, 8, 8]]) + BOX
    boxes, scores, landmarks = detector.refine(photo, around)
    assert (scores > 0.99).all()
    assert np.abs(boxes - boxes[0]).max() < 10
    assert np.abs(landmarks - landmarks[0]).max() < 4


def test_every_face_is_found(photo, detector):
    half = cv2.resize(photo, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    both = np.zeros((512, 512 + half.shape[1], 3), np.uint8)
    both[:, :512] = photo
    both[: half.shape[0], 512:] = half
    boxes = detector.detect(both)
    large, small = boxes[np.argsort(-areas(boxes))]
    assert large[2] < 512 < small[0]


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
    assert detector.detect(image).shape == (0, 4)


def test_faces_below_the_limit_are_not_looked_for(photo, make_detector):
    assert not len(make_detector(320).detect(photo))


def test_a_face_at_the_edge_keeps_its_box_inside(photo, detector):
    (box,) = detector.detect(photo[85:])
    assert min(box) >= 0
    assert box[1] == 0


def test_scales_reach_from_the_smallest_face_to_the_whole_image():
    found = scales((360, 640), 48)
    assert found[0] == 12 / 48
    assert 12 <= 360 * found[-1] < 12 / 0.709
    assert scales((40, 640), 48) == []


def test_the_scales_lie_apart_in_the_mosaic_where_windows_are_their_own():
    image = np.full((359, 641, 3), 255, np.uint8)
    sheet, places = mosaic(image, scales((359, 641), 48))
    covered = np.zeros(sheet.shape[:2], int)
    for x, y, width, height in places:
        assert x % 2 == y % 2 == 0
        assert (sheet[y : y + height, x : x + width] == 255).all()
        covered[y : y + height + 1, x : x + width + 1] += 1
    assert covered.max() == 1
    assert (sheet == 128).any()


def test_what_p_net_finds_in_the_mosaic_is_what_it_finds_in_each_scale_by_itself(photo, model, detector):
    factors = scales(photo.shape[:2], 48)
    sheet, places = mosaic(photo, factors)
    pnet = model.graph("pnet")
    whole = pnet({"images": sheet[None]})["scores"][0, 0]
    for x, y, width, height in places:
        (alone,) = pnet({"images": sheet[None, y : y + height, x : x + width].copy()})["scores"][0]
        rows, columns = (height - 10) // 2, (width - 10) // 2  # whole windows
        there = whole[y // 2 : y // 2 + rows, x // 2 : x // 2 + columns]
        np.testing.assert_allclose(there, alone[:rows, :columns], atol=1e-5)


def test_patches_average_and_show_grey_beyond_the_image():
    image = np.zeros((100, 100, 3), np.uint8)
    image[:, 1::2] = 200  # stripes of one pixel: single samples would be 0 or 200
    inside, across = patches(image, np.array([[0.5, 0.5, 95.5, 95.5], [-95.5, 0.5, 95.5, 191.5]]), 24)
    assert abs(inside.astype(int) - 100).max() <= 25
    assert (across[:, :11] == 128).all()
    assert (across[13:] == 128).all()


def test_photo_of_the_media(media, detector):
    image = cv2.cvtColor(cv2.imread(str(media / "single_face.jpg")), cv2.COLOR_BGR2RGB)
    _, _, landmarks = detector.refine(image, detector.detect(image))
    ((left_eye, right_eye, nose, mouth_left, mouth_right),) = landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert mouth_left[0] < mouth_right[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1])
