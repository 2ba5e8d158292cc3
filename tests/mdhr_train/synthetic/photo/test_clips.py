import numpy as np
import pytest

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import Layout
from mdhr_train.datasets import BP4D, DISFA, LAYOUTS
from mdhr_train.synthetic.behaviour import EXPRESSIONS, OPPOSED, labels_of, random_intensities
from mdhr_train.synthetic.photo.actions import ACTIONS
from mdhr_train.synthetic.photo.clips import SyntheticClips
from mdhr_train.synthetic.photo.warp import FaceWarper, astronaut

pytest.importorskip("skimage")

# In which part of the face, above or below the tip of the nose, an AU moves most.
UPPER, LOWER = {1, 2, 4, 6, 7, 9}, {10, 12, 14, 15, 17, 23, 24, 25, 26}


@pytest.fixture(scope="module", params=LAYOUTS.values(), ids=LAYOUTS)
def layout(request):
    return request.param


def test_clips_have_the_shapes_and_types_of_training_data(layout):
    clips = SyntheticClips(layout, clips=2, frames=3)
    frames, labels = clips[1]
    assert len(clips) == 2
    assert (frames.shape, frames.dtype) == ((3, 224, 224, 3), np.uint8)
    assert (labels.shape, labels.dtype) == ((3, len(layout.aus)), np.uint8)
    with pytest.raises(IndexError):
        clips[2]


def test_the_seed_and_the_index_say_everything(layout):
    clip = SyntheticClips(layout, clips=4, frames=3, seed=7)[3]
    again = SyntheticClips(layout, clips=9, frames=3, seed=7)[3]
    np.testing.assert_array_equal(clip[0], again[0])
    np.testing.assert_array_equal(clip[1], again[1])
    others = {"index": (7, 2, "train"), "seed": (8, 3, "train"), "part": (7, 3, "test")}
    for name, (seed, index, part) in others.items():
        frames, _ = SyntheticClips(layout, clips=4, frames=3, seed=seed, part=part)[index]
        assert not np.array_equal(frames, clip[0]), name


def test_labels_are_known_without_rendering(layout):
    clips = SyntheticClips(layout, clips=3, frames=4, seed=1)
    labels = clips.labels()
    for index, expected in enumerate(labels):
        np.testing.assert_array_equal(clips[index][1], expected)


def test_every_au_occurs_often_enough_to_be_learnt(layout):
    rates = SyntheticClips(layout, clips=300).labels().mean(axis=(0, 1))
    assert (rates > 0.05).all()
    assert (rates < 0.5).all()


def test_intensities_rise_and_fall_smoothly_and_labels_follow_them(layout):
    intensities = random_intensities(layout.aus, 400, np.random.default_rng(0))
    assert intensities.min() == 0
    assert 0.8 <= intensities.max() <= 1.1
    assert np.abs(np.diff(intensities, axis=0)).max() < 0.45
    np.testing.assert_array_equal(labels_of(intensities), intensities > 0.5)


def test_opposed_aus_do_not_happen_together():
    aus = tuple(ACTIONS)
    active = random_intensities(aus, 5000, np.random.default_rng(0)) > 0
    for a, b in OPPOSED:
        assert not (active[:, aus.index(a)] & active[:, aus.index(b)]).any(), (a, b)


def test_no_event_opposes_itself():
    for group in EXPRESSIONS:
        assert not any(a in group and b in group for a, b in OPPOSED), group


@pytest.mark.parametrize("au", ACTIONS)
def test_an_au_changes_the_part_of_the_face_that_it_moves(au):
    photo = astronaut().trimmed(2.1)
    warper = FaceWarper(photo, (au,))
    rest, _ = warper.render(np.zeros(1))
    half, _ = warper.render(np.full(1, 0.5))
    full, landmarks = warper.render(np.ones(1))
    change = np.abs(full.astype(int) - rest).sum(-1)
    nose = int(photo.middle["nose"][1])
    upper, lower = change[:nose].sum(), change[nose:].sum()
    assert (upper > lower) if au in UPPER else (lower > upper)
    # More intensity, more change; the border of the picture, where there is no face, stays.
    assert 0 < np.abs(half.astype(int) - rest).sum() < change.sum()
    assert change[0].sum() == 0
    assert landmarks.shape == (5, 2)


def test_every_layout_can_be_made():
    assert {au for layout in LAYOUTS.values() for au in layout.aus} == UPPER | LOWER == set(ACTIONS)


def test_skin_never_folds_over_itself():
    photo = astronaut().trimmed(2.1)
    for layout in (BP4D, DISFA):
        warper = FaceWarper(photo, layout.aus)
        for intensities in np.eye(len(layout.aus)):
            move = warper.displacement(intensities)
            # Where a pixel looks for its colour must grow from left to right and from top to bottom.
            assert np.diff(move[..., 0], axis=1).max() < 1
            assert np.diff(move[..., 1], axis=0).max() < 1


def test_a_smile_moves_the_mouth_landmarks_up_and_apart():
    warper = FaceWarper(astronaut().trimmed(2.1), (12,))
    _, rest = warper.render(np.zeros(1))
    _, smile = warper.render(np.ones(1))
    left, right = (smile - rest)[3:]
    assert left[0] < -1 < 1 < right[0]
    assert max(left[1], right[1]) < -1
    np.testing.assert_allclose(smile[:2], rest[:2], atol=0.5)


def test_an_au_without_a_row_in_the_table_is_refused():
    layout = Layout(**{**DISFA.__dict__, "aus": (*DISFA.aus[:-1], 45), "regions": regions_with(45)})
    with pytest.raises(ConfigError, match="AU 45"):
        SyntheticClips(layout, clips=1)


def regions_with(au):
    *others, low = DISFA.regions
    return (*others, type(low)(low.name, (*low.aus[:-1], au), low.rows))
