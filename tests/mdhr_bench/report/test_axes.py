import pytest

from mdhr_bench.report.axes import Scale, marks_of


def test_a_linear_scale_maps_its_ends_and_holds_what_is_beyond():
    scale = Scale(10, 20, 100, 0)
    assert [scale(value) for value in (10, 15, 20, 5, 99)] == [100, 50, 0, 100, 0]


def test_a_logarithmic_scale_maps_equal_factors_to_equal_distances():
    scale = Scale(1, 100, 0, 50, log=True)
    assert [scale(value) for value in (1, 10, 100)] == pytest.approx([0, 25, 50])


@pytest.mark.parametrize(
    ("low", "high", "log", "marks"),
    [
        (0, 23, False, [0, 5, 10, 15, 20]),
        (12.1, 13.4, False, [12.25, 12.5, 12.75, 13, 13.25]),
        (1.5, 600, True, [3, 10, 30, 100, 300]),
        (9, 16, True, [10, 12, 14, 16]),
        (1e-3, 1e9, True, [1e-3, 1e0, 1e3, 1e6, 1e9]),
    ],
)
def test_marks_are_round_numbers_within_the_scale(low, high, log, marks):
    assert marks_of(Scale(low, high, 0, 1, log)) == pytest.approx(marks)
