"""Timestamps of what streams state: they grow, and gaps are known."""

from math import inf

import pytest

from mdhr_runtime.sources.clock import Clock

BEGINS, INTERVAL = 7.0, 0.04


@pytest.fixture
def clock():
    """Ten regular frames have come, the last at 0.36 s."""
    clock = Clock(25.0)
    clock.begin(BEGINS, 0.0)
    assert [clock.advance(BEGINS + step * INTERVAL) for step in range(1, 10)] == [0.0] * 9
    return clock


def test_the_first_frame_is_at_zero(clock):
    assert clock.now == pytest.approx(9 * INTERVAL)


@pytest.mark.parametrize(("seconds", "gap"), [(0.9, 0.0), (1.5, 1.5)])
def test_more_than_a_second_and_five_intervals_is_a_gap(clock, seconds, gap):
    assert clock.advance(BEGINS + clock.now + seconds) == pytest.approx(gap)


def test_a_second_between_frames_that_come_each_second_is_none():
    clock = Clock(1.0)
    clock.begin(0.0, 0.0)
    assert [clock.advance(stated) for stated in (1.0, 2.0, 5.0)] == [0.0] * 3
    assert clock.advance(11.0) == 6.0


@pytest.mark.parametrize("stated", [None, BEGINS, BEGINS + 9 * INTERVAL])
def test_times_that_are_missing_or_do_not_grow_follow_from_the_rate(clock, stated):
    before = clock.now
    assert clock.advance(stated) == 0.0
    assert clock.now == pytest.approx(before + INTERVAL)


def test_times_that_begin_anew_go_on_from_the_last(clock):
    before = clock.now
    assert clock.advance(BEGINS - 5.0) == inf
    assert clock.now == pytest.approx(before + INTERVAL)
    assert clock.advance(BEGINS - 5.0 + INTERVAL) == 0.0
    assert clock.now == pytest.approx(before + 2 * INTERVAL)


def test_missing_frames_are_counted_between_regular_ones(clock):
    clock.advance(BEGINS + clock.now + 4 * INTERVAL)
    assert clock.missing == 3


def test_a_new_connection_goes_on_later(clock):
    clock.begin(0.0, 3.0)
    assert clock.now == 3.0
    clock.begin(100.0, 2.0)
    assert clock.now == pytest.approx(3.0 + INTERVAL)
