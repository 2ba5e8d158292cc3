"""What is said of frames in which no face was found."""

import numpy as np
import pytest

from mdhr_runtime.faceless import FacelessFrames
from mdhr_runtime.sources import Frame

NOISE = np.random.default_rng(0).integers(0, 255, (100, 120, 3), np.uint8)


def frames(*images, readable=True, elsewhere=False):
    counts = FacelessFrames()
    for image in images:
        counts.add(Frame(1, 0.0, image, readable), elsewhere=elsewhere)
    return counts


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (frames(NOISE // 64), ["All frames are dark"]),
        (frames(np.full_like(NOISE, (0, 0, 200))), ["All frames are of one colour"]),
        (frames(np.zeros_like(NOISE), readable=False), ["All frames are unreadable"]),
        (frames(NOISE), ["smaller than 48 pixels (lower --min-face)", "covered"]),
        (frames(NOISE[:40]), ["has a side of 40 pixels", "from 48 pixels on: lower --min-face"]),
        (frames(NOISE, NOISE // 64), ["1 of 2 frames are dark", "lower --min-face"]),
        (frames(np.zeros((1, 1, 3), np.uint8)), ["All frames are dark"]),
        (frames(NOISE, elsewhere=True), ["All frames show faces outside of the region only: move or widen --roi."]),
    ],
)
def test_the_cause_is_named_and_no_other(counts, words):
    text = counts.causes(48)
    assert all(word in text for word in words)
    assert ("--min-face" in text) == any("--min-face" in word for word in words)


def test_a_darkened_face_is_found_above_the_contrast_and_lost_below_it(make_tracker, portrait):
    for factor, found in ((0.2, 1), (0.02, 0)):
        assert len(make_tracker().find((portrait * factor).astype(np.uint8))) == found
    assert "dark" in frames((portrait * 0.02).astype(np.uint8)).causes(48)
