"""Quality of the photo's face, made worse by degrees, and of the faces of real videos."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from mdhr_runtime.faces.alignment import align
from mdhr_runtime.faces.pose import head_pose
from mdhr_runtime.faces.quality import FLAWS, assess
from mdhr_runtime.pipeline.analysis import make_face_providers
from mdhr_runtime.sources import Video

WIDE = 80  # pixels between the eyes of the photo, enlarged


@pytest.fixture(scope="module")
def large(photo):
    """The photo's middle, twice as large: the face is no longer small."""
    return cv2.resize(photo[:260, 80:380], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def place(large, detector):
    """Where its face is, (1, 4)."""
    return detector.detect(large)[:1]


@pytest.fixture(scope="module")
def judge(detector, model):
    """Assess the face at a place of an image."""

    def run(image, place, **changes):
        boxes, scores, landmarks = detector.refine(image, place)
        size = image.shape[:2]
        seen = {
            "box": boxes[0],
            "landmarks": landmarks[0],
            "confidence": float(scores[0]),
            "pose": head_pose(landmarks[0], size),
            "crop": align(image, landmarks[0], model.layout.crop),
        }
        return assess(size, **{**seen, **changes})

    return run


def smeared(image, length):
    """As a movement to the side smears it."""
    return cv2.blur(image, (length, 1))


def lit(image, factor):
    return np.clip(image * factor, 0, 255).astype(np.uint8)


def test_a_good_face_has_no_flaws(large, place, judge):
    quality, flaws = judge(large, place)
    assert quality > 0.95
    assert flaws == ()


@pytest.mark.parametrize(
    ("flaw", "worsen", "degrees"),
    [
        ("blurred", lambda image, by: cv2.GaussianBlur(image, (0, 0), by), [3, 4, 6]),
        ("blurred", smeared, [13, 21, 31]),
        ("dark", lit, [0.25, 0.18, 0.12]),
        ("dark", lambda image, by: lit(image - 150.0, by) + 150, [0.35, 0.25]),
        ("bright", lit, [1.5, 1.7]),
    ],
    ids=["focus", "motion", "darkness", "haze", "light"],
)
def test_the_worse_the_image_the_lower_the_quality(flaw, worsen, degrees, large, place, judge):
    judged = [judge(large, place), *(judge(worsen(large, by), place) for by in degrees)]
    qualities = [quality for quality, _ in judged]
    assert all(better > worse for better, worse in pairwise(qualities))
    assert all(flaw in flaws for _, flaws in judged[1:])


def test_the_smaller_the_face_the_lower_the_quality_and_small_is_not_blurred(large, place, judge):
    qualities = []
    for eyes in (WIDE, 32, 26, 18, 10):
        factor = eyes / WIDE
        image = cv2.resize(large, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        quality, flaws = judge(image, place * factor)
        qualities.append(quality)
        assert flaws[:1] == (("small",) if eyes < 35 else ())
        assert "blurred" not in flaws or eyes < 20
    assert all(better > worse for better, worse in pairwise(qualities))


@pytest.mark.parametrize("edge", ["left", "right", "top", "bottom"])
def test_the_more_of_the_face_is_beyond_the_edge_the_lower_the_quality(edge, large, place, judge, detector):
    box = detector.refine(large, place)[0][0]
    qualities = []
    for share in (0.0, 0.12, 0.22, 0.35):
        x1, y1, x2, y2 = (box + np.tile((box[2:] - box[:2]) * share, 2) * [1, 1, -1, -1]).astype(int)
        keep = {
            "left": np.s_[:, max(x1, 0) :],
            "right": np.s_[:, :x2],
            "top": np.s_[max(y1, 0) :],
            "bottom": np.s_[:y2],
        }
        shift = {"left": (x1, 0), "top": (0, y1)}.get(edge, (0, 0))
        quality, flaws = judge(np.ascontiguousarray(large[keep[edge]]), place - np.tile(shift, 2))
        qualities.append(quality)
        assert "cut" in flaws or share < 0.2  # at first the box gives way
    assert all(better > worse for better, worse in pairwise(qualities))


@pytest.mark.parametrize(
    ("flaw", "changes"),
    [
        ("turned", [{"pose": tuple(np.radians([0, yaw, 0]))} for yaw in (0, 40, 50, 57)]),
        ("turned", [{"pose": tuple(np.radians([-pitch, 0, 0]))} for pitch in (0, 50, 60)]),
        ("covered", [{"confidence": score} for score in (0.999, 0.98, 0.95, 0.91)]),
    ],
    ids=["yaw", "pitch", "score"],
)
def test_turned_and_covered_faces_are_worse(flaw, changes, large, place, judge):
    judged = [judge(large, place, **change) for change in changes]
    assert all(better > worse for (better, _), (worse, _) in pairwise(judged))
    assert [flaw in flaws for _, flaws in judged] == [False] + [True] * (len(changes) - 1)


def test_roll_is_no_flaw(large, place, judge):
    assert judge(large, place, pose=(0.0, 0.0, 1.0)) == judge(large, place, pose=(0.0, 0.0, 0.0))


def test_the_worst_flaw_comes_first(large, place, judge):
    _, flaws = judge(lit(large, 0.25), place, confidence=0.91)
    assert flaws == ("covered", "dark")


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_crop_of_one_colour_is_worth_nothing(shade, large, place, judge):
    quality, flaws = judge(large, place, crop=np.full((224, 224, 3), shade, np.uint8))
    assert quality == 0
    assert set(flaws) <= set(FLAWS)


def test_points_that_coincide_are_worth_nothing(large, place, judge):
    quality, flaws = judge(large, place, landmarks=np.full((5, 2), 100.0, np.float32), pose=(0.0, 0.0, 0.0))
    assert quality == 0
    assert flaws[0] == "small"


@pytest.mark.slow
def test_a_hand_before_the_face_lowers_the_quality(media, model):
    video = Video(media / "WolfgangLanger_Pexels.mp4")
    tracker = make_face_providers(model)(video)
    views = [tracker.find(frame.image)[0].view for frame, _ in zip(video, range(98), strict=False)]
    assert np.quantile([view.quality for view in views[:60]], 0.05) > 0.85
    assert np.median([view.quality for view in views[92:]]) < 0.6
    assert sum(view.flaws[:1] == ("covered",) for view in views[92:]) >= 4
