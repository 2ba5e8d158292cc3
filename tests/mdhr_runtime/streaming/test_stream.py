"""Streams of the runtime on a small bundle; tests/test_golden.py holds them against the published scores."""

import numpy as np
import pytest

import mdhr_runtime
from mdhr_runtime.errors import FramesError


@pytest.fixture(scope="module")
def model(tiny_bundle):
    return mdhr_runtime.load(tiny_bundle, "cpu")


@pytest.fixture(scope="module")
def scores(model, face_frames):
    return model.clip(face_frames)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 2, 5, 7, 24])
def test_a_stream_gives_the_scores_of_the_clip(model, face_frames, scores, step):
    stream = model.stream()
    parts = [stream.push(face_frames[start : start + step]) for start in range(0, len(face_frames), step)]
    np.testing.assert_allclose(np.concatenate([*parts, stream.flush()]), scores, atol=1e-5)


@pytest.mark.parametrize("length", [0, 1, 6, 7, 8])
def test_short_clips_get_one_row_per_frame(model, face_frames, length):
    assert model.clip(face_frames[:length]).shape == (length, 12)


def test_final_scores_lag_behind_by_the_lookahead(model, face_frames):
    stream = model.stream()
    rows = [len(stream.push(face_frames[n : n + 1])) for n in range(10)]
    assert rows == [0] * model.lookahead + [1] * 3
    assert len(stream.flush()) == model.lookahead


@pytest.mark.slow
def test_a_flushed_stream_starts_anew(model, face_frames, scores):
    stream = model.stream()
    stream.push(face_frames[::-1])
    stream.flush()
    np.testing.assert_allclose(np.concatenate([stream.push(face_frames), stream.flush()]), scores, atol=1e-5)


@pytest.mark.slow
def test_streams_do_not_disturb_each_other(model, face_frames, scores):
    one, other = model.stream(), model.stream()
    parts = []
    for n in range(len(face_frames)):
        parts.append(one.push(face_frames[n : n + 1]))
        other.push(face_frames[-1 - n :][:1])
    np.testing.assert_allclose(np.concatenate([*parts, one.flush()]), scores, atol=1e-5)


@pytest.mark.slow
def test_long_pushes_are_worked_off_in_chunks(model, face_frames):
    frames = np.concatenate([face_frames, face_frames[::-1]])
    stream = model.stream()
    parts = [stream.push(frames[n : n + 1]) for n in range(len(frames))]
    np.testing.assert_allclose(model.clip(frames), np.concatenate([*parts, stream.flush()]), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((2, 224, 224, 3), np.float32),
        np.zeros((2, 224, 224, 4), np.uint8),
        np.zeros((2, 256, 256, 3), np.uint8),
        np.zeros((224, 224, 3), np.uint8),
        np.zeros((2, 3, 224, 224), np.uint8),
        [[1, 2, 3]],
    ],
    ids=lambda frames: str(getattr(frames, "shape", "list")),
)
def test_frames_of_another_form_are_refused_and_change_nothing(model, face_frames, scores, frames):
    stream = model.stream()
    first = stream.push(face_frames[:12])
    with pytest.raises(FramesError, match="uint8, RGB"):
        stream.push(frames)
    rest = stream.push(face_frames[12:])
    np.testing.assert_allclose(np.concatenate([first, rest, stream.flush()]), scores, atol=1e-5)


def test_frames_need_not_be_contiguous(model, face_frames, scores):
    doubled = np.repeat(face_frames, 2, axis=0)
    np.testing.assert_allclose(model.clip(doubled[::2]), scores, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 3])
def test_a_model_without_lookahead_has_nothing_to_flush(variant, face_frames, step):
    model = mdhr_runtime.load(variant(dynamics=False, temporal=False)[1], "cpu")
    stream = model.stream()
    parts = [stream.push(face_frames[start : start + step]) for start in range(0, 6, step)]
    assert [len(part) for part in parts] == [step] * len(parts)
    assert stream.flush().shape == (0, 12)
    np.testing.assert_allclose(np.concatenate(parts), model.clip(face_frames[:6]), atol=1e-5)
