import json
from dataclasses import replace

import numpy as np
import pytest
from runs import AUS, invented_scores

from mdhr_runtime.errors import CheckpointError
from mdhr_train.model.variants import SUITES, inferred_note, rows
from mdhr_train.training.crossval import cross_validate, folder_name, mean_over_folds, run_suite, suite_table

from .conftest import ALONE

pytestmark = pytest.mark.slow


def test_every_fold_is_trained_once(make_config, tmp_path):
    config = make_config({"schedule.epochs": 1})
    summary = cross_validate(config, tmp_path / "runs", ALONE)
    assert json.loads((tmp_path / "runs" / "summary.json").read_text()) == summary
    assert (summary["dataset"], summary["folds"]) == ("disfa", [1, 2, 3])
    folds = [json.loads((tmp_path / "runs" / f"fold{fold}" / "summary.json").read_text()) for fold in (1, 2, 3)]
    assert [fold["fold"] for fold in folds] == [1, 2, 3]
    assert len({fold["data"]["fingerprint"] for fold in folds}) == 3
    assert summary["per_fold"] == {str(fold["fold"]): fold["best"]["clips"] for fold in folds}
    assert summary["mean_f1"] == pytest.approx(sum(fold["best"]["clips"]["mean_f1"] for fold in folds) / 3)

    # The same command again trains only what is missing.
    runs = [tmp_path / "runs" / f"fold{fold}" / "summary.json" for fold in (1, 2, 3)]
    before = [run.stat().st_mtime_ns for run in runs]
    runs[1].unlink()
    again = cross_validate(config, tmp_path / "runs", ALONE)
    assert [run.stat().st_mtime_ns == time for run, time in zip(runs, before, strict=True)] == [True, False, True]
    assert again["mean_f1"] == summary["mean_f1"]

    with pytest.raises(CheckpointError, match="another configuration") as error:
        cross_validate(replace(config, seed=1), tmp_path / "runs", ALONE)
    assert "seed: 0, now 1" in error.value.why
    # How it is computed may change.
    cross_validate(replace(config, compute=replace(config.compute, workers=1)), tmp_path / "runs", ALONE)


def test_means_over_folds():
    folds = {1: {"mean_f1": 0.5, "f1": {"AU01": 0.25}}, 2: {"mean_f1": 0.7, "f1": {"AU01": 0.75}}}
    summary = mean_over_folds(folds, ["AU01"])
    assert summary["mean_f1"] == pytest.approx(0.6)
    assert summary["f1"] == {"AU01": 0.5}
    assert summary["per_fold"] == {"1": folds[1], "2": folds[2]}
    assert "auc" not in summary  # of runs from before there was one


def test_auc_and_intervals_over_folds():
    rng = np.random.default_rng(0)
    folds = {fold: invented_scores(rng) for fold in (1, 2, 3)}
    folds[2]["auc"]["AU04"] = None
    summary = mean_over_folds(folds, AUS)
    assert summary["auc"]["AU01"] == pytest.approx(np.mean([fold["auc"]["AU01"] for fold in folds.values()]))
    assert summary["auc"]["AU04"] == pytest.approx((folds[1]["auc"]["AU04"] + folds[3]["auc"]["AU04"]) / 2)
    low, high = summary["intervals"]["mean_f1"]
    assert low < summary["mean_f1"] < high
    # Three times as many people: less noise than of one fold.
    assert high - low < np.mean([np.diff(fold["intervals"]["mean_f1"])[0] for fold in folds.values()])
    assert "auc" not in summary["intervals"]
    del folds[3]["subjects"]
    assert "intervals" not in mean_over_folds(folds, AUS)


@pytest.mark.parametrize("suite", SUITES)
def test_every_row_has_a_folder_of_its_own(suite):
    names = [folder_name(row) for row in rows(suite)]
    assert len(set(names)) == len(names)
    assert all(name.replace("-", "").isalnum() for name in names)


def test_the_table_of_a_suite_names_what_is_inferred():
    table_rows = [
        {"label": row.label, "folder": folder_name(row), "mean_f1": 0.5, "stream_mean_f1": 0.5, "paper": row.paper}
        for row in rows("table4")
    ]
    summary = {"schema": 1, "suite": "table4", "dataset": "bp4d", "rows": table_rows}
    *lines, blank, note = suite_table(summary).splitlines()
    assert len(lines) == 2 + len(table_rows)
    assert (blank, note) == ("", inferred_note("table4"))


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
