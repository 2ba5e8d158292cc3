"""Batches of streams on a small bundle: every stream must score as a stream of its own does."""

import numpy as np
import pytest

import mdhr_runtime
from mdhr_runtime.streaming.batch import SLOTS, StreamBatch


def clip_of(face_frames, start, length):
    """Another clip for every start: the same face, forward, mirrored or backward."""
    frames = np.roll(face_frames, -start, axis=0)[:length]
    return np.ascontiguousarray(frames[:, :, ::-1] if start % 2 else frames)


@pytest.fixture
def batch(model):
    return model.batch()


class Player:
    """Feeds a clip to a stream of a batch and collects the scores."""

    def __init__(self, batch, clip):
        self.batch, self.clip = batch, clip
        self.slot, self.next, self.parts = batch.open(), 0, []

    def left(self):
        return len(self.clip) - self.next

    def take(self, count):
        frames = self.clip[self.next : self.next + count]
        self.next += len(frames)
        return frames


def play(batch, players, counts):
    """One step: `counts` frames of each player that has frames left and is not skipped (count 0)."""
    pairs = [(player, min(count, player.left())) for player, count in zip(players, counts, strict=True)]
    pairs = [(player, count) for player, count in pairs if count]
    scores = batch.push([player.slot for player, _ in pairs], [player.take(count) for player, count in pairs])
    for (player, _), values in zip(pairs, scores, strict=True):
        player.parts.append(values)


def finish(batch, players):
    for player, values in zip(players, batch.close([player.slot for player in players]), strict=True):
        player.parts.append(values)


def assert_scores(model, player):
    np.testing.assert_allclose(np.concatenate(player.parts), model.clip(player.clip), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 3, 8])
@pytest.mark.parametrize("count", [1, 3, SLOTS + 3])
def test_streams_in_step_score_as_streams_do(model, batch, face_frames, step, count):
    players = [Player(batch, clip_of(face_frames, start, 12)) for start in range(count)]
    while any(player.left() for player in players):
        play(batch, players, [step] * count)
    finish(batch, players)
    for player in players:
        assert_scores(model, player)
    assert batch.streams == 0


@pytest.mark.slow
def test_streams_out_of_step_that_come_and_go(model, batch, face_frames):
    rng = np.random.default_rng(0)
    done, playing = [], []
    for turn in range(30):
        if turn < 20 and rng.random() < 0.6:
            playing.append(Player(batch, clip_of(face_frames, turn, int(rng.integers(1, 20)))))
        play(batch, playing, rng.integers(0, 6, len(playing)))
        over = [player for player in playing if not player.left()]
        finish(batch, over)
        playing = [player for player in playing if player.left()]
        done += over
        assert batch.streams == len(playing)
    assert len(done) > 5
    for player in done:
        assert_scores(model, player)


def test_final_scores_lag_behind_by_the_lookahead(model, batch, face_frames):
    slot = batch.open()
    found = [len(batch.push([slot], [face_frames[n : n + 1]])[0]) for n in range(10)]
    assert found == [0] * model.lookahead + [1] * 3
    assert [len(scores) for scores in batch.close([slot])] == [model.lookahead]


@pytest.mark.slow
def test_provisional_scores_are_those_of_a_clip_that_ends_there(model, batch, face_frames):
    players = [Player(batch, clip_of(face_frames, start, 11)) for start in range(3)]
    for length in range(1, 12):
        play(batch, players, [1] * 3)
        scores = batch.provisional([player.slot for player in players])
        for player, values in zip(players, scores, strict=True):
            np.testing.assert_allclose(values, model.clip(player.clip[:length])[-1], atol=1e-5)
    finish(batch, players)
    for player in players:  # looking ahead has left no trace
        assert_scores(model, player)


def test_freed_memory_is_used_again(batch, face_frames):
    for _ in range(3):
        slots = [batch.open() for _ in range(SLOTS)]
        assert len({slot.index for slot in slots}) == SLOTS
        assert {slot.block.number for slot in slots} == {0}
        batch.push(slots, [face_frames[:1]] * SLOTS)
        batch.close(slots)


class CountingGraph:
    """A device graph that counts its runs."""

    def __init__(self, graph):
        self._graph = graph
        self.limits, self.allocate, self.runs = graph.limits, graph.allocate, 0

    def run(self, inputs, outputs):
        self._graph.run(inputs, outputs)
        self.runs += 1


@pytest.mark.slow
def test_steps_of_faces_in_step_take_one_run(model, face_frames):
    temporal = CountingGraph(model.graph("temporal"))
    batch = StreamBatch(model.graph("encoder"), temporal, model.bundle.manifest)
    slots = [batch.open() for _ in range(SLOTS)]
    for _ in range(4):
        batch.push(slots, [face_frames[:1]] * SLOTS)
    assert temporal.runs == 4
    batch.close(slots)
    assert temporal.runs == 5


@pytest.fixture(scope="module")
def stateless(variant):
    """A model whose scores depend on one frame alone: no facial dynamics, no temporal convolution."""
    return mdhr_runtime.load(variant(dynamics=False, temporal=False)[1], "cpu")


@pytest.mark.slow
def test_a_model_without_lookahead_gives_its_scores_at_once(stateless, face_frames):
    batch = stateless.batch()
    slots = [batch.open() for _ in range(3)]
    clips = [clip_of(face_frames, start, 4) for start in range(3)]
    for step in range(4):
        scores = batch.push(slots, [clip[step : step + 1] for clip in clips])
        assert [len(values) for values in scores] == [1, 1, 1]
        np.testing.assert_array_equal(batch.provisional(slots), np.concatenate(scores))
        for values, clip in zip(scores, clips, strict=True):
            np.testing.assert_allclose(values, stateless.clip(clip)[step : step + 1], atol=1e-5)
    assert [values.shape for values in batch.close(slots)] == [(0, 12)] * 3
    assert batch.streams == 0


@pytest.mark.slow
@pytest.mark.parametrize("part", ["dynamics", "temporal"])
def test_streams_of_a_model_with_fewer_states_score_as_streams_do(variant, face_frames, part):
    model = mdhr_runtime.load(variant(**{part: False})[1], "cpu")
    batch = model.batch()
    players = [Player(batch, clip_of(face_frames, start, 9)) for start in range(3)]
    while any(player.left() for player in players):
        play(batch, players, [1, 3, 2])
    finish(batch, players)
    for player in players:
        assert_scores(model, player)
