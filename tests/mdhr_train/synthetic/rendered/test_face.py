import numpy as np
import pytest

from mdhr_runtime.errors import ConfigError
from mdhr_train.datasets import LAYOUTS
from mdhr_train.synthetic.behaviour import TWINS, Behaviour
from mdhr_train.synthetic.rendered.face import ACTIONS, BLINK, TREMOR, Controls, controls_over_time


def behaviour(intensities, sway=1.0, closing=0.0):
    intensities = np.array(intensities, float)
    return Behaviour(intensities, np.full_like(intensities, sway), np.full(len(intensities), closing))


def test_every_au_of_every_layout_has_an_action_and_does_something():
    assert {au for layout in LAYOUTS.values() for au in layout.aus} == set(ACTIONS)
    assert all(any(controls) for controls in ACTIONS.values())


def test_a_face_at_rest_has_all_controls_at_zero():
    assert controls_over_time((1, 23), behaviour([[0, 0]])) == [Controls()]


def test_actions_grow_with_intensity_and_add_up():
    half, full, both = controls_over_time((1, 2), behaviour([[0.5, 0], [1, 0], [1, 1]]))
    np.testing.assert_allclose(half, np.array(full) / 2)
    np.testing.assert_allclose(both, np.array(ACTIONS[1]) + ACTIONS[2])


def test_a_blink_closes_the_eyes_of_any_expression():
    open_eyes, closed = (controls_over_time((12,), behaviour([[1]], closing=c))[0] for c in (0, 1))
    np.testing.assert_allclose(np.array(closed) - open_eyes, BLINK)


@pytest.mark.parametrize("pair", TWINS, ids=str)
def test_twins_are_the_same_face_on_the_same_side(pair):
    for sway in (-1, 1):
        first, second = (controls_over_time((au,), behaviour([[1]], sway)) for au in pair)
        assert first == second
    left, right = (controls_over_time(pair[:1], behaviour([[1]], sway))[0] for sway in (-1, 1))
    np.testing.assert_allclose(np.array(right) - left, 2 * np.array(TREMOR[pair[0]]))
    assert left != right


def test_an_au_without_a_row_in_the_table_is_refused():
    with pytest.raises(ConfigError, match="AU 45"):
        controls_over_time((1, 45), behaviour([[0, 0]]))
