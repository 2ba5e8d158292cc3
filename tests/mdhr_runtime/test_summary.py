import numpy as np

from mdhr_runtime.results import FrameResult, Row
from mdhr_runtime.summary import SourceSummary

NO_IMAGE = np.empty((0, 0, 3), np.uint8)


def result(index, scores, interval=0.5, final=True):
    """A frame with one row for each (face, score of the first AU)."""
    start = ("a.mp4", index + 1, index * interval)
    rows = [Row(*start, face, scores=np.array([score, 0.25], np.float32), final=final) for face, score in scores]
    return FrameResult(*start, NO_IMAGE, tuple(rows) or (Row(*start),), final)


def lines(frames):
    summary = SourceSummary(("AU01", "AU12"))
    for index, scores in enumerate(frames):
        summary.add(result(index, scores))
    return summary, summary.lines()


def one_face(*scores):
    return [[] if score is None else [(0, score)] for score in scores]


def test_one_line_per_au():
    summary, (first, second) = lines(one_face(0.75, 1.0, 0.25, 0.5, None))
    assert (summary.frames, summary.with_face, summary.faces) == (5, 4, 1)
    assert summary.HEADER == ("AU", "active", "mean", "highest", "longest")
    assert first == ("AU01", "75%", "0.62", "1.00", "1.0 s")
    assert second == ("AU12", "0%", "0.25", "0.25", "0.0 s")


def test_a_part_of_a_video_has_the_times_of_its_own_frames():
    summary = SourceSummary(("AU01", "AU12"))
    for index in range(120, 124):
        summary.add(result(index, [(0, 0.9)]))
    assert summary.lines()[0][-1] == "2.0 s"


def test_a_frame_without_a_face_ends_an_episode():
    _, (first, _) = lines(one_face(0.9, 0.9, None, 0.9, 0.9, 0.9))
    assert first[-1] == "1.5 s"


def test_episodes_are_those_of_one_face():
    summary, (first, _) = lines([[(0, 0.9), (1, 0.1)], [(0, 0.1), (1, 0.9)], [(0, 0.9), (2, 0.9)]])
    assert first[1:] == ("67%", "0.63", "0.90", "0.5 s")
    assert summary.faces == 3


def test_provisional_results_do_not_count():
    summary = SourceSummary(("AU01", "AU12"))
    summary.add(result(0, [(0, 0.9)], final=False))
    assert summary.frames == 0


def test_nothing_but_missing_faces():
    summary, (first, _) = lines(one_face(None, None))
    assert summary.with_face == 0
    assert first == ("AU01", "0%", "0.00", "0.00", "0.0 s")
