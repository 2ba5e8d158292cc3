"""Who is who, on faces that are nothing but places and looks."""

import numpy as np
import pytest

from mdhr_runtime.faces.appearance import pattern
from mdhr_runtime.faces.association import (
    ColourIdentity,
    Observation,
    Track,
    best_match,
    goes_on,
    is_same_face,
    is_same_head,
    resolve_identity_swaps,
    separate,
)
from mdhr_runtime.faces.base import View

ANNE, BERT = np.eye(4, dtype=np.float32)[:2]  # what they look like
PICTURE = np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8)


def box(x, side=100.0):
    return np.array([x, 0, x + side, side])


def seen(x, looks):
    centre, crop = np.array([x + 50, 50], np.float32), np.zeros((4, 4, 3), np.uint8)
    view = View(np.tile(centre, (5, 1)), (0.0, 0.0, 0.0), 0.9)
    return Observation(box(x), 0.99, view, centre, 0.0, crop, looks, pattern(PICTURE))


def track(face_id, x, looks, sees=None, **settings):
    return Track(face_id, box(x), looks, observation=sees, continues=True, **settings)


@pytest.mark.parametrize(("x", "looks", "same"), [(20, ANNE, True), (70, ANNE, False), (20, BERT, False)])
def test_a_face_is_the_same_in_the_same_place_with_the_same_looks(x, looks, same):
    assert is_same_face(track(0, 0, ANNE), seen(0, ANNE), seen(x, looks)) is same


def test_a_picture_goes_on_where_the_face_or_its_place_is_steady_and_not_across_a_cut():
    before, now = seen(0, ANNE), seen(0, ANNE)
    assert goes_on(before, now, PICTURE, 255 - PICTURE)
    now.pattern = -now.pattern
    assert goes_on(before, now, PICTURE, PICTURE)
    assert not goes_on(before, now, PICTURE, 255 - PICTURE)
    now.box = box(-500)  # beyond the image
    goes_on(before, now, PICTURE, PICTURE)
    assert not goes_on(before, before, PICTURE[:100], PICTURE)  # the camera has another size now


def test_no_picture_goes_on_where_a_face_is_much_nearer_at_once():
    before, now = seen(0, ANNE), seen(0, ANNE)
    now.box = box(0, 120)
    assert goes_on(before, now, PICTURE, PICTURE)
    for side in (140, 70):
        now.box = box(0, side)
        assert not goes_on(before, now, PICTURE, PICTURE)


def test_a_doubtful_track_is_to_be_looked_at():
    one = track(0, 0, ANNE, seen(0, ANNE), person=3, verified=True, wait=50)
    one.doubt()
    assert not one.verified
    assert one.wait == 0


def test_by_colours_nobody_is_a_person():
    one = track(0, 0, ANNE, seen(0, BERT))
    who = ColourIdentity()
    who.check(PICTURE, [one])
    who.recognise(PICTURE, [one])
    assert one.observation is not None
    assert one.person is None
    assert who.match(PICTURE, seen(10, ANNE), [one]) is one
    assert who.match(PICTURE, seen(10, BERT), [one]) is None


def test_two_faces_of_nearly_one_centre_are_one_head():
    assert is_same_head(seen(0, ANNE), seen(30, BERT))
    assert not is_same_head(seen(0, ANNE), seen(40, BERT))


@pytest.mark.parametrize("looks", [ANNE, BERT])
def test_one_head_is_left_to_the_face_that_it_looks_like(looks):
    tracks = [track(0, 0, ANNE, seen(10, looks)), track(1, 20, BERT, seen(12, looks))]
    separate(tracks)
    assert [one.observation is not None for one in tracks] == [looks is ANNE, looks is BERT]


def test_one_head_of_two_look_alikes_is_left_to_the_nearer_one():
    tracks = [track(0, 0, ANNE, seen(20, ANNE)), track(1, 30, ANNE, seen(22, ANNE))]
    separate(tracks)
    assert [one.observation is not None for one in tracks] == [False, True]


def test_swapped_faces_are_exchanged_and_do_not_continue():
    first, second = seen(0, BERT), seen(110, ANNE)
    tracks = [track(0, 0, ANNE, first), track(1, 110, BERT, second)]
    resolve_identity_swaps(tracks)
    assert [one.observation for one in tracks] == [second, first]
    assert not any(one.continues for one in tracks)


def test_a_face_that_hides_another_is_given_to_its_own_track():
    tracks = [track(0, 0, ANNE, seen(0, BERT)), track(1, 20, BERT)]
    resolve_identity_swaps(tracks)
    assert tracks[0].observation is None
    assert tracks[1].observation is not None


def test_faces_far_apart_are_never_exchanged():
    tracks = [track(0, 0, ANNE, seen(0, BERT)), track(1, 900, BERT, seen(900, ANNE))]
    resolve_identity_swaps(tracks)
    assert all(one.continues for one in tracks)


def test_a_lost_face_is_found_again_by_its_looks_within_reach():
    anne, bert = track(0, 0, ANNE, missed=1), track(1, 0, BERT, missed=1)
    assert best_match(seen(100, BERT), [anne, bert]) is bert
    assert best_match(seen(100, np.float32([0, 0, 1, 0])), [anne, bert]) is None
    assert best_match(seen(150, ANNE), [anne, bert]) is None
    anne.missed = 10  # by then it may have come further
    assert best_match(seen(150, ANNE), [anne, bert]) is anne


def test_a_track_moves_on_with_its_velocity_which_fades_while_it_is_lost():
    one = track(0, 0, ANNE, seen(0, ANNE))
    for x in (10, 20, 30, 40):
        one.predict()
        one.follow(seen(x, ANNE), [])
    assert 8 < one.velocity[0] <= 10
    one.predict()
    assert one.box[0] == pytest.approx(50, abs=2)
    before = one.velocity[0]
    one.lose()
    assert 0 < one.velocity[0] < before
    assert one.missed == 1


def test_looks_are_remembered_only_without_overlap():
    one = track(0, 0, ANNE)
    one.follow(seen(0, BERT), [box(90)])
    assert (one.appearance == ANNE).all()
    one.follow(seen(0, BERT), [box(110)])
    assert 0 < one.appearance @ BERT < 0.1
