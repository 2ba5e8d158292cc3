import numpy as np
import pytest

from mdhr_runtime.faces.boxes import areas, calibrated, clipped, overlaps, squared, suppress

BIG = [0, 0, 10, 10]
HALF = [0, 0, 10, 5]
APART = [20, 20, 30, 30]


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def test_areas():
    assert areas(boxes(BIG, HALF, [5, 5, 3, 9])).tolist() == [100, 50, 0]


@pytest.mark.parametrize(("relative_to", "share"), [("union", 0.5), ("smaller", 1.0)])
def test_overlap_of_a_box_inside_another(relative_to, share):
    found = overlaps(boxes(BIG, HALF), boxes(BIG, HALF, APART), relative_to)
    np.testing.assert_allclose(found, [[1, share, 0], [share, 1, 0]], atol=1e-6)


def test_a_box_without_area_overlaps_nothing():
    assert overlaps(boxes([3, 3, 3, 3]), boxes([3, 3, 3, 3], BIG)).tolist() == [[0, 0]]


def test_the_better_of_two_overlapping_boxes_stays_best_first():
    kept = suppress(boxes(BIG, HALF, APART), np.array([0.6, 0.7, 0.8]), 0.4)
    assert kept.tolist() == [2, 1]


def test_a_small_overlap_is_allowed():
    assert suppress(boxes(BIG, HALF), np.array([0.9, 0.8]), 0.5).tolist() == [0, 1]


def test_a_suppressed_box_suppresses_others():
    chain = boxes([0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10])
    assert suppress(chain, np.array([0.9, 0.8, 0.7]), 0.4).tolist() == [0]


def test_thousands_of_boxes():
    corners = np.random.default_rng(0).uniform(0, 500, (1000, 2))
    many = np.hstack([corners, corners + 30])
    scores = np.linspace(1, 0, 1000)
    kept = suppress(many, scores, 0.3)
    alone = ~np.triu(overlaps(many, many) > 0.3, k=1).any(axis=0)
    assert kept.tolist() == np.flatnonzero(alone).tolist()


def test_no_boxes_are_no_special_case():
    assert suppress(boxes(), np.array([]), 0.5).tolist() == []
    assert squared(boxes()).shape == calibrated(boxes(), boxes()).shape == (0, 4)


def test_squares_keep_their_centres():
    np.testing.assert_allclose(squared(boxes([0, 0, 10, 4])), [[0, -3, 10, 7]])


def test_offsets_are_shares_of_the_size_with_both_border_pixels():
    np.testing.assert_allclose(calibrated(boxes([0, 0, 9, 19]), boxes([0.1, 0.1, -0.1, 0])), [[1, 2, 8, 19]])


def test_clipping_to_the_last_pixel():
    assert clipped(boxes([-5, 3, 700, 400]), 640, 360).tolist() == [[0, 3, 639, 359]]
