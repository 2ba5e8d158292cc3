"""Products in place of slices: the same numbers, to the last bit."""

import pytest
import torch

from mdhr_export.graphs.dynamics import differences, last, sums


@pytest.fixture(params=[torch.float32, torch.float16], ids=["float32", "float16"])
def rows(request):
    return torch.randn(2, 13, 40, generator=torch.Generator().manual_seed(0)).to(request.param)


def test_differences_are_those_of_neighbouring_rows(rows):
    assert torch.equal(differences(rows), rows[:, 1:] - rows[:, :-1])


@pytest.mark.parametrize("number", [1, 9, 13])
def test_the_last_rows_are_copied_exactly(rows, number):
    assert torch.equal(last(rows, number), rows[:, -number:])


def test_sums_over_a_window_start_at_every_row():
    rows = torch.arange(12.0).view(1, 12, 1)
    assert sums(rows, 10).flatten().tolist() == [45.0, 55.0, 65.0]


def test_a_single_new_row_has_one_difference_and_one_sum():
    rows = torch.tensor([[[1.0], [4.0]]])
    assert differences(rows).tolist() == [[[3.0]]]
    assert sums(rows, 2).tolist() == [[[5.0]]]
