from dataclasses import replace
from itertools import pairwise
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhr_runtime.au_events import AuEvents, EventRule, FrameTimes
from mdhr_runtime.results import FrameResult, Row

AUS = ("AU01", "AU12")
NO_IMAGE = np.empty((0, 0, 3), np.uint8)
ALL = EventRule(shortest=0.0)


def frame(number, *faces, at=None, source="cam", follows=True, final=True):
    """A frame at 10 frames/s, with the first AU's score of every face, in order; None is a face without scores."""
    start = (source, number, (number - 1) / 10 if at is None else at)
    rows = [
        Row(*start, face_id, scores=None if score is None else np.array([score, 0.25], np.float32), person=7)
        for face_id, score in enumerate(faces)
        if score != "away"
    ]
    return FrameResult(*start, NO_IMAGE, tuple(rows) or (Row(*start),), final, follows)


def events_of(frames, rule=ALL, aus=AUS):
    """(face, onset, apex, offset) of every event, in the order in which they are over."""
    found = AuEvents(aus, rule)
    events = [event for each in frames for event in found.add(each)] + found.end()
    return [(event.face_id, *(round(time, 6) for time in (event.onset, event.apex, event.offset))) for event in events]


def one_face(*scores, **options):
    return [frame(number, score, **options) for number, score in enumerate(scores, 1)]


def test_an_event_by_hand():
    found = AuEvents(AUS, EventRule())
    over = [found.add(each) for each in one_face(0.25, 0.4375, 0.5, 0.75, 0.4375, 0.375, 0.4375)]
    assert [len(events) for events in over] == [0, 0, 0, 0, 0, 1, 0]
    assert found.end() == []
    (event,) = over[5]
    assert (event.source, event.face_id, event.person, event.au) == ("cam", 0, 7, "AU01")
    assert (event.onset, event.apex, event.offset) == (0.2, 0.3, 0.5)
    assert event.duration == pytest.approx(0.3)
    assert (event.peak, event.mean) == (0.75, (0.5 + 0.75 + 0.4375) / 3)


def test_the_apex_is_the_first_of_equal_peaks():
    assert events_of(one_face(0.5, 0.75, 0.75, 0.5, 0)) == [(0, 0.0, 0.1, 0.4)]


def test_what_goes_on_at_the_end_lasts_as_long_as_frames_do():
    assert events_of(one_face(0, 0.9, 0.9)) == [(0, 0.1, 0.1, 0.3)]
    assert events_of(one_face(0.9)) == [(0, 0.0, 0.0, 0.0)]
    assert events_of(one_face(0.9), EventRule()) == []


@pytest.mark.parametrize("away", ["away", None])
def test_a_face_that_is_not_seen_or_not_scored_ends_its_events(away):
    assert events_of(one_face(0.9, 0.9, away, 0.9)) == [(0, 0.0, 0.0, 0.2), (0, 0.3, 0.3, 0.4)]


def test_a_score_that_is_no_number_ends_an_event_and_begins_none():
    assert events_of(one_face(nan, 0.9, nan)) == [(0, 0.1, 0.1, 0.2)]


def test_missing_frames_end_events_with_the_last_frame_that_was_seen():
    frames = [frame(1, 0.9), frame(2, 0.9), frame(3, 0.9, at=0.5, follows=False), frame(4, 0.9, at=0.6)]
    assert events_of(frames) == [(0, 0.0, 0.0, 0.2), (0, 0.5, 0.5, 0.7)]


def test_a_second_without_a_frame_is_a_gap_whatever_the_source_says():
    frames = [frame(1, 0.9), frame(2, 0.9, at=1.0), frame(3, 0.9, at=2.5), frame(4, 0.9, at=2.6)]
    assert events_of(frames) == [(0, 0.0, 0.0, 2.0), (0, 2.5, 2.5, 2.7)]


def test_of_a_source_with_a_frame_every_two_seconds_each_counts_a_second():
    assert events_of([frame(number, 0.9, at=2.0 * number) for number in (1, 2)]) == [
        (0, 2.0, 2.0, 3.0),
        (0, 4.0, 4.0, 5.0),
    ]


def test_frames_that_were_left_out_end_nothing():
    assert events_of([frame(1, 0.9), frame(4, 0.9), frame(6, 0.9), frame(7, 0)]) == [(0, 0.0, 0.0, 0.6)]


