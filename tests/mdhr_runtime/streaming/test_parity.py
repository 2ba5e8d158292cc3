"""How differences are told: rounding apart from flipped argmaxes."""

import numpy as np
import pytest

from mdhr_export.verify import check_parity
from mdhr_runtime.errors import ExportError
from mdhr_runtime.streaming.parity import TOLERANCES, Labels, compare


@pytest.fixture
def expected():
    return Labels(np.full((12, 3), 0.5, np.float32), np.zeros((12, 2), int))


def test_equal_labels_do_not_differ(expected):
    record = compare("clip", expected, expected, reach=2)
    assert (record.largest, record.mean, record.largest_unflipped, record.flips, record.argmaxes) == (0, 0, 0, 0, 24)


def test_a_flip_excuses_its_neighbours_and_no_other_frame(expected):
    scores, combinations = expected.scores.copy(), expected.combinations.copy()
    combinations[5, 1] = 3
    scores[3:8] += 0.25  # the temporal convolution reaches two frames on either side
    scores[8] += 0.001
    record = compare("clip", expected, Labels(scores, combinations), reach=2)
    assert record.flips == 1
    assert record.largest == pytest.approx(0.25)
    assert record.largest_unflipped == pytest.approx(0.001, rel=1e-3)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("whose", ["expected", "found", "both"])
@pytest.mark.parametrize("flipped", [False, True])
def test_what_is_no_number_never_passes(expected, number, whose, flipped):
    scores, combinations = expected.scores.copy(), expected.combinations.copy()
    scores[4] = number
    combinations[4, 0] = flipped
    odd = Labels(scores, combinations)
    sides = {"expected": (odd, expected), "found": (expected, odd), "both": (odd, odd)}[whose]
    with np.errstate(invalid="ignore"), pytest.raises(ExportError, match="no numbers") as error:
        check_parity([compare("one clip", *sides, reach=2)], TOLERANCES["float16"])
    assert "nan" not in str(error.value)
    assert "one clip" in error.value.why
