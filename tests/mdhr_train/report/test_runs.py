import json

import pytest
from runs import summary

from mdhr_runtime.errors import DataError, RunError
from mdhr_train.report.runs import TrainedFolds, read


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "summary.json").write_text(json.dumps(summary(fold=2, epochs=4)))
    return tmp_path


def change(folder, **values):
    path = folder / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_run_is_read(folder):
    run = read(folder)
    assert run.folder == folder
    assert run.summary == summary(2, 4)


def test_a_run_that_was_not_scored_on_whole_videos_is_read(folder):
    change(folder, best={**summary(2, 4)["best"], "stream": None})
    assert read(folder).summary["best"]["stream"] is None


def test_a_cross_validation_is_read_with_the_runs_that_are_there(tmp_path):
    part = tmp_path / "fold2"
    part.mkdir()
    (part / "summary.json").write_text(json.dumps(summary(2, 4)))
    counts = summary(2, 4)["best"]["clips"]
    content = {"schema": 1, "dataset": "bp4d", "folds": [1, 2], "mean_f1": 0.5, "f1": counts["f1"]}
    content |= {"per_fold": {"1": counts, "2": counts}}
    (tmp_path / "summary.json").write_text(json.dumps(content | {"stream": content}))
    source = read(tmp_path)
    assert isinstance(source, TrainedFolds)
    assert [run.summary["fold"] for run in source.runs] == [2]
    assert set(source.summary["per_fold"]) == {"1", "2"}
    (part / "summary.json").unlink()
    with pytest.raises(RunError, match="holds no runs"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["", "missing"])
def test_a_folder_that_is_no_run_is_refused(tmp_path, name):
    with pytest.raises(RunError, match="is not a finished run"):
        read(tmp_path / name)


def test_a_truncated_summary_is_refused(folder):
    path = folder / "summary.json"
    path.write_text(path.read_text()[:-200])
    with pytest.raises(DataError, match="cannot be read"):
        read(folder)


def test_a_newer_summary_is_refused(folder):
    change(folder, schema=2)
    with pytest.raises(DataError, match="has schema 2; this version reads up to 1"):
        read(folder)


@pytest.mark.parametrize(
    "values",
    [
        {"schema": None},
        {"best": None},
        {"epochs": [{"epoch": 1}]},
        {"epochs": {}},
        {"fold": "2"},
        {"aus": ["AU01", "AU99"]},
        {"data": {"fingerprint": "0"}},
        {"folds": [1]},
    ],
)
def test_a_summary_that_lacks_something_is_refused(folder, values):
    change(folder, **values)
    with pytest.raises((DataError, RunError)):
        read(folder)
