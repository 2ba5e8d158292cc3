import numpy as np
import pytest

from mdhr_runtime.faces.appearance import BINS, PATTERN_SIDE, blended, colour_histogram, pattern, similarity, steadiness


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


def test_patterns_stay_steady_in_noise_and_dim_light_and_not_across_a_cut(portrait):
    before = pattern(portrait)
    assert before.shape == (PATTERN_SIDE**2,)
    assert steadiness(before, before) == pytest.approx(1)
    noise = np.random.default_rng(0).normal(0, 25, portrait.shape)
    assert steadiness(before, pattern(np.clip(portrait + noise, 0, 255).astype(np.uint8))) > 0.95
    assert steadiness(before, pattern(np.roll(portrait, 2, axis=1))) > 0.95
    assert steadiness(before, pattern(portrait // 2)) < 0.9
    assert steadiness(before, pattern(portrait[::-1])) < 0.5
    dim = portrait // 40  # contrasts too faint to tell anything
    assert steadiness(pattern(dim), pattern(dim[::-1])) > 0.9
