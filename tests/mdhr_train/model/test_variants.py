import pytest

from mdhr_runtime.errors import ConfigError
from mdhr_train.datasets import BP4D
from mdhr_train.model import ModelConfig
from mdhr_train.model.variants import SUITES, inferred_note, rows
from mdhr_train.report.series import PAPER


def config(overrides):
    return ModelConfig(BP4D, **overrides)


@pytest.mark.parametrize("suite", SUITES)
def test_rows_of_a_suite_are_different_networks_with_labels_of_their_own(suite):
    assert len({config(row.overrides) for row in rows(suite)}) == len({row.label for row in rows(suite)})
    assert len(rows(suite)) == len({row.label for row in rows(suite)})


def test_rows_that_two_tables_share_are_one_network_with_one_figure():
    printed = [row for suite in SUITES for row in rows(suite) if row.paper is not None]
    figures = {}
    for row in printed:
        figures.setdefault(config(row.overrides), set()).add(row.paper)
    assert len(printed) == 9 + 6 + 5
    assert all(len(values) == 1 for values in figures.values())
    assert len(printed) - len(figures) == 3


def test_the_full_model_is_the_default_and_has_the_figure_of_the_papers_main_table():
    full = rows("table3")[-1]
    assert config(full.overrides) == config(rows("parts")[0].overrides) == ModelConfig(BP4D)
    assert full.paper == PAPER["bp4d"][0].mean


def test_what_is_inferred_is_named():
    said = {suite: inferred_note(suite) for suite in (*SUITES, "table9")}
    assert said["table3"].endswith(": " + ", ".join(row.label for row in rows("table3")[:-1]) + ".")
    assert said["table4"].endswith(": scale 1, scale 4.")
    assert said["table5"] is said["parts"] is said["table9"] is None
    assert all(row.paper is not None for suite in SUITES for row in rows(suite) if row.inferred)


def test_an_unknown_suite_is_refused():
    with pytest.raises(ConfigError, match="no suite 'table9'") as error:
        rows("table9")
    assert "table3" in error.value.fix
