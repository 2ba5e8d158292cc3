import numpy as np
import pytest

from mdhr_runtime.faces.appearance import BINS, blended, colour_histogram, similarity


def test_histograms_tell_how_alike_two_crops_are(portrait):
    histogram = colour_histogram(portrait)
    assert histogram.shape == (3 * BINS,)
    assert histogram.dtype == np.float32
    assert similarity(histogram, histogram) == pytest.approx(1)
    assert similarity(histogram, colour_histogram(portrait[:, ::-1])) > 0.98
    assert similarity(histogram, colour_histogram(255 - portrait)) < 0.7


def test_a_blended_histogram_drifts_slowly_to_what_is_seen(portrait):
    remembered, new = colour_histogram(portrait), colour_histogram(255 - portrait)
    once = blended(remembered, new)
    assert np.linalg.norm(once) == pytest.approx(1)
    assert similarity(once, remembered) > 0.99
    for _ in range(200):
        once = blended(once, new)
    assert similarity(once, new) > 0.999
