from itertools import chain, repeat

import numpy as np
import pytest
from stopwatch import Stopwatch

from mdhr_bench.measures import timing as timing_module
from mdhr_bench.measures.timing import (
    MOST_CALLS,
    WARM_UP_SECONDS,
    WINDOW,
    Case,
    ratio,
    spread,
    summarise,
    time_cases,
    warm_up,
)
from mdhr_bench.results import Timing


@pytest.fixture
def clock(monkeypatch):
    """The clock by which calls are timed."""
    stopwatch = Stopwatch()
    monkeypatch.setattr(timing_module, "perf_counter", stopwatch)
    return stopwatch


@pytest.fixture
def lasting(clock):
    """Make a call that takes so many seconds at its first time, its second, and so on; the last is for all others."""

    def make(*seconds):
        durations = chain(seconds, repeat(seconds[-1]))
        return lambda: clock.pass_by(next(durations))

    return make


def case(name, call, frames=1):
    return Case(name, f"{name} in words", "part", frames, call)


def timing(name, rounds, frames=1):
    return Timing(name, name, "part", frames, tuple(rounds), tuple(rounds), summarise(rounds), 0.0, True, 10)


def test_the_warm_up_ends_when_calls_no_longer_become_faster(lasting):
    calls, seconds = warm_up(lasting(0.01))
    assert (calls, seconds) == (2 * WINDOW, pytest.approx(0.01))


def test_the_warm_up_goes_on_while_calls_become_faster(lasting):
    calls, seconds = warm_up(lasting(*(0.1 * 0.9**index for index in range(30))))
    assert calls > 30
    assert seconds == pytest.approx(0.1 * 0.9**29)


def test_the_warm_up_of_what_takes_seconds_ends_by_the_clock(lasting):
    calls, seconds = warm_up(lasting(9.0, 4.0))
    assert (calls, seconds) == (2, pytest.approx(6.5))
    assert 9.0 < WARM_UP_SECONDS < 13.0


def test_everything_takes_its_turn_in_every_round(clock):
    order = []

    def call(name, seconds):
        order.append(name)
        clock.pass_by(seconds)

    cases = [case("a", lambda: call("a", 0.05)), case("b", lambda: call("b", 1.0))]
    timings = time_cases(cases, 3)
    before = sum(each.warm_up for each in timings)
    # Of what is called several times in a row, the first call does not count.
    assert order[before:] == 3 * [*"aaaaaa", "b"]
    assert [each.summary.count for each in timings] == [15, 3]


def test_no_turn_has_more_calls_than_its_limit(lasting):
    (found,) = time_cases([case("a", lasting(1e-5))], 2)
    assert found.summary.count == 2 * MOST_CALLS


def test_a_timing_says_what_was_called_and_how_long_that_took(lasting):
    levels = (0.1, 0.2, 0.4)
    durations = [*repeat(0.125, 2 * WINDOW), *chain.from_iterable((9.0, level, 3 * level) for level in levels)]
    (found,) = time_cases([case("a", lasting(*durations), frames=16)], 3)
    assert (found.id, found.title, found.what, found.frames) == ("a", "a in words", "part", 16)
    assert found.warm_up == 2 * WINDOW
    assert found.samples == pytest.approx((100, 300, 200, 600, 400, 1200))
    assert found.rounds == pytest.approx((200, 400, 800))
    assert found.summary == summarise(found.samples)
    assert found.spread == pytest.approx((720 - 240) / 2 / 400)
    assert not found.steady


def test_what_always_takes_as_long_is_steady(lasting):
    (found,) = time_cases([case("a", lasting(0.1))], 5)
    assert found.spread == pytest.approx(0)
    assert found.steady


def test_progress_is_shown_round_by_round(lasting):
    seen = []

    def progress(rounds):
        for number in rounds:
            seen.append(number)
            yield number

    (found,) = time_cases([case("a", lasting(0.1))], 4, progress)
    assert seen == [0, 1, 2, 3]
    assert len(found.rounds) == 4


def test_a_summary_describes_the_distribution():
    found = summarise([float(number) for number in reversed(range(1, 102))])
    assert found.count == 101
    assert (found.mean, found.p50, found.p90, found.p95, found.p99) == pytest.approx((51, 51, 91, 96, 100))
    assert found.largest == 101
    assert found.sd == pytest.approx(np.sqrt((101**2 - 1) / 12))


def test_the_spread_ignores_the_outermost_tenths():
    assert spread(range(101)) == pytest.approx((90 - 10) / 2 / 50)
    assert spread([*[5.0] * 20, 1000.0]) == 0


def test_a_ratio_is_of_frames_and_of_the_same_round():
    # The machine was slowed down for a while, and both with it.
    slowed = np.array([1.0, 1.0, 1.0, 2.5, 2.5])
    found = ratio(timing("step", 3.0 * slowed), timing("clip", 16 * 12.0 * slowed, frames=16))
    assert (found.of, found.to) == ("step", "clip")
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    assert found.steady


def test_a_ratio_that_changes_from_round_to_round_is_a_range():
    found = ratio(timing("a", range(10, 21)), timing("b", [10.0] * 11))
    assert (found.value, found.low, found.high) == pytest.approx((1.5, 1.1, 1.9))
    assert not found.steady
