import json

import pytest
from click.testing import CliRunner
from stripes import SMALL_MODEL_OPTIONS, make_dataset

from mdhr_train.cli import main


def run(*arguments):
    return CliRunner().invoke(main, ["crossval", *map(str, arguments)])


@pytest.mark.slow
def test_the_table_has_every_fold_and_their_mean(tmp_path):
    make_dataset(tmp_path / "data", subjects=1)
    short = ["--epochs", "1", "--batch", "2", "--frames", "4", "--workers", "0", "--device", "cpu"]
    out = tmp_path / "runs"
    result = run("--data", tmp_path / "data", "--dataset", "disfa", *SMALL_MODEL_OPTIONS, *short, "--out", out)
    assert result.exit_code == 0, result.output
    header, _, *rows = result.stdout.splitlines()
    assert header.split() == ["AU", "fold", "1", "fold", "2", "fold", "3", "mean", "whole", "recordings"]
    summary = json.loads((out / "summary.json").read_text())
    mean = next(row for row in rows if row.startswith("mean")).split()
    assert float(mean[4]) == round(summary["mean_f1"], 3)
    assert float(mean[5]) == round(summary["stream"]["mean_f1"], 3)


def test_the_data_has_to_be_named():
    result = run()
    assert result.exit_code == 2
    assert "--data" in result.stderr
