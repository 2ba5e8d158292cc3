from itertools import groupby

import cv2
import numpy as np
import pytest

from mdhr_runtime.analysis import analyse
from mdhr_runtime.faces.alignment import align
from mdhr_runtime.video import Frame, Video

BLANK = np.zeros((240, 240, 3), np.uint8)


def frames(images):
    return [Frame(number, number / 25, image) for number, image in enumerate(images, start=1)]


def clip_scores(images, detector, model):
    """Scores of images with one face as one clip."""
    faces = [detector.detect(image)[0] for image in images]
    crops = [align(image, face.landmarks, model.layout.crop) for image, face in zip(images, faces, strict=True)]
    return model.clip(np.stack(crops))


def assert_scores(rows, expected):
    np.testing.assert_allclose(np.stack([row.scores for row in rows]), expected, atol=1e-5)


def test_an_unbroken_face_is_one_clip(swaying, detector, model):
    rows = list(analyse(frames(swaying), detector, model))
    assert [row.frame for row in rows] == list(range(1, 25))
    assert [row.timestamp for row in rows] == [number / 25 for number in range(1, 25)]
    assert all(row.success and row.face_id == 0 and row.confidence > 0.9 for row in rows)
    assert_scores(rows, clip_scores(swaying, detector, model))


def test_a_gap_is_reported_and_never_bridged(swaying, detector, model):
    first, second = swaying[:5], swaying[8:17]
    rows = list(analyse(frames([*first, BLANK, BLANK, *second, BLANK]), detector, model))
    assert [row.frame for row in rows] == list(range(1, 18))
    assert [row.success for row in rows] == [True] * 5 + [False] * 2 + [True] * 9 + [False]
    assert_scores(rows[:5], clip_scores(first, detector, model))
    assert_scores(rows[7:16], clip_scores(second, detector, model))
    for row in (rows[5], rows[6], rows[16]):
        assert (row.confidence, row.box, row.scores) == (0, None, None)


def test_a_face_somewhere_else_is_not_compared_with_the_last_one(swaying, detector, model):
    left = [np.hstack([image, BLANK]) for image in swaying[:4]]
    right = [np.hstack([BLANK, image]) for image in swaying[4:10]]
    rows = list(analyse(frames(left + right), detector, model))
    assert [row.frame for row in rows] == list(range(1, 11))
    assert_scores(rows[:4], clip_scores(left, detector, model))
    assert_scores(rows[4:], clip_scores(right, detector, model))


def test_the_largest_face_is_the_one(portrait, detector, model):
    small = np.zeros_like(portrait)
    small[:168, :168] = cv2.resize(portrait, (168, 168), interpolation=cv2.INTER_AREA)
    (row,) = analyse(frames([np.hstack([small, portrait])]), detector, model)
    assert row.box[0] > 240


def test_a_video_without_any_face(detector, model):
    rows = list(analyse(frames([BLANK] * 3), detector, model))
    assert [(row.frame, row.success) for row in rows] == [(1, False), (2, False), (3, False)]


def test_rows_come_while_the_video_goes_on(swaying, detector, model):
    taken = []

    def source():
        for frame in frames(swaying):
            taken.append(frame.number)
            yield frame

    rows = analyse(source(), detector, model)
    assert taken == []
    for number in (1, 2, 3):
        assert next(rows).frame == number
        assert taken[-1] == number + model.lookahead


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("single_face.mp4", [(True, 72)]),
        ("face_noface.mov", [(True, 72), (False, 97)]),
        ("no_face.mp4", [(False, 95)]),
    ],
)
def test_real_videos(media, detector, model, name, runs):
    rows = list(analyse(Video(media / name), detector, model))
    found = [(success, len(list(group))) for success, group in groupby(row.success for row in rows)]
    assert [row.frame for row in rows] == list(range(1, len(rows) + 1))
    assert [success for success, _ in found] == [success for success, _ in runs]
    # Where exactly a face leaves the picture is the detector's opinion.
    np.testing.assert_allclose([count for _, count in found], [count for _, count in runs], atol=3)
