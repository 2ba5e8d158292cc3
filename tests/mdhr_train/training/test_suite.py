import json

import pytest

from mdhr_train.commands import crossval
from mdhr_train.model.variants import SUITES, rows
from mdhr_train.training.suite import folder_name, run_suite, suite_table

from .conftest import ALONE


@pytest.mark.parametrize("suite", SUITES)
def test_every_row_has_a_folder_of_its_own(suite):
    names = [folder_name(row) for row in rows(suite)]
    assert len(set(names)) == len(names)
    assert all(name.replace("-", "").isalnum() for name in names)


def test_the_command_offers_all_suites():
    assert tuple(SUITES) == crossval.SUITES


def test_a_suite_trains_every_row_once_and_prints_it_beside_the_paper(make_config, tmp_path):
    config = make_config({"schedule.epochs": 1})
    summary = run_suite("table5", config, tmp_path / "suite", ALONE)
    assert [row["label"] for row in summary["rows"]] == [row.label for row in rows("table5")]
    assert json.loads((tmp_path / "suite" / "summary.json").read_text()) == summary
    lines = suite_table(summary).splitlines()
    assert len(lines) == 2 + len(summary["rows"])
    assert lines[-1].startswith("Aux, cross-regional activated")
    assert lines[-1].split()[-1] == "65.1"
    checkpoint = tmp_path / "suite" / summary["rows"][0]["folder"] / "fold2" / "best.pt"
    trained = checkpoint.stat().st_mtime_ns
    assert run_suite("table5", config, tmp_path / "suite", ALONE) == summary
    assert checkpoint.stat().st_mtime_ns == trained