def test_faces_and_sources_are_apart():
    frames = [
        frame(1, 0.9, 0.1),
        frame(1, 0.1, 0.9, source="other"),
        frame(2, 0.1, 0.9),
        frame(2, 0.1, 0.9, source="other"),
        frame(3, "away", 0.9),
        frame(3, source="other"),
    ]
    found = AuEvents(AUS, ALL)
    events = [event for each in frames for event in found.add(each)] + found.end()
    assert [(event.source, event.face_id, event.onset, event.offset) for event in events] == [
        ("cam", 0, 0.0, 0.1),
        ("other", 1, 0.0, 0.2),
        ("cam", 1, 0.1, pytest.approx(0.3)),
    ]


def test_provisional_results_are_passed_over():
    assert events_of(one_face(0.9, 0.9, final=False)) == []


def test_the_shortest_event_is_as_long_as_the_rule_says():
    # 0.3 - 0.2 is a little less than 0.1.
    assert events_of(one_face(0, 0, 0.9, 0, 0), EventRule(shortest=0.1)) == [(0, 0.2, 0.2, 0.3)]
    assert events_of(one_face(0, 0, 0.9, 0, 0), EventRule(shortest=0.11)) == []


def test_nothing_is_kept_of_faces_that_are_gone():
    found = AuEvents(AUS, ALL)
    for number in range(1, 200):
        found.add(frame(number, *["away"] * number, 0.9))
        (source,) = found._sources.values()
        assert list(source.faces) == [number]


@pytest.mark.parametrize(("onset", "offset"), [(0.4, 0.5), (1.1, 0.4), (0.5, -0.1), (nan, 0.4), (0.5, nan)])
def test_thresholds_that_make_no_rule(onset, offset):
    with pytest.raises(ValueError, match="an event cannot begin at a score of"):
        EventRule(onset, offset)


@pytest.mark.parametrize("shortest", [-0.1, nan, inf])
def test_a_shortest_time_that_is_none(shortest):
    with pytest.raises(ValueError, match="the shortest event cannot have"):
        EventRule(shortest=shortest)


def test_how_long_frames_last():
    times = FrameTimes()
    assert times.end() == 0.0
    given = [frame(1, at=3.0), frame(2, at=3.25), frame(3, at=9.0), replace(frame(4, at=9.125), follows=False)]
    assert [times.next(each) for each in given] == [(3.0, False), (3.25, True), (3.5, False), (9.125, False)]
    assert times.end() == 9.375


def reference(frames, rule):
    """The events of one face by the rule, frame by frame, each as the indices of its frames."""
    runs, run, before = [], [], None
    for index, each in enumerate(frames):
        score = each.rows[0].scores
        linked = before is not None and each.follows and each.timestamp - before <= 1
        if run and not (linked and score is not None and score[0] >= np.float64(rule.offset)):
            runs.append(run)
            run = []
        if score is not None and (run or score[0] >= np.float64(rule.onset)):
            run.append(index)
        before = each.timestamp
    return [*runs, run] if run else runs


scores = st.one_of(st.none(), st.floats(0, 1, width=32))
steps = st.sampled_from([0.04, 0.1, 1.0, 1.5, 7.0])


@given(st.lists(st.tuples(scores, steps, st.booleans()), max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_events_are_the_runs_of_the_rule(given_frames, one, two):
    rule = EventRule(max(one, two), min(one, two), 0.0)
    frames, now = [], 0.0
    for number, (score, step, follows) in enumerate(given_frames, 1):
        now = round(now + step, 6)
        frames.append(frame(number, score, at=now, follows=follows))
    found = AuEvents(AUS, rule)
    events = [event for each in frames for event in found.add(each)] + found.end()
    events = [event for event in events if event.au == "AU01"]
    runs = reference(frames, rule)
    assert [event.onset for event in events] == [frames[run[0]].timestamp for run in runs]
    for event, run in zip(events, runs, strict=True):
        seen = [float(frames[index].rows[0].scores[0]) for index in run]
        assert event.onset <= event.apex <= frames[run[-1]].timestamp <= event.offset
        assert event.peak == max(seen) >= seen[0] >= rule.onset
        assert event.mean == pytest.approx(np.mean(seen))
        assert rule.offset <= min(seen) <= event.mean + 1e-9
    for event, following in pairwise(events):
        assert event.offset <= following.onset + 1e-9
