"""Following faces, on the photo that moves and on two real videos that change places."""

from functools import partial

import cv2
import numpy as np
import pytest

from mdhr_runtime.faces.alignment import align
from mdhr_runtime.faces.boxes import areas
from mdhr_runtime.faces.identity import EmbeddingIdentity, People
from mdhr_runtime.faces.mtcnn import Mtcnn
from mdhr_runtime.faces.tracking import FaceTracker
from mdhr_runtime.sources import Video

BLANK = np.zeros((240, 240, 3), np.uint8)


@pytest.fixture
def track(make_tracker):
    """Track faces through images; gives the faces of each image."""

    def run(images, **settings):
        tracker = make_tracker(**settings)
        return [tracker.find(image) for image in images]

    return run


def ids(found):
    return [sorted(face.face_id for face in faces) for faces in found]


def centre(box):
    x1, y1, x2, y2 = box
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2])


def test_a_face_that_moves_is_one_face(swaying, track):
    found = track(swaying)
    assert ids(found) == [[0]] * 24
    assert [faces[0].continues for faces in found] == [False] + [True] * 23
    for (face,) in found:
        assert face.crop.shape == (224, 224, 3)
        assert face.confidence > 0.9


def test_how_often_is_detected_does_not_change_a_known_face(swaying, track):
    every, rarely = track(swaying, detect_every=1), track(swaying, detect_every=24)
    for (one,), (other,) in zip(every, rarely, strict=True):
        np.testing.assert_array_equal(one.crop, other.crop)
        assert one.box == other.box


def test_detection_runs_when_it_is_due(swaying, detector, model):
    class Counting:
        def __init__(self):
            self.count = 0

        def detect(self, image):
            self.count += 1
            return detector.detect(image)

    counting = Counting()
    tracker = FaceTracker(counting, detector, partial(align, crop=model.layout.crop), detect_every=10)
    for image in swaying[:21]:
        tracker.find(image)
    assert counting.count == 3  # the first, the eleventh and the twenty-first image
    for image in [BLANK] * 4:
        tracker.find(image)
    assert counting.count == 7  # a face that is lost is looked for in every image


@pytest.mark.parametrize(("gap", "expected"), [(3, 0), (4, 1)])
def test_an_id_survives_a_short_gap_and_never_comes_back_after_a_long_one(swaying, track, gap, expected):
    found = track([*swaying[:5], *[BLANK] * gap, *swaying[5:8]], max_gap=3)
    assert ids(found) == [[0]] * 5 + [[]] * gap + [[expected]] * 3
    assert [faces[0].continues for faces in found[5 + gap :]] == [False, True, True]


def test_a_new_face_is_found_at_the_next_detection(swaying, track):
    late = [np.hstack([image, BLANK if number < 3 else image]) for number, image in enumerate(swaying[:10])]
    found = ids(track(late, detect_every=5))
    assert found == [[0]] * 5 + [[0, 1]] * 5


def test_after_missing_images_a_face_keeps_its_id_but_does_not_continue(swaying, make_tracker):
    tracker = make_tracker()
    tracker.find(swaying[0])
    tracker.interrupt()
    (face,) = tracker.find(swaying[3])
    assert (face.face_id, face.continues) == (0, False)


@pytest.fixture(scope="module")
def somebody(media, detector):
    """uint8 (240, 240, 3) RGB: somebody else than the portrait, in the same place."""
    image = cv2.cvtColor(cv2.imread(str(media / "single_face.jpg")), cv2.COLOR_BGR2RGB)
    (box,) = detector.detect(image)
    x, y = np.round(centre(box)).astype(int)
    half = round(1.2 * (box[2] - box[0]))
    return cv2.resize(image[max(y - half, 0) : y + half, max(x - half, 0) : x + half], (240, 240))


