import json
from itertools import islice
from threading import Event

import numpy as np
import pytest

from mdhr_runtime.faces import View
from mdhr_runtime.live import events
from mdhr_runtime.live.events import EventStream
from mdhr_runtime.live.page_state import PageState
from mdhr_runtime.results import FrameResult, Row, SourceInfo, SourceStats
from mdhr_runtime.sinks import SinkContext

CLIP = SourceInfo("clip.mp4", 25.0, False)


@pytest.fixture
def state():
    return PageState([CLIP])


@pytest.fixture
def stream(state, aus):
    stats = SourceStats(dropped=3, latency=0.25, state="reconnecting")
    return EventStream(state, SinkContext(aus, (CLIP,), stats=lambda: {"clip.mp4": stats}, lookahead=7))


def read(sent, count):
    return [parsed(event) for event in islice(sent, count)]


def parsed(event):
    assert event.endswith(b"\n\n")
    fields = dict(line.split(": ", 1) for line in event.decode().strip().split("\n"))
    return fields["event"], fields.get("id"), json.loads(fields["data"])


def test_a_viewer_is_told_everything_in_order(state, stream, make_result):
    state.post(make_result(1))
    stopping = Event()
    sent = stream.events("", stopping)
    (kind, _, hello), (rows_kind, _, rows), (stats_kind, _, stats) = read(sent, 3)
    assert (kind, rows_kind, stats_kind) == ("hello", "rows", "stats")
    assert hello["aus"][0] == {"name": "AU01", "meaning": "Inner brow raiser"}
    assert hello["sources"] == [{"name": "clip.mp4", "live": False, "fps": 25.0}]
    assert hello["occursFrom"] == 0.5
    assert hello["colours"][0].startswith("#")
    assert not hello["resumed"]
    assert [row[:4] for row in rows] == [[0, 1, 0.04, 1]]
    figures = {"fps": 0.0, "speed": 0.0, "dropped": 3, "latency": 0.25, "state": "reconnecting"}
    assert stats == [figures]
    state.post(make_result(2))
    stopping.set()
    (_, _, rows), (_, _, stats), bye = read(sent, 9)
    assert [row[1] for row in rows] == [2]
    assert stats[0]["fps"] > 0
    assert bye == ("bye", None, {})


def test_a_viewer_who_returns_gets_only_what_it_missed(state, stream, make_result):
    state.post(make_result(1))
    _, (_, last, _) = read(stream.events("", Event()), 2)
    state.post(make_result(2))
    (_, _, hello), (_, _, rows) = read(stream.events(last, Event()), 2)
    assert hello["resumed"]
    assert [row[1] for row in rows] == [2]


@pytest.mark.parametrize("after", ["other-1", "1", "-", "x" * 1000, "{run}-x", "{run}-", "{run}-٣"])
def test_a_viewer_of_another_run_starts_afresh(state, stream, make_result, after):
    state.post(make_result(1))
    (_, _, hello), *_ = read(stream.events("", Event()), 1)
    (_, _, again), (_, _, rows) = read(stream.events(after.format(run=hello["run"]), Event()), 2)
    assert not again["resumed"]
    assert len(rows) == 1


def test_scores_are_cut_not_rounded(state, stream):
    scores = np.array([0.49999, 0.5, 1], np.float32)
    row = Row("clip.mp4", 1, 0.0, 7, 0.9, (0, 0, 1, 1), scores)
    state.post(FrameResult("clip.mp4", 1, 0.0, np.zeros((4, 4, 3), np.uint8), (row,)))
    _, (_, _, rows) = read(stream.events("", Event()), 2)
    assert rows[0][4] == [[7, [4999, 5000, 10000], None, None, None, None]]


def test_who_a_face_is_and_how_far_its_scores_can_be_trusted(state, stream):
    views = [
        View(np.zeros((5, 2), np.float32), (0.0, 0.0, 0.0), quality, ("blurred", "dark")) for quality in (0.9, 0.25)
    ]
    sure = Row("clip.mp4", 1, 0.0, 7, 0.9, (0, 0, 1, 1), np.zeros(3, np.float32), person=2, view=views[0], context=15)
    poor = Row("clip.mp4", 1, 0.0, 8, 0.9, (0, 0, 1, 1), person=0, view=views[1])
    state.post(FrameResult("clip.mp4", 1, 0.0, np.zeros((4, 4, 3), np.uint8), (sure, poor)))
    (_, _, hello), (_, _, rows) = read(stream.events("", Event()), 2)
    assert hello["lookahead"] == 7
    assert rows[0][4] == [[7, [0, 0, 0], 15, 2, 0.9, None], [8, None, None, 0, 0.25, "blurred"]]


def test_what_is_no_number_does_not_break_the_stream(state, aus):
    row = Row("clip.mp4", 1, np.nan, 7, 0.9, (0, 0, 1, 1), np.array([0.5, np.nan, np.inf], np.float32))
    state.post(FrameResult("clip.mp4", 1, np.nan, np.zeros((4, 4, 3), np.uint8), (row,)))
    stats = SourceStats(latency=np.inf)
    stream = EventStream(state, SinkContext(aus, (CLIP,), stats=lambda: {"clip.mp4": stats}))
    _, (_, _, rows), (_, _, figures) = read(stream.events("", Event()), 3)
    assert rows == [[0, 1, None, 1, [[7, None, None, None, None, None]]]]
    assert figures[0]["latency"] is None


def test_a_frame_without_a_face_has_no_faces(state, stream, make_result):
    state.post(make_result(1, faces=0))
    _, (_, _, rows) = read(stream.events("", Event()), 2)
    assert rows[0][4] == []


def test_many_results_come_in_portions(state, stream, make_result, monkeypatch):
    monkeypatch.setattr(events, "MOST_AT_ONCE", 10)
    for frame in range(1, 26):
        state.post(make_result(frame))
    _, *portions = read(stream.events("", Event()), 4)
    assert [len(rows) for _, _, rows in portions] == [10, 10, 5]
    (_, _, hello), (_, _, rest) = read(stream.events(portions[0][1], Event()), 2)
    assert hello["resumed"]
    assert rest[0][1] == 11


def test_without_figures_from_the_analysis_its_own_are_shown(state, aus, make_result):
    stream = EventStream(state, SinkContext(aus, (CLIP,)))
    _, (_, _, before) = read(stream.events("", Event()), 2)
    state.post(make_result(1))
    _, _, (_, _, after) = read(stream.events("", Event()), 3)
    assert [figures[0]["state"] for figures in (before, after)] == ["waiting", "running"]
    assert after[0]["latency"] is after[0]["dropped"] is None
