"""Which of the faces are given, and for how long."""

import numpy as np
import pytest

from mdhr_runtime.errors import FramesError
from mdhr_runtime.faces import FoundFace
from mdhr_runtime.faces.choice import PATIENCE, Choice, ChosenFaces

CROP = np.zeros((2, 2, 3), np.uint8)
SIZE = (640, 360)
LEFT, RIGHT, MIDDLE = (100, 180), (540, 180), (320, 180)


def face(face_id, centre, side, continues=True):
    x, y = centre
    return FoundFace(face_id, (x - side / 2, y - side / 2, x + side / 2, y + side / 2), 0.9, CROP, continues)


def given(choice, frames, size=SIZE):
    """The ids that come out of each frame."""
    chosen = ChosenFaces(choice)
    return [[one.face_id for one in chosen.of(faces, *size)] for faces in frames]


def pair(first, second):
    return [face(0, LEFT, first), face(1, RIGHT, second)]


def test_all_are_given_as_they_are():
    chosen = ChosenFaces(Choice())
    chosen.of(pair(100, 50), *SIZE)
    crowd = [*pair(100, 50), face(2, MIDDLE, 300, continues=False)]
    assert [(one.face_id, one.continues) for one in chosen.of(crowd, *SIZE)] == [(0, True), (1, True), (2, False)]


def test_the_largest_is_given_until_another_is_clearly_larger_for_some_time():
    frames = [pair(100, 80), *[pair(100, 124)] * 40, *[pair(100, 126)] * PATIENCE, *[pair(100, 81)] * 40]
    ids = given(Choice(most=1), frames)
    assert ids == [[0]] * (40 + PATIENCE) + [[1]] * 41


def test_a_moment_does_not_count_and_neither_do_moments_together():
    frames = [pair(100, 50), *([pair(100, 200)] * (PATIENCE - 1) + [pair(100, 100)]) * 4]
    assert given(Choice(most=1), frames) == [[0]] * len(frames)


def test_whoever_is_gone_for_a_moment_keeps_its_place_and_later_loses_it():
    alone = [face(1, RIGHT, 50)]
    frames = [pair(100, 50), *[alone] * (PATIENCE - 1), pair(100, 50), *[alone] * PATIENCE, pair(60, 50)]
    ids = given(Choice(most=1), frames)
    assert ids == [[0], *[[]] * (PATIENCE - 1), [0], *[[]] * (PATIENCE - 1), [1], [1]]


def test_a_place_that_is_free_is_given_at_once():
    frames = [[face(0, LEFT, 50)], *[[]] * PATIENCE, [face(7, RIGHT, 20)]]
    assert given(Choice(most=1), frames)[-1] == [7]
    assert given(Choice(most=2), [[face(0, LEFT, 50)], pair(50, 20)])[-1] == [0, 1]


def test_the_largest_of_many_stay_together():
    crowd = [face(one, (60 * one + 30, 100), 30 + one) for one in range(9)]
    grown = [face(one, (60 * one + 30, 100), 60 if one == 4 else 30 + one) for one in range(9)]
    shuffled = [grown[::-1], grown] * 20
    ids = [sorted(frame) for frame in given(Choice(most=3), [crowd, *shuffled])]
    assert ids == [[6, 7, 8]] * PATIENCE + [[4, 7, 8]] * (41 - PATIENCE)


@pytest.mark.parametrize("point", [(500, 170), (0.8, 0.5)])
def test_the_nearest_to_a_point_in_pixels_and_in_fractions(point):
    frames = [pair(200, 50), *[[face(0, (504, 180), 200), face(1, RIGHT, 50)]] * PATIENCE]
    assert given(Choice(1, point), frames) == [[1]] * PATIENCE + [[0]]


def test_a_face_belongs_to_the_region_of_its_centre_with_a_little_grace():
    way = [face(0, (x, 180), 40) for x in (322, 318, 309, 312, 318, 321)]
    assert given(Choice(region=(320, 0, 320, 360)), [[one] for one in way]) == [[0], [0], [], [], [], [0]]
    assert given(Choice(region=(0.5, 0, 0.5, 1)), [[one] for one in way]) == [[0], [0], [], [], [], [0]]


def test_a_face_that_comes_to_be_given_begins():
    chosen = ChosenFaces(Choice(region=(320, 0, 320, 360)))
    outside, inside = face(0, LEFT, 50), face(0, RIGHT, 50)
    begun = [[one.continues for one in chosen.of([each], *SIZE)] for each in (outside, inside, inside, outside, inside)]
    assert begun == [[], [False], [True], [], [False]]


def test_places_stay_in_place_when_the_pictures_change_their_size():
    choice = Choice(region=(320, 180, 320, 180))
    chosen = ChosenFaces(choice)
    assert len(chosen.of([face(0, (480, 270), 50)], 640, 360)) == 1
    assert len(chosen.of([face(0, (240, 135), 25)], 320, 180)) == 1


@pytest.mark.parametrize(
    ("choice", "what"),
    [
        (Choice(region=(2000, 0, 100, 100)), "The region 2000,0,100,100 is outside of the picture."),
        (Choice(1, (320, 400)), "The point 320,400 is outside of the picture."),
        (Choice(1, (320, 180), (0.75, 0, 0.25, 1)), "The point 320,180 is outside of the region 0.75,0,0.25,1."),
    ],
)
def test_contradictions_are_told(choice, what):
    with pytest.raises(FramesError) as told:
        ChosenFaces(choice).of([], *SIZE)
    assert told.value.what == what
