import cv2
import numpy as np
import pytest

from mdhr_train.datasets import BP4D, DISFA, LAYOUTS
from mdhr_train.synthetic.behaviour import Behaviour, random_behaviour
from mdhr_train.synthetic.rendered.canvas import Movement, mouth_depth, view_of
from mdhr_train.synthetic.rendered.face import ACTIONS, Controls, random_identity
from mdhr_train.synthetic.rendered.film import DISTURBED_FRACTION, FaceRenderer, Scene, disturb, film_rendered

SIDE = 256
UPPER = {1, 2, 4, 6, 7, 9}
"""AUs that change the face most above the tip of the nose."""


def renderer(layout, seed=0, fringe=None):
    identity = random_identity(mouth_depth(layout.crop), np.random.default_rng(seed))
    return FaceRenderer(identity, layout.crop, np.full((SIDE, SIDE, 3), 90, np.uint8), fringe=fringe)


def change(first, second):
    return np.abs(first.astype(int) - second).sum(axis=-1)


@pytest.fixture(scope="module", params=LAYOUTS.values(), ids=LAYOUTS)
def layout(request):
    return request.param


@pytest.mark.parametrize("au", ACTIONS)
def test_an_au_changes_the_part_of_the_face_that_it_moves(au):
    layout = BP4D if au in BP4D.aus else DISFA
    face, view = renderer(layout), view_of(layout.crop)
    rest, half, full = (
        face.draw(Controls(*(share * np.array(ACTIONS[au])).tolist()), view).copy() for share in (0, 0.5, 1)
    )
    nose = round(float(view(np.zeros(1), np.array([face.identity.nose_y]))[0, 1]))
    upper, lower = change(rest, full)[:nose].sum(), change(rest, full)[nose:].sum()
    assert (upper > lower) == (au in UPPER)
    # More intensity, more change; enough of it to be seen.
    assert 0 < change(rest, half).sum() < change(rest, full).sum()
    assert (change(rest, full) > 30).sum() > 60


def test_eyes_and_mouth_lie_where_the_crop_has_them(layout):
    face, crop = renderer(layout), layout.crop
    view = view_of(crop)
    eyes = view(np.array([-0.5, 0.5]), np.zeros(2)) / SIDE
    np.testing.assert_allclose(eyes[:, 0], [crop.left_eye[0], crop.right_eye[0]], atol=0.01)
    np.testing.assert_allclose(eyes[:, 1], crop.left_eye[1], atol=0.01)
    image = face.draw(Controls(), view)
    blink = face.draw(Controls(upper_lid=1.0, lower_lid=1.0), view)
    column, row = np.argwhere(change(image, blink) > 30).mean(axis=0)[::-1] / SIDE
    assert abs(column - (crop.left_eye[0] + crop.right_eye[0]) / 2) < 0.02
    assert abs(row - crop.left_eye[1]) < 0.03
    smile = face.draw(ACTIONS[12], view)
    lips = np.argwhere(change(image, smile)[round(0.6 * SIDE) :] > 30)
    assert abs(lips[:, 1].mean() / SIDE - crop.mouth[0]) < 0.03


def test_a_fringe_hides_the_brows_and_leaves_the_mouth(layout):
    view = view_of(layout.crop)
    seen = {}
    for fringe in (None, 0.2):
        face = renderer(layout, fringe=fringe)
        rest = face.draw(Controls(), view)
        seen[fringe] = [change(rest, face.draw(ACTIONS[au], view)).sum() for au in (1, 2, 12)]
    brows_free, brows_hidden = np.array(seen[None][:2]), np.array(seen[0.2][:2])
    assert (brows_hidden < 0.1 * brows_free).all()
    assert seen[0.2][2] == pytest.approx(seen[None][2], rel=0.05)


def test_persons_differ_more_than_expressions():
    view = view_of(BP4D.crop)
    faces = [renderer(BP4D, seed) for seed in range(6)]
    neutral = [face.draw(Controls(), view) for face in faces]
    between = [change(a, b).mean() for i, a in enumerate(neutral) for b in neutral[:i]]
    within = [change(face.draw(ACTIONS[12], view), rest).mean() for face, rest in zip(faces, neutral, strict=True)]
    assert min(between) > max(within)


def test_what_stands_out_moves_more_when_the_head_turns():
    x, y = np.zeros(1), np.zeros(1)
    straight, turned = view_of(BP4D.crop), view_of(BP4D.crop, yaw=0.2)
    eyes, nose, ears = ((turned(x, y, z) - straight(x, y, z))[0, 0] for z in (0.0, 0.3, -0.3))
    assert ears < eyes == 0 < nose


def test_heads_move_slowly(layout):
    for seed in range(20):
        movement = Movement.random(layout.crop, np.random.default_rng(seed))
        places = np.stack([movement.view(time)(np.zeros(1), np.ones(1), 0.3)[0] for time in range(64)])
        assert np.abs(np.diff(places, axis=0)).max() < 2
        assert np.ptp(places, axis=0).max() > 0.1


def test_disturbed_frames_come_alone_and_at_the_stated_rate():
    scenes = [Scene.random(16, 200, np.random.default_rng(seed)) for seed in range(100)]
    disturbed = np.stack([scene.disturbed for scene in scenes])
    assert not (disturbed[:, 1:] & disturbed[:, :-1]).any()
    assert disturbed.mean() == pytest.approx(DISTURBED_FRACTION, rel=0.1)


def test_every_disturbance_hides_something():
    image = renderer(BP4D).draw(Controls(), view_of(BP4D.crop))
    for seed in range(12):
        assert change(disturb(image, np.random.default_rng(seed)), image).mean() > 5, seed


def test_a_film_has_a_frame_per_row_of_behaviour_and_the_generator_says_everything(layout):
    def shoot(seed):
        rng = np.random.default_rng(seed)
        identity = random_identity(mouth_depth(layout.crop), rng)
        return np.stack(list(film_rendered(layout, identity, random_behaviour(layout, 5, rng), rng)))

    first, same, other = shoot(1), shoot(1), shoot(2)
    assert (first.shape, first.dtype) == ((5, SIDE, SIDE, 3), np.uint8)
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_a_tremble_is_smaller_than_what_tells_persons_apart():
    depths = [random_identity(1.0, np.random.default_rng(seed)).mouth_y for seed in range(50)]
    tremor = 2 * 0.03
    assert np.ptp(depths) >= 0.9 * tremor
    still = Behaviour(
        np.ones((2, 12)) * (np.array(BP4D.aus) == 23), np.array([[-1.0], [1.0]]) * np.ones(12), np.zeros(2)
    )
    rng = np.random.default_rng(0)
    low, high = film_rendered(BP4D, random_identity(mouth_depth(BP4D.crop), rng), still, rng)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (low, high)]
    assert change(*(g[..., None] for g in grey)).max() > 20
