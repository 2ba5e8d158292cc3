import numpy as np
import pytest

from mdhr_train.datasets import LAYOUTS
from mdhr_train.report.series import PAPER


@pytest.mark.parametrize("dataset", PAPER)
def test_the_papers_columns_hold_the_layouts_aus_and_give_the_printed_means(dataset):
    for column in PAPER[dataset]:
        assert tuple(column.f1) == LAYOUTS[dataset.upper()].au_names
        assert np.mean(list(column.f1.values())) == pytest.approx(column.mean, abs=0.051)
