import pytest

from mdhr_runtime.live import board as boards
from mdhr_runtime.live.board import Board
from mdhr_runtime.sinks.base import SourceInfo


@pytest.fixture
def board(clock):
    return Board([SourceInfo("clip.mp4", 25.0, False), SourceInfo("door", None, True)], clock)


def frames(entries):
    return [(entry.source, entry.frame) for entry in entries]


def test_a_reader_goes_on_where_it_stopped(board, make_result):
    board.post(make_result(1))
    board.post(make_result(1, source="door"))
    entries, cursor = board.since(0)
    assert frames(entries) == [(0, 1), (1, 1)]
    board.post(make_result(2))
    entries, cursor = board.since(cursor)
    assert frames(entries) == [(0, 2)]
    assert board.since(cursor) == ([], cursor)


def test_what_is_too_old_is_forgotten(board, make_result):
    last = int(3 * boards.SPAN * 25)
    for frame in range(1, last + 1):
        board.post(make_result(frame, size=(4, 4)))
    entries, cursor = board.since(1)
    assert cursor == last
    assert entries[-1].timestamp - entries[0].timestamp == pytest.approx(boards.SPAN)


def test_a_crowd_does_not_fill_the_memory(board, make_result, monkeypatch):
    monkeypatch.setattr(boards, "MOST_ROWS", 500)
    for frame in range(1, 101):
        board.post(make_result(frame, faces=50, size=(4, 4)))
    assert len(board.since(0)[0]) == 10


def test_entries_keep_no_images(board, make_result):
    board.post(make_result(1))
    assert not hasattr(board.since(0)[0][0], "image")


def test_the_newest_frame_is_shown_also_when_final_results_of_older_ones_follow(board, make_result):
    assert board.newest(0) is None
    for frame, final in ((1, False), (2, False), (3, False), (1, True), (2, True)):
        board.post(make_result(frame, final=final))
    assert (board.newest(0).frame, board.newest(0).final) == (3, False)
    board.post(make_result(3))
    assert board.newest(0).final


def test_rate(board, clock, make_result):
    assert board.rates() == [0, 0]
    for frame in range(1, 101):
        clock.now += 0.05
        board.post(make_result(frame, final=False))
        board.post(make_result(frame))
    rate, other = board.rates()
    assert rate == pytest.approx(20, rel=0.05)
    assert other == 0
    clock.now += 1
    assert board.rates()[0] == pytest.approx(10, rel=0.1)
    clock.now += 10
    assert board.rates()[0] == 0
