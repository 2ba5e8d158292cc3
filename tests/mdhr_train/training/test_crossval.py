import json
from dataclasses import replace

import pytest
import torch

from mdhr_runtime.errors import CheckpointError
from mdhr_train.training import crossval
from mdhr_train.training.crossval import cross_validate, mean_over_folds
from mdhr_train.training.distributed import Group

ALONE = Group(0, 1, torch.device("cpu"))


def test_every_fold_is_trained_once(make_config, tmp_path, monkeypatch):
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
    trained = []
    real = crossval.train
    monkeypatch.setattr(
        crossval, "train", lambda job, resume: trained.append(job.config.data.fold) or real(job, resume)
    )
    (tmp_path / "runs" / "fold2" / "summary.json").unlink()
    again = cross_validate(config, tmp_path / "runs", ALONE)
    assert trained == [2]
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
