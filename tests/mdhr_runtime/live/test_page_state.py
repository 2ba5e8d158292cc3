import numpy as np
import pytest

from mdhr_runtime.live import page_state
from mdhr_runtime.live.page_state import PageState
from mdhr_runtime.results import SourceInfo


@pytest.fixture
def state(clock):
    return PageState([SourceInfo("clip.mp4", 25.0, False), SourceInfo("door", None, True)], clock)


def frames(entries):
    return [(entry.source, entry.frame) for entry in entries]


def test_a_reader_goes_on_where_it_stopped(state, make_result):
    state.post(make_result(1))
    state.post(make_result(1, source="door"))
    entries, cursor = state.since(0)
    assert frames(entries) == [(0, 1), (1, 1)]
    state.post(make_result(2))
    entries, cursor = state.since(cursor)
    assert frames(entries) == [(0, 2)]
    assert state.since(cursor) == ([], cursor)


def test_what_is_too_old_is_forgotten(state, make_result):
    last = int(3 * page_state.SPAN * 25)
    for frame in range(1, last + 1):
        state.post(make_result(frame, size=(4, 4)))
    entries, cursor = state.since(1)
    assert cursor == last
    assert entries[-1].timestamp - entries[0].timestamp == pytest.approx(page_state.SPAN)


def test_a_crowd_does_not_fill_the_memory(state, make_result, monkeypatch):
    monkeypatch.setattr(page_state, "MOST_ROWS", 500)
    for frame in range(1, 101):
        state.post(make_result(frame, faces=50, size=(4, 4)))
    assert len(state.since(0)[0]) == 10


def test_entries_keep_no_images(state, make_result):
    state.post(make_result(1))
    assert not hasattr(state.since(0)[0][0], "image")


def test_the_newest_frame_is_shown_also_when_final_results_of_older_ones_follow(state, make_result):
    assert state.newest(0) is None
    for frame, final in ((1, False), (2, False), (3, False), (1, True), (2, True)):
        state.post(make_result(frame, final=final))
    assert (state.newest(0).frame, state.newest(0).final) == (3, False)
    state.post(make_result(3))
    assert state.newest(0).final


def test_scores_that_are_no_numbers_count_as_none(state, make_result):
    state.post(make_result(1, score=np.nan))
    state.post(make_result(2, score=np.inf))
    assert [row.scores for entry in state.since(0)[0] for row in entry.rows] == [None, None]
    assert state.newest(0).rows[0].scores is None


def test_pace(state, clock, make_result):
    assert state.paces() == [(0, 0), (0, 0)]
    for frame in range(1, 101):
        clock.now += 0.05
        state.post(make_result(frame, final=False))
        state.post(make_result(frame))
    pace, other = state.paces()
    assert pace == pytest.approx((20, 20 / 25), rel=0.05)  # of a source of 25 frames per second
    assert other == (0, 0)
    clock.now += 1
    assert state.paces()[0] == pytest.approx((10, 10 / 25), rel=0.1)
    clock.now += 10
    assert state.paces()[0] == (0, 0)
