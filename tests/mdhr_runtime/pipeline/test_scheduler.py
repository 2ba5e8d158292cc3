"""Which frames go through the model together, and which faces' streams go on."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mdhr_runtime.contract import SCORES, OutputRecord
from mdhr_runtime.faces import FoundFace, View
from mdhr_runtime.pipeline.channel import Channel
from mdhr_runtime.pipeline.scheduler import FRAMES_PER_STEP, PendingFrame, Scheduler, SourceTimeline, continuing
from mdhr_runtime.results import SourceInfo
from mdhr_runtime.sources import Frame

INTENSITY = OutputRecord("intensity", lowest=0.0, highest=5.0, threshold=2.0)
NO_IMAGE = np.empty((0, 0, 3), np.uint8)


def pending(number, *faces):
    """A frame that shows faces; a negative one (−1 − id) does not continue."""
    found = {}
    for face in faces:
        face_id = face if face >= 0 else -1 - face
        crop = np.random.default_rng([number, face_id]).integers(0, 256, (224, 224, 3), np.uint8)
        found[face_id] = FoundFace(face_id, (1.0, 2.0, 3.0, 4.0 + face_id), 0.75, crop, continues=face >= 0)
    return PendingFrame(Frame(number, number / 25, NO_IMAGE), found)


class Recording:
    """A batch that remembers how many frames of how many faces went through it at once."""

    def __init__(self, batch):
        self._batch, self.steps = batch, []
        self.open, self.close, self.provisional = batch.open, batch.close, batch.provisional

    def push(self, streams, crops):
        if crops:
            self.steps.append([len(frames) for frames in crops])
        return self._batch.push(streams, crops)


@pytest.fixture
def batch(model):
    return Recording(model.batch())


def timeline(frames, name="clip", live=False, min_quality=0.0, *, lookahead=7):
    """The timeline of a source that has given all its frames."""
    channel = Channel(len(frames))
    for frame in frames:
        channel.put(frame)
    channel.close()
    manifest = SimpleNamespace(outputs={SCORES: INTENSITY}, lookahead=lookahead)
    return SourceTimeline(SourceInfo(name, 25.0, live), channel, manifest, min_quality)


def run(batch, *timelines, provisional=False):
    scheduler, results = Scheduler(batch, provisional=provisional), []
    while not all(each.done for each in timelines):
        assert not all(each.idle for each in timelines)
        results += scheduler.step(timelines)
    assert all(each.idle for each in timelines)
    return results


@pytest.mark.parametrize(
    ("following", "going_on"),
    [
        (None, set()),  # frames are missing, or the source has ended
        (pending(2), set()),  # nobody is there, or the frame is unreadable
        (pending(2, 0, 1), {0, 1}),
        (pending(2, 0), {0}),
        (pending(2, -1, 1), {1}),  # found again
        (pending(2, 0, 1, 2), {0, 1}),  # another one came
    ],
)
def test_a_stream_goes_on_while_its_face_is_seen_without_a_break(following, going_on):
    assert continuing([0, 1], following) == going_on


def test_frames_of_the_same_faces_go_together(batch):
    frames = [pending(number, *((-1,) if number == 1 else (0,))) for number in range(1, 21)]
    results = run(batch, timeline(frames))
    assert [result.frame for result in results] == list(range(1, 21))
    assert batch.steps == [[FRAMES_PER_STEP], [FRAMES_PER_STEP], [4]]


@pytest.mark.parametrize(
    ("frames", "steps"),
    [
        ([pending(1, -1), pending(2, 0), None, pending(3, -1), pending(4, 0)], [[2], [2]]),
        ([pending(1, -1), pending(2, 0), pending(3), pending(4, -1)], [[2], [1]]),
        ([pending(1, -1), pending(2, -1), pending(3, 0)], [[1], [2]]),
        ([pending(1, -1), pending(2, 0, -2), pending(3, 0, 1)], [[1], [2, 2]]),
        ([pending(1, -1, -2), pending(2, 0, 1), pending(3, 1)], [[2, 2], [1]]),
    ],
    ids=["missing", "nobody", "again", "another", "one less"],
)
def test_a_break_or_other_faces_begin_a_step_of_their_own(batch, model, frames, steps):
    results = run(batch, timeline(frames))
    assert batch.steps == steps
    shown = [frame for frame in frames if frame is not None]
    assert [[row.face_id for row in result.rows] for result in results] == [list(f.faces) or [None] for f in shown]


@pytest.mark.slow
def test_scores_are_those_of_every_stream_as_a_clip(batch, model):
    frames = [pending(1, -1, -2), *(pending(number, 0, 1) for number in range(2, 13)), pending(13, 0)]
    frames += [None, *(pending(number, *((-1,) if number == 14 else (0,))) for number in range(14, 20))]
    rows = {(row.frame, row.face_id): row for result in run(batch, timeline(frames)) for row in result.rows}
    for face_id, numbers in ((0, range(1, 14)), (1, range(1, 13)), (0, range(14, 20))):
        crops = [frame.faces[face_id].crop for frame in frames if frame is not None and frame.frame.number in numbers]
        found = np.stack([rows[number, face_id].scores for number in numbers])
        np.testing.assert_allclose(found, model.clip(np.stack(crops)), atol=1e-5)


def test_a_camera_does_not_slow_a_file_beside_it(batch):
    file = timeline([pending(number, *((-1,) if number == 1 else (0,))) for number in range(1, 17)])
    camera = timeline([pending(number, *((-1,) if number == 1 else (0,))) for number in range(1, 4)], "door", live=True)
    results = run(batch, file, camera)
    assert batch.steps == [[8, 1], [8, 1], [1]]
    assert {name: [r.frame for r in results if r.source == name] for name in ("clip", "door")} == {
        "clip": list(range(1, 17)),
        "door": [1, 2, 3],
    }


def test_provisional_results_come_frame_by_frame(batch):
    frames = [pending(1, -1), pending(2, 0), pending(3)]
    results = run(batch, timeline(frames), provisional=True)
    assert batch.steps == [[1], [1]]
    order = [(result.frame, result.final) for result in results]
    assert [number for number, final in order if not final] == [number for number, final in order if final] == [1, 2, 3]
    assert order[:2] == [(1, False), (2, False)]


def test_rows_say_what_is_known_of_a_face(batch):
    nobody, (row,) = (result.rows for result in run(batch, timeline([pending(1), pending(2, -4)])))
    assert (row.source, row.frame, row.timestamp, row.face_id, row.final) == ("clip", 2, 2 / 25, 3, True)
    assert (row.confidence, row.box, row.output) == (0.75, (1.0, 2.0, 3.0, 7.0), INTENSITY)
    assert [(r.frame, r.face_id, r.scores, r.output) for r in nobody] == [(1, None, None, INTENSITY)]


def test_the_latency_is_that_of_the_newest_frame(batch):
    source = timeline([pending(1, -1)])
    assert source.latency is None
    run(batch, source)
    assert 0 < source.latency < 60


def test_a_poor_view_has_no_scores_and_ends_nothing(batch):
    frames = [pending(number, *((-1,) if number == 1 else (0,))) for number in range(1, 6)]
    for quality, frame in zip((0.9, 0.4, 0.5, 0.1, 0.8), frames, strict=True):
        frame.faces[0] = replace(frame.faces[0], view=View(np.zeros((5, 2)), (0.0, 0.0, 0.0), quality), person=4)
    rows = [row for result in run(batch, timeline(frames, min_quality=0.5)) for row in result.rows]
    assert batch.steps == [[5]]
    assert [row.success for row in rows] == [True, False, True, False, True]
    assert {(row.face_id, row.person, row.context) for row in rows} == {(0, 4, 5), (0, 4, None)}


def test_the_context_grows_from_a_streams_start_and_shrinks_to_its_end(batch, model):
    def contexts(provisional):
        frames = [pending(number, *((-1,) if number == 1 else (0,))) for number in range(1, 21)]
        frames += [None, pending(21, -1), pending(22, 0)]
        results = run(batch, timeline(frames, lookahead=model.lookahead), provisional=provisional)
        rows = [row for result in results for row in result.rows]
        return [row.context for row in rows if row.final], [row.context for row in rows if not row.final]

    final = [*range(8, 15), *[15] * 6, *range(14, 7, -1), 2, 2]
    assert contexts(provisional=False) == (final, [])
    assert contexts(provisional=True) == (final, [*range(1, 8), *[8] * 13, 1, 2])
