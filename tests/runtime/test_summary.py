import numpy as np

from mdhr_runtime.analysis import Row
from mdhr_runtime.summary import Summary


def rows(scores, interval=0.5):
    for index, score in enumerate(scores):
        values = None if score is None else np.array([score, 0.25], np.float32)
        yield Row(index + 1, index * interval, scores=values)


def lines(scores):
    summary = Summary(("AU01", "AU12"))
    for row in rows(scores):
        summary.add(row)
    return summary, [line.split() for line in str(summary).splitlines()]


def test_one_line_per_au():
    summary, (header, _, first, second) = lines([0.75, 1.0, 0.25, 0.5, None])
    assert (summary.frames, summary.faces) == (5, 4)
    assert header == ["AU", "active", "mean", "highest", "longest"]
    assert first == ["AU01", "75%", "0.62", "1.00", "1.0", "s"]
    assert second == ["AU12", "0%", "0.25", "0.25", "0.0", "s"]


def test_a_frame_without_a_face_ends_an_episode():
    _, (_, _, first, _) = lines([0.9, 0.9, None, 0.9, 0.9, 0.9])
    assert first[-2:] == ["1.5", "s"]


def test_nothing_but_missing_faces():
    summary, (_, _, first, _) = lines([None, None])
    assert summary.faces == 0
    assert first == ["AU01", "0%", "0.00", "0.00", "0.0", "s"]
