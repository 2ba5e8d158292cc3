import numpy as np
import pytest

from mdhr_train.datasets import BP4D, DISFA, LAYOUTS
from mdhr_train.synthetic.photo_actions import ACTIONS
from mdhr_train.synthetic.photo_warp import FaceWarper, astronaut

pytest.importorskip("skimage")

# In which part of the face, above or below the tip of the nose, an AU moves most.
UPPER, LOWER = {1, 2, 4, 6, 7, 9}, {10, 12, 14, 15, 17, 23, 24, 25, 26}


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