def test_what_a_library_rounds_moves_no_face(media, model):
    """ONNX Runtime and OpenVINO differ by as much as this noise."""

    def follow(noise):
        rng, seen = np.random.default_rng(0), []

        def onet(inputs):
            seen.append(inputs["images"])
            found = model.graph("onet")(inputs)
            return {
                name: (each + rng.uniform(-noise, noise, each.shape)).astype(np.float32) for name, each in found.items()
            }

        mtcnn = Mtcnn(model.graph("pnet"), model.graph("rnet"), onet, 48)
        tracker = FaceTracker(mtcnn, mtcnn, partial(align, crop=model.layout.crop))
        boxes = [face.box for frame in Video(media / "single_face.mp4") for face in tracker.find(frame.image)]
        return seen, boxes

    (exact, boxes), (noisy, others) = follow(0), follow(1e-6)
    assert len(boxes) == len(others) == 72
    np.testing.assert_allclose(boxes, others, atol=1e-3)
    for one, other in zip(exact, noisy, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_landmarks_of_a_picture_that_stands_still_come_to_rest(portrait, make_tracker):
    tracker = make_tracker()
    found = [tracker.find(portrait)[0].view.landmarks for _ in range(30)]
    assert all((one == found[-1]).all() for one in found[15:])


def test_another_person_in_the_same_place_is_another_face(swaying, somebody, track):
    """A cut from one film to another."""
    found = track([*swaying[:4], *[somebody] * 4])
    assert ids(found) == [[0]] * 4 + [[1]] * 4
    assert not found[4][0].continues


def grey(image):
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


@pytest.fixture
def recognise(track, embedder):
    """Track faces through images and recognise them; gives for each image the faces' ids, persons and continuations."""

    def run(images, people=None, **settings):
        identity = EmbeddingIdentity(embedder, people or People())
        found = track(images, identity=identity, **settings)
        return [sorted((face.face_id, face.person, face.continues) for face in faces) for faces in found]

    return run


def test_a_cut_in_grey_to_somebody_else_and_back_changes_the_person_and_no_stream_goes_on(swaying, somebody, recognise):
    images = [*swaying[:3], *[somebody] * 3, *swaying[3:6]]
    found = recognise([grey(image) for image in images])
    assert found == [[(face, face, number % 3 > 0)] for number, face in enumerate([0] * 3 + [1] * 3 + [0] * 3)]


@pytest.mark.parametrize(
    "light", [grey, lambda image: (((image / 255) ** 2.2 / 4) ** (1 / 2.2) * 255).astype(np.uint8)]
)
def test_a_change_of_light_changes_nobody_and_no_stream_goes_on(swaying, recognise, light):
    found = recognise([*swaying[:4], *map(light, swaying[4:8])])
    assert found == [[(0, 0, number not in (0, 4))] for number in range(8)]


def test_no_stream_goes_on_across_a_jump_to_the_same_person(swaying, recognise):
    found = recognise([*swaying[:4], *(np.ascontiguousarray(image[:, ::-1]) for image in swaying[4:8])])
    assert found == [[(0, 0, number not in (0, 4))] for number in range(8)]


def test_whoever_comes_back_is_the_same_person_whatever_the_gap_and_the_source(swaying, somebody, recognise):
    people = People()
    elsewhere = [np.hstack([BLANK, image]) for image in swaying[5:8]]
    found = recognise(
        [*[np.hstack([image, BLANK]) for image in swaying[:3]], *[np.hstack([BLANK] * 2)] * 5, *elsewhere],
        people,
        max_gap=3,
    )
    assert [[face[:2] for face in faces] for faces in found] == [[(0, 0)]] * 3 + [[]] * 5 + [[(1, 0)]] * 3
    assert [[face[:2] for face in faces] for faces in recognise([somebody, swaying[0]], people)] == [[(0, 1)], [(1, 0)]]


def test_one_face_twice_in_a_picture_is_two_faces_of_one_person(swaying, recognise):
    found = recognise([np.hstack([image, image]) for image in swaying[:3]])
    assert [[face[:2] for face in faces] for faces in found] == [[(0, 0), (1, 0)]] * 3


def test_a_face_that_is_not_seen_clearly_has_no_person(swaying, recognise):
    found = recognise([cv2.GaussianBlur(image, (0, 0), 6) for image in swaying[:3]])
    assert [[face[:2] for face in faces] for faces in found] == [[(0, None)]] * 3


def test_a_camera_that_changes_its_resolution_keeps_the_ids(swaying, track):
    larger = [cv2.resize(image, (400, 400)) for image in swaying[4:8]]
    assert ids(track([*swaying[:4], *larger])) == [[0]] * 8


@pytest.mark.parametrize("step", [(0, 9), (9, 0), (0, -9), (-9, 0)], ids=["right", "down", "left", "up"])
def test_a_face_may_leave_the_picture(portrait, track, step):
    matrices = [np.float32([[1, 0, step[1] * n], [0, 1, step[0] * n]]) for n in range(24)]
    images = [cv2.warpAffine(portrait, matrix, (240, 240)) for matrix in matrices]
    found = track(images)
    assert ids(found)[:4] == [[0]] * 4
    assert found[-1] == []
    for faces in found:
        for face in faces:
            assert min(face.box) >= 0
            assert max(face.box) <= 239


def test_faces_that_shrink_to_nothing_or_turn_away_break_nothing(portrait, track):
    shrinking = [cv2.resize(portrait, (side, side)) for side in range(240, 8, -12)]
    padded = [np.pad(image, ((0, 240 - len(image)), (0, 240 - len(image)), (0, 0))) for image in shrinking]
    narrow = [cv2.resize(portrait, (width, 240)) for width in range(240, 20, -20)]  # as a head that turns
    narrow = [np.pad(image, ((0, 0), (0, 240 - image.shape[1]), (0, 0))) for image in narrow]
    for images in (padded, narrow):
        found = track(images)
        assert ids(found)[0] == [0]
        assert found[-1] == []


def test_a_face_that_lies_is_none_and_is_told_by_how_to_turn_it(portrait, make_tracker):
    tracker, side = make_tracker(detect_every=2), np.ascontiguousarray(np.rot90(portrait, -1))
    images = [side, np.hstack([portrait, side]), np.hstack([portrait, BLANK]), np.hstack([portrait, BLANK])]
    found = [(len(tracker.find(image)), tuple(tracker.lying)) for image in images]
    assert found == [(0, (270,)), (1, (270,)), (1, (270,)), (1, ())]  # the third is not searched
    tracker.find(np.hstack([BLANK, side]))
    assert tracker.lying == (270,)
    tracker.interrupt()
    assert tracker.lying == ()
    assert tracker.shows_face(portrait)
    assert not tracker.shows_face(side)
    assert not tracker.shows_face(BLANK)


@pytest.mark.parametrize("farthest", [50, 180])
def test_a_head_that_rolls_is_followed_as_long_as_it_is_upright(portrait, track, farthest):
    rolls = [*range(0, farthest, 5), *range(farthest, -1, -5)]
    matrices = [cv2.getRotationMatrix2D((120, 120), -degrees, 1) for degrees in rolls]
    images = [cv2.warpAffine(portrait, matrix, (240, 240), borderMode=cv2.BORDER_REPLICATE) for matrix in matrices]
    for degrees, faces in zip(rolls, track(images, max_gap=99), strict=True):
        if degrees <= 40:
            assert [face.face_id for face in faces] == [0]
        elif degrees >= 75:
            assert faces == []


@pytest.fixture(scope="module")
def people(media, detector):
    """Cut-outs uint8 (T, 300, 300, 3) of two real videos with the face in the middle, 72 frames each."""

    def cut_out(name):
        images = [frame.image for frame, _ in zip(Video(media / name), range(72), strict=False)]
        boxes = detector.detect(images[0])
        x, y = np.round(centre(boxes[areas(boxes).argmax()])).astype(int)
        padded = [cv2.copyMakeBorder(image, 150, 150, 150, 150, cv2.BORDER_REPLICATE) for image in images]
        return [image[y : y + 300, x : x + 300] for image in padded]

    return cut_out("single_face.mp4"), cut_out("WolfgangLanger_Pexels.mp4")


@pytest.mark.slow
@pytest.mark.parametrize("passing", ["in front", "behind", "below"])
@pytest.mark.parametrize("detect_every", [1, 10])
def test_two_people_who_change_places_keep_their_ids(people, track, passing, detect_every):
    """One comes from the left and one from the right; in the middle one hides the other, or passes below."""
    check_that_ids_stay(*crossing(people, passing), track, detect_every=detect_every)


@pytest.mark.slow
@pytest.mark.parametrize("passing", ["in front", "behind"])
def test_two_people_who_change_places_in_grey_stay_who_they_are(people, track, embedder, passing):
    images, places = crossing(people, passing)
    images = [grey(image) for image in images]
    found = check_that_ids_stay(images, places, track, identity=EmbeddingIdentity(embedder, People()))
    assert {(face.face_id, face.person) for faces in found for face in faces} <= {(0, 0), (1, 1), (0, None), (1, None)}
    assert sum(face.person is None for faces in found for face in faces) < 10


def crossing(people, passing):
    """A film of two people who change places, and where their faces are."""
    images, places = [], []
    for number, (one, other) in enumerate(zip(*people, strict=True)):
        share = np.clip((number - 8) / 56, 0, 1)
        left, right = round(20 + share * 940), round(960 - share * 940)
        image = np.full((520, 1280, 3), 90, np.uint8)
        layers = [(one, left, 0), (other, right, 220 if passing == "below" else 0)]
        for person, x, y in layers[::-1] if passing == "in front" else layers:
            image[y : y + 300, x : x + 300] = person
        images.append(image)
        places.append([np.array([x + 150, y + 150]) for _, x, y in layers])
    return images, places


def check_that_ids_stay(images, places, track, **settings):
    found = track(images, **settings)
    apart = [number for number in range(72) if abs(places[number][0][0] - places[number][1][0]) > 300]
    assert len(apart) > 40
    for number in apart:
        by_id = {face.face_id: centre(face.box) for face in found[number]}
        assert set(by_id) == {0, 1}
        nearest = [min((0, 1), key=lambda face: np.linalg.norm(by_id[face] - place)) for place in places[number]]
        if number == 0:
            expected = nearest
        assert nearest == expected
    assert {face.face_id for faces in found for face in faces} == {0, 1}
    return found
