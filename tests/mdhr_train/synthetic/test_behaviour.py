import numpy as np
import pytest

from mdhr_train.datasets import LAYOUTS
from mdhr_train.synthetic.behaviour import (
    BLINK_COURSE,
    PHOTO_EXPRESSIONS,
    PHOTO_OPPOSED,
    RENDERED_OPPOSED,
    TREMBLE_PERIODS,
    TWINS,
    expressions_of,
    labels_of,
    random_behaviour,
    random_intensities,
    random_tremble,
)
from mdhr_train.synthetic.photo_actions import ACTIONS

FRAMES = 64


@pytest.fixture(scope="module", params=LAYOUTS.values(), ids=LAYOUTS)
def layout(request):
    return request.param


@pytest.fixture(scope="module")
def behaviours(layout):
    return [random_behaviour(layout, FRAMES, np.random.default_rng((0, index))) for index in range(800)]


@pytest.fixture(scope="module")
def twins(layout):
    """Columns of the trembling and of the holding twin."""
    (pair,) = [pair for pair in TWINS if set(pair) <= set(layout.aus)]
    return tuple(layout.aus.index(au) for au in pair)


def joined(behaviours, name):
    return np.concatenate([getattr(behaviour, name) for behaviour in behaviours])


def test_every_au_occurs_often_enough_to_be_learnt(behaviours):
    rates = labels_of(joined(behaviours, "intensities")).mean(axis=0)
    assert (rates > 0.1).all()
    assert (rates < 0.5).all()


def test_intensities_rise_hold_and_fall_smoothly(behaviours):
    intensities = np.stack([behaviour.intensities for behaviour in behaviours])
    assert intensities.min() == 0
    assert 0.85 <= intensities.max() <= 1.1
    # The steepest onset of 4 frames moves by 0.375 of a peak of 1.1 at most, from one event to the next by no more.
    assert np.abs(np.diff(intensities, axis=1)).max() < 0.45


def test_aus_that_undo_each_other_are_not_shown_together(layout, behaviours):
    active = joined(behaviours, "intensities") > 0
    pairs = [pair for pair in RENDERED_OPPOSED if set(pair) <= set(layout.aus)]
    assert pairs
    for one, two in pairs:
        assert not (active[:, layout.aus.index(one)] & active[:, layout.aus.index(two)]).any(), (one, two)


def test_no_expression_undoes_itself_and_each_layout_plays_only_its_own(layout):
    groups = expressions_of(layout)
    assert sum(groups.values()) == pytest.approx(1)
    seconds = {second for _, second in TWINS}
    assert {au for group in groups for au in group} == set(layout.aus) - seconds
    assert not any(set(pair) <= set(group) for group in groups for pair in RENDERED_OPPOSED)


def test_the_frequent_partners_of_the_hidden_aus_lie_in_other_regions(layout, behaviours):
    labels = labels_of(joined(behaviours, "intensities")).astype(bool)
    for au in (1, 4, 6):
        column = layout.aus.index(au)
        company = labels[labels[:, column]]
        away = [n for n, region in enumerate(layout.region_of) if region != layout.region_of[column]]
        # Twins count as one: which of the two it is says nothing about others.
        pairs = [[layout.aus.index(au) for au in pair] for pair in TWINS if set(pair) <= set(layout.aus)]
        best = max(company[:, columns].any(axis=1).mean() for columns in (*([n] for n in away), *pairs))
        assert best > 0.65, au


def test_aus_of_one_region_happen_together_and_apart(layout, behaviours):
    labels = labels_of(joined(behaviours, "intensities")).astype(bool)
    one, two = (labels[:, layout.aus.index(au)] for au in (1, 2))
    assert (one & two).sum() > 0.2 * one.sum()
    assert (one & ~two).sum() > 0.1 * one.sum()


def test_a_twin_keeps_its_side_or_changes_it_all_the_time(behaviours, twins):
    trembling, holding = twins
    for behaviour in behaviours:
        changes = np.diff(behaviour.sway, axis=0) != 0
        lasting = (behaviour.intensities[1:] > 0) & (behaviour.intensities[:-1] > 0)
        # The radius of the facial dynamics sees 10 changes around a frame.
        for start in range(FRAMES - 11):
            window = slice(start, start + 10)
            if lasting[window, trembling].all():
                assert changes[window, trembling].sum() >= 4
            if lasting[window, holding].all():
                # Another event of the same AU may follow at once, on its own side.
                assert changes[window, holding].sum() <= 1


def test_single_frames_of_twins_have_one_distribution(behaviours, twins):
    """What a frame shows of a twin and of all other AUs has the same distribution for both: only motion tells."""
    intensities, sway = joined(behaviours, "intensities"), joined(behaviours, "sway")
    first, second = (intensities[:, column] > 0.5 for column in twins)
    assert abs(first.mean() / second.mean() - 1) < 0.12
    sides = [sway[chosen, column].mean() for chosen, column in zip((first, second), twins, strict=True)]
    assert np.abs(sides).max() < 0.1
    others = [n for n in range(intensities.shape[1]) if n not in twins]
    company = [(intensities[chosen][:, others] > 0.5).mean(axis=0) for chosen in (first, second)]
    np.testing.assert_allclose(*company, atol=0.06)
    places = np.linspace(0, 1, 21)
    pairs = zip((first, second), twins, strict=True)
    strengths = [np.quantile(intensities[chosen, column], places) for chosen, column in pairs]
    np.testing.assert_allclose(*strengths, atol=0.03)


def test_a_tremble_is_on_either_side_equally_often_in_every_frame():
    trembles = np.stack([random_tremble(8, np.random.default_rng(seed)) for seed in range(6000)])
    assert set(np.unique(trembles)) == {-1, 1}
    # 0.06 is 4.6 standard deviations of a mean of 6000.
    assert np.abs(trembles.mean(axis=0)).max() < 0.06
    changes = (np.diff(trembles, axis=1) != 0).mean(axis=1)
    assert changes.min() > 1 / max(TREMBLE_PERIODS)


def test_blinks_are_short_and_rare(behaviours):
    closing = joined(behaviours, "closing")
    assert set(np.unique(closing)) == {0, *BLINK_COURSE}
    assert 0.01 < (closing == 1).mean() < 0.02


def test_the_generator_says_everything(layout):
    one, same, other = (random_behaviour(layout, FRAMES, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.intensities, same.intensities)
    np.testing.assert_array_equal(one.sway, same.sway)
    assert not np.array_equal(one.intensities, other.intensities)


def test_the_photograph_s_intensities_rise_and_fall_smoothly_and_labels_follow_them(layout):
    intensities = random_intensities(layout.aus, 400, np.random.default_rng(0))
    assert intensities.min() == 0
    assert 0.8 <= intensities.max() <= 1.1
    assert np.abs(np.diff(intensities, axis=0)).max() < 0.45
    np.testing.assert_array_equal(labels_of(intensities), intensities > 0.5)


def test_the_photograph_s_opposed_aus_do_not_happen_together():
    aus = tuple(ACTIONS)
    active = random_intensities(aus, 5000, np.random.default_rng(0)) > 0
    for a, b in PHOTO_OPPOSED:
        assert not (active[:, aus.index(a)] & active[:, aus.index(b)]).any(), (a, b)


def test_no_event_opposes_itself():
    for group in PHOTO_EXPRESSIONS:
        assert not any(a in group and b in group for a, b in PHOTO_OPPOSED), group
