"""Who is who: the embedder on real faces, the people of a run on plain vectors, and what is made of both."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from mdhr_runtime.faces import identity
from mdhr_runtime.faces.association import Observation, Track
from mdhr_runtime.faces.base import View
from mdhr_runtime.faces.identity import (
    MOST_LOOKS,
    MOST_TEMPLATES,
    OTHER,
    PATIENCE,
    PERIOD,
    SAME,
    SURE,
    EmbeddingIdentity,
    People,
)

LANDMARKS = np.float32([[40, 40], [60, 40], [50, 50], [42, 62], [58, 62]])


def like(likeness, person=0):
    """A unit vector of a likeness to the one of a person; those of different people are not alike at all."""
    vector = np.zeros(128, np.float32)
    vector[2 * person : 2 * person + 2] = likeness, np.sqrt(1 - likeness**2)
    return vector


@pytest.fixture(scope="module")
def embedding(detector, embedder):
    """The embedding of the one face in a picture."""

    def of(image, change=lambda image: image):
        image = change(image)
        _, _, landmarks = detector.refine(image, detector.detect(image)[:1])
        return embedder.embed(image, landmarks[0])

    return of


CHANGES = {
    "grey": lambda image: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
    "dark": lambda image: (((image / 255) ** 2.2 / 4) ** (1 / 2.2) * 255).astype(np.uint8),
    "mirrored": lambda image: image[:, ::-1].copy(),
    "half": lambda image: cv2.resize(image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA),
    "large": lambda image: cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_face_is_known_whatever_the_picture_is_like(portrait, embedding, change):
    before, after = embedding(portrait), embedding(portrait, change)
    assert (after.shape, after.dtype) == ((128,), np.float32)
    assert np.linalg.norm(after) == pytest.approx(1, abs=1e-5)
    assert before @ after > SAME


def test_people_differ_also_in_grey_and_one_in_two_frames_does_not(portrait, media, embedding):
    def frame(name, number):
        capture = cv2.VideoCapture(str(media / name))
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        return cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)

    for change in (lambda image: image, CHANGES["grey"]):
        early, late = (embedding(frame("single_face.mp4", number), change) for number in (0, 60))
        other = embedding(frame("WolfgangLanger_Pexels.mp4", 0), change)
        assert early @ late > SAME
        for one, another in ((early, other), (late, other), (early, embedding(portrait, change))):
            assert one @ another < OTHER


def seen(x=0.0, looks=0, quality=0.9):
    """An observation at a place; its colours are those of a number."""
    shift = np.float32([x, 0])
    box = np.array([30 + x, 30, 70 + x, 70])
    view = View(LANDMARKS + shift, (0.0, 0.0, 0.0), quality)
    histogram = np.eye(64, dtype=np.float32)[looks]
    crop = np.zeros((4, 4, 3), np.uint8)
    return Observation(box, 0.99, view, LANDMARKS.mean(axis=0) + shift, 0.0, crop, histogram, histogram)


def test_people_are_numbered_as_they_come_and_recognised():
    people = People()
    assert [people.recognise(like(1, person)) for person in (0, 1, 2, 1, 0)] == [0, 1, 2, 1, 0]
    assert people.recognise(like(SAME + 0.01, 2)) == 2


def test_a_face_like_somebodys_is_left_open_for_a_while():
    people = People()
    people.recognise(like(1))
    doubtful = like((SAME + OTHER) / 2)
    assert people.recognise(doubtful) is None
    assert people.recognise(doubtful, new_below=SURE) == 1


@pytest.mark.parametrize(("likeness", "expected"), [(SURE + 0.01, 0), ((SURE + SAME) / 2, None)])
def test_two_faces_at_a_time_are_one_persons_only_if_they_are_nearly_one_picture(likeness, expected):
    people = People()
    people.recognise(like(1))
    assert people.recognise(like(likeness), beside={0}) == expected
    assert people.recognise(like(likeness), beside={0}, new_below=SURE) == (1 if expected is None else 0)


def test_a_person_is_known_by_a_few_faces_of_which_the_first_stays():
    people = People()
    person = people.recognise(like(1))
    views = [like(1, number) for number in range(1, MOST_TEMPLATES + 5)]
    for view in views:
        people.remember(person, view)
    kept = [people.likeness(person, view) == pytest.approx(1) for view in views]
    assert kept == [False] * 5 + [True] * (MOST_TEMPLATES - 1)
    assert people.likeness(person, like(1)) == pytest.approx(1)


def test_those_who_were_seen_longest_ago_are_forgotten(monkeypatch):
    monkeypatch.setattr(identity, "MOST_PEOPLE", 3)
    people = People()
    for person in (0, 1, 2, 0, 3):
        people.recognise(like(1, person))
    assert [people.likeness(person, like(1, person)) > 0 for person in range(4)] == [True, False, True, True]
    assert people.recognise(like(1, 1)) == 4  # numbers are not used again


def test_threads_agree_on_who_is_who():
    people = People()
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda number: people.recognise(like(1, number % 5)), range(500)))
    assert len({(number % 5, person) for number, person in enumerate(numbers)}) == 5


def test_embeddings_are_neither_shown_nor_written():
    people = People()
    people.recognise(like(1))
    assert repr(people) == "People(1 of 1)"
    with pytest.raises(TypeError):
        pickle.dumps(people)
    observation = seen()
    observation.embedding = like(1)
    assert "embedding" not in repr(observation)


class Faces:
    """Stands in for the embedder: whose face is where is told beforehand, by the landmarks' x in hundreds of pixels."""

    def __init__(self, *embeddings):
        self.embeddings = list(embeddings)
        self.looks = 0

    def embed(self, image, landmarks):
        self.looks += 1
        return self.embeddings[int(landmarks[2, 0] // 100)]


@pytest.fixture
def scene():
    """Make faces side by side, their tracks and who tells them apart."""

    def make(*embeddings):
        faces = Faces(*embeddings)
        who = EmbeddingIdentity(faces, People())
        tracks = [
            Track(number, seen(100 * number).box, seen(0, number).appearance) for number in range(len(embeddings))
        ]
        image = np.zeros((100, 100 * len(embeddings), 3), np.uint8)

        def frame():
            """Everybody is seen; gives the tracks that keep what they see."""
            for number, track in enumerate(tracks):
                track.observation = seen(100 * number, number)
            who.check(image, tracks)
            kept = [track.face_id for track in tracks if track.observation is not None]
            who.recognise(image, tracks)
            return kept

        return faces, who, tracks, frame, image

    return make


def persons(tracks):
    return [track.person if track.verified else None for track in tracks]


def test_faces_are_recognised_at_once_and_looked_at_rarely(scene):
    faces, _, tracks, frame, _ = scene(like(1, 0), like(1, 1))
    for _ in range(2 * PERIOD + 1):
        assert frame() == [0, 1]
        assert persons(tracks) == [0, 1]
    assert faces.looks == 6


def test_of_a_crowd_a_few_are_looked_at_in_each_frame(scene):
    faces, _, tracks, frame, _ = scene(*(like(1, number) for number in range(50)))
    for number in range(1, 40):
        frame()
        assert faces.looks <= number * MOST_LOOKS
    assert sorted(persons(tracks)) == list(range(50))


def test_a_face_that_may_be_somebodys_is_a_new_persons_after_some_looks(scene):
    faces, _, tracks, frame, _ = scene(like(1), like((SAME + OTHER) / 2))
    while persons(tracks)[1] is None:
        frame()
        assert faces.looks <= PATIENCE + 2
    assert faces.looks == PATIENCE + 2
    assert persons(tracks) == [0, 1]


def test_a_face_that_may_be_covered_is_a_new_persons_only_after_some_looks(scene):
    faces, _, tracks, frame, _ = scene(like(1, 0), like(1, 1))
    tracks[1].box = tracks[0].box + 20
    frame()
    assert persons(tracks) == [None, None]
    while None in persons(tracks):
        frame()
        assert faces.looks <= 2 * PATIENCE + 2


def test_one_odd_look_ends_nothing_and_two_end_the_track(scene):
    faces, _, tracks, frame, _ = scene(like(1))
    frame()
    for looks in (1, 2):
        faces.embeddings = [like(1, 5)]
        tracks[0].wait = 0
        for _ in range(looks - 1):
            assert frame() == [0]
        assert frame() == ([0] if looks == 1 else [])
        faces.embeddings = [like(1)]
        assert frame() == [0]


def test_after_a_jump_of_the_picture_one_look_is_enough(scene):
    faces, _, tracks, frame, _ = scene(like(1))
    frame()
    faces.embeddings = [like(1, 5)]
    tracks[0].doubt()
    assert persons(tracks) == [None]
    assert frame() == []


def test_faces_that_were_exchanged_are_lost_at_once_and_found_by_their_own_tracks(scene):
    faces, who, tracks, frame, image = scene(like(1, 0), like(1, 1))
    frame()
    faces.embeddings.reverse()
    tracks[0].wait = 0
    assert frame() == []
    for track in tracks:
        track.observation = None
    assert who.match(image, seen(0), tracks) is tracks[1]
    assert who.match(image, seen(100), tracks) is tracks[0]


def test_parting_and_hiding_faces_are_looked_at(scene):
    faces, who, tracks, frame, image = scene(like(1, 0), like(1, 1))
    frame()
    looks = faces.looks
    tracks[1].box = tracks[0].box + 20
    frame()
    assert faces.looks == looks
    tracks[1].box = seen(100).box
    frame()
    assert faces.looks == looks + 2  # they have parted
    tracks[1].box = tracks[0].box + 20
    frame()
    tracks[1].observation = None
    who.check(image, tracks)
    assert faces.looks == looks + 3  # one hides the other, or is it the other way round?


def test_a_lost_face_comes_back_anywhere_if_it_is_clear_and_nearby_if_it_is_not(scene):
    faces, who, tracks, frame, image = scene(like(1, 0), like(1, 1))
    frame()
    faces.embeddings.append(like(1, 0))
    image = np.zeros((100, 300, 3), np.uint8)
    assert who.match(image, seen(200), tracks) is tracks[0]
    assert who.match(image, seen(200, 1, quality=0.1), tracks) is None
    assert who.match(image, seen(110, 1, quality=0.1), tracks) is tracks[1]
    who.check(image, [])  # the next frame
    faces.embeddings[1] = like(1, 2)
    assert who.match(image, seen(110, 1), tracks) is None  # the same colours, but somebody else
    faces.embeddings[1] = like((SAME + OTHER) / 2, 1)
    assert who.match(image, seen(110, 1), tracks) is tracks[1]
