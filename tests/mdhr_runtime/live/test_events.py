import json
from itertools import islice
from threading import Event

import numpy as np
import pytest

from mdhr_runtime.live import events
from mdhr_runtime.live.board import Board
from mdhr_runtime.live.events import Feed
from mdhr_runtime.results import FrameResult, Row, SourceStats
from mdhr_runtime.sinks.base import SourceInfo


@pytest.fixture
def board():
    return Board([SourceInfo("clip.mp4", 25.0, False)])


@pytest.fixture
def feed(board, aus):
    return Feed(board, aus, lambda: {"clip.mp4": SourceStats(dropped=3, latency=0.25, state="reconnecting")})


def read(stream, count):
    return [parsed(event) for event in islice(stream, count)]


def parsed(event):
    assert event.endswith(b"\n\n")
    fields = dict(line.split(": ", 1) for line in event.decode().strip().split("\n"))
    return fields["event"], fields.get("id"), json.loads(fields["data"])


def test_a_viewer_is_told_everything_in_order(board, feed, make_result):
    board.post(make_result(1))
    stopping = Event()
    stream = feed.events("", stopping)
    (kind, _, hello), (rows_kind, _, rows), (stats_kind, _, stats) = read(stream, 3)
    assert (kind, rows_kind, stats_kind) == ("hello", "rows", "stats")
    assert hello["aus"][0] == {"name": "AU01", "meaning": "Inner brow raiser"}
    assert hello["sources"] == [{"name": "clip.mp4", "live": False}]
    assert hello["colours"][0].startswith("#")
    assert not hello["resumed"]
    assert [row[:4] for row in rows] == [[0, 1, 0.04, 1]]
    assert stats == [{"fps": 0.0, "dropped": 3, "latency": 0.25, "state": "reconnecting"}]
    stopping.set()
    assert read(stream, 9) == [("bye", None, {})]


def test_a_viewer_who_returns_gets_only_what_it_missed(board, feed, make_result):
    board.post(make_result(1))
    _, (_, last, _) = read(feed.events("", Event()), 2)
    board.post(make_result(2))
    (_, _, hello), (_, _, rows) = read(feed.events(last, Event()), 2)
    assert hello["resumed"]
    assert [row[1] for row in rows] == [2]


@pytest.mark.parametrize("after", ["other-1", "1", "-", "x" * 1000, "{run}-x", "{run}-", "{run}-٣"])
def test_a_viewer_of_another_run_starts_afresh(board, feed, make_result, after):
    board.post(make_result(1))
    (_, _, hello), *_ = read(feed.events("", Event()), 1)
    (_, _, again), (_, _, rows) = read(feed.events(after.format(run=hello["run"]), Event()), 2)
    assert not again["resumed"]
    assert len(rows) == 1


def test_scores_are_cut_not_rounded(board, feed):
    scores = np.array([0.49999, 0.5, 1], np.float32)
    row = Row("clip.mp4", 1, 0.0, 7, 0.9, (0, 0, 1, 1), scores)
    board.post(FrameResult("clip.mp4", 1, 0.0, np.zeros((4, 4, 3), np.uint8), (row,)))
    _, (_, _, rows) = read(feed.events("", Event()), 2)
    assert rows[0][4] == [[7, [499, 500, 1000]]]


def test_a_frame_without_a_face_has_no_faces(board, feed, make_result):
    board.post(make_result(1, faces=0))
    _, (_, _, rows) = read(feed.events("", Event()), 2)
    assert rows[0][4] == []


def test_many_results_come_in_portions(board, feed, make_result, monkeypatch):
    monkeypatch.setattr(events, "MOST_AT_ONCE", 10)
    for frame in range(1, 26):
        board.post(make_result(frame))
    _, *portions = read(feed.events("", Event()), 4)
    assert [len(rows) for _, _, rows in portions] == [10, 10, 5]
    (_, _, hello), (_, _, rest) = read(feed.events(portions[0][1], Event()), 2)
    assert hello["resumed"]
    assert rest[0][1] == 11


def test_without_figures_from_the_analysis_its_own_are_shown(board, aus, make_result):
    feed = Feed(board, aus, None)
    _, (_, _, before) = read(feed.events("", Event()), 2)
    board.post(make_result(1))
    _, _, (_, _, after) = read(feed.events("", Event()), 3)
    assert [figures[0]["state"] for figures in (before, after)] == ["waiting", "running"]
    assert after[0]["latency"] is after[0]["dropped"] is None
