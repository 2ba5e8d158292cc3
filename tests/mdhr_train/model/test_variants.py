import pytest

from mdhr_runtime.errors import ConfigError
from mdhr_train.datasets import BP4D
from mdhr_train.model import ModelConfig
from mdhr_train.paper import ABLATIONS
from mdhr_train.suites import SUITES, rows


def config(overrides):
    return ModelConfig(BP4D, **overrides)


@pytest.mark.parametrize("suite", ABLATIONS)
def test_every_figure_of_the_paper_stands_beside_a_row(suite):
    assert {row.label: row.paper for row in rows(suite) if row.paper is not None} == ABLATIONS[suite]


@pytest.mark.parametrize("suite", SUITES)
def test_rows_of_a_suite_are_different_networks(suite):
    assert len({config(row.overrides) for row in rows(suite)}) == len(rows(suite))


def test_rows_that_two_tables_share_are_one_network_with_one_figure():
    figures = {}
    for suite in ABLATIONS:
        for row in rows(suite):
            if row.paper is not None:
                figures.setdefault(config(row.overrides), set()).add(row.paper)
    assert all(len(values) == 1 for values in figures.values())
    assert sum(len(ABLATIONS[suite]) for suite in ABLATIONS) - len(figures) == 3


def test_the_full_model_is_the_default():
    assert config(rows("table3")[-1].overrides) == config(rows("parts")[0].overrides) == ModelConfig(BP4D)


def test_an_unknown_suite_is_refused():
    with pytest.raises(ConfigError, match="no suite 'table9'") as error:
        rows("table9")
    assert "table3" in error.value.fix
