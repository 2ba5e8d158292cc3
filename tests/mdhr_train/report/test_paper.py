import numpy as np
import pytest

from mdhr_train.datasets import LAYOUTS
from mdhr_train.paper import ABLATIONS, COLUMNS


@pytest.mark.parametrize("dataset", COLUMNS)
def test_the_columns_hold_the_layouts_aus_and_give_the_printed_means(dataset):
    for column in COLUMNS[dataset]:
        assert tuple(column.f1) == LAYOUTS[dataset.upper()].au_names
        assert np.mean(list(column.f1.values())) == pytest.approx(column.mean, abs=0.051)


def test_rows_that_tables_share_have_the_same_figure():
    table3, table4, table5 = (ABLATIONS[name] for name in ("table3", "table4", "table5"))
    assert table3["MFD + AFE + Aux + CRM + TCN"] == COLUMNS["bp4d"][0].mean
    assert table3["AFE"] == table4["none"]
    assert table3["MFD + AFE"] == table4["all scales, adaptive weights"]
    assert table3["AFE + Aux + CRM"] == table5["Aux, cross-regional activated"]
