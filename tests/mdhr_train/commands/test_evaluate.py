import json

import pytest
import torch
from click.testing import CliRunner
from stripes import make_dataset

from mdhr_train.checkpoints import save_checkpoint
from mdhr_train.cli import main
from mdhr_train.data.lists import read_fold
from mdhr_train.datasets import BP4D, DATASETS, DISFA
from mdhr_train.datasets.layouts import derive_layout
from mdhr_train.model import MDHR, ModelConfig
from mdhr_train.training.run_files import is_evaluation


def run(*arguments):
    return CliRunner().invoke(main, ["eval", *map(str, arguments)])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    make_dataset(root, "bp4d", subjects=1)
    return ("--data", root, "--workers", 0)


@pytest.mark.slow
def test_checkpoint_and_bundle_have_a_table_each_and_the_latter_ends_with_what_is_lost(
    data, tiny_checkpoint, tiny_bundle, tmp_path
):
    out = tmp_path / "scores.json"
    both = ("--ckpt", tiny_checkpoint, "--bundle", tiny_bundle, "--device", "cpu", "--provider", "cpu")
    result = run(*both, *data, "--out", out)
    assert result.exit_code == 0, result.output
    tables = [text.splitlines() for text in result.stdout.split("\n\n")]
    assert [rows[0].split()[0] for rows in tables[:2]] == ["checkpoint", "bundle"]
    assert [rows[0].count("lost") for rows in tables[:2]] == [0, 2]
    assert [len(rows) for rows in tables[:2]] == [2 + 12 + 1] * 2
    assert max(map(len, result.stdout.splitlines())) <= 120
    mean = tables[1][-1].split()
    assert mean[-2:] == ["0.0000", "0.0000"]
    scores = json.loads(out.read_text())
    assert scores["checkpoint"]["clips"]["f1"] == scores["bundle"]["clips"]["f1"]
    assert float(mean[1]) == round(scores["checkpoint"]["clips"]["mean_f1"], 4)
    assert float(mean[3]) == round(scores["bundle"]["clips"]["mean_auc"], 4)
    assert is_evaluation(out)
    out.write_text(json.dumps({**scores, "note": "mine"}))
    assert not is_evaluation(out)


@pytest.mark.slow
def test_a_checkpoint_alone_is_scored(data, tiny_checkpoint):
    result = run("--ckpt", tiny_checkpoint, *data, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "lost" not in result.stdout
    assert "does not say which fold it was trained on" in result.stderr
    table, note = result.stdout.strip().split("\n\n")
    # One subject is tested: no interval.
    assert table.splitlines()[-1].split()[2] == "–"
    assert note == "Data: bp4d, the test part of fold 1; subjects: 1."


def other(path, layout=DISFA):
    """A small checkpoint of another layout than the data's."""
    torch.manual_seed(0)
    save_checkpoint(path, MDHR(ModelConfig(layout, "test_resnet", 16, dynamics_channels=16)))
    return path


def test_a_checkpoint_of_other_aus_is_scored_on_those_that_both_have_and_on_all_recordings(data, tmp_path):
    out = tmp_path / "scores.json"
    result = run("--ckpt", other(tmp_path / "disfa.pt"), *data, "--device", "cpu", "--out", out)
    assert result.exit_code == 0, result.output
    assert "warning" not in result.stderr
    table, notes = result.stdout.strip().split("\n\n")
    shared = ["AU01", "AU02", "AU04", "AU06", "AU12"]
    assert [row.split()[0] for row in table.splitlines()[2:]] == [*shared, "mean"]
    assert f"Scored are the action units that all have: {' '.join(shared)}." in notes
    assert "Left out: AU09 AU25 AU26 of the checkpoint; AU07 AU10 AU14" in notes
    assert "all recordings, the test parts of all folds together; subjects: 3." in notes
    assert "learned from another dataset: nobody here was seen" in notes
    scores = json.loads(out.read_text())
    assert scores["fold"] is None
    found = scores["checkpoint"]["clips"]
    assert list(found["f1"]) == shared
    assert found["mean_f1"] == pytest.approx(sum(found["f1"].values()) / 5)
    assert len(found["intervals"]["mean_f1"]) == 2
    assert is_evaluation(out)


def test_one_fold_of_another_dataset_can_be_asked_for(data, tmp_path):
    result = run("--ckpt", other(tmp_path / "disfa.pt"), *data, "--device", "cpu", "--fold", 2)
    assert result.exit_code == 0, result.output
    assert "the test part of fold 2; subjects: 1" in result.stdout


def test_a_checkpoint_that_shares_no_action_unit_is_refused(data, tmp_path):
    path = other(tmp_path / "lids.pt", derive_layout("lids", [43, 45]))
    result = run("--ckpt", path, *data)
    assert result.exit_code == 1
    assert "cannot be scored on bp4d" in result.stderr
    assert "They share no action unit" in result.stderr
    assert "the checkpoint AU43 AU45" in result.stderr


def trained(path, root, fold=2, dataset="bp4d", fingerprint=None):
    """A small checkpoint that says what it was trained on."""
    torch.manual_seed(0)
    own = read_fold(root, DATASETS["bp4d"], fold).fingerprint
    said = {"config": {"data": {"root": str(root), "dataset": dataset, "fold": fold}}}
    run = said | {"data": {"fingerprint": fingerprint or own}}
    save_checkpoint(path, MDHR(ModelConfig(BP4D, "test_resnet", 16, dynamics_channels=16)), run=run)
    return path


def test_a_checkpoint_is_scored_on_the_fold_that_it_was_trained_on_and_on_no_other(data, tmp_path):
    path, out = trained(tmp_path / "best.pt", data[1]), tmp_path / "scores.json"
    result = run("--ckpt", path, *data, "--device", "cpu", "--out", out)
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text())["fold"] == 2
    assert "warning" not in result.stderr
    refused = run("--ckpt", path, *data, "--fold", 1)
    assert refused.exit_code == 1
    assert "cannot be scored on fold 1" in refused.stderr
    assert "trained on fold 2" in refused.stderr


def test_a_checkpoint_that_may_have_seen_the_test_part_is_scored_with_a_warning(data, tmp_path):
    path = trained(tmp_path / "best.pt", data[1], fingerprint="0f" * 32)
    result = run("--ckpt", path, *data, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "was trained on fold 2 of other lists" in result.stderr
    assert "its F1 is too high" in result.stderr


def test_a_checkpoint_that_learned_the_same_aus_elsewhere_has_seen_nobody(data, tmp_path):
    result = run("--ckpt", trained(tmp_path / "best.pt", data[1], dataset="third"), *data, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "warning" not in result.stderr
    assert "Left out" not in result.stdout
    assert "all recordings, the test parts of all folds together" in result.stdout


def test_what_is_scored_has_to_be_named(data):
    result = run(*data)
    assert result.exit_code == 2
    assert "--ckpt" in result.stderr


def test_only_an_older_result_is_replaced_and_no_input_ever(data, tiny_checkpoint, tmp_path):
    mine, copy = tmp_path / "package.json", tmp_path / "best.pt"
    mine.write_text('{"schema": 1, "dataset": "bp4d", "fold": 1}')
    copy.write_bytes(tiny_checkpoint.read_bytes())
    command = ("--ckpt", copy, *data, "--device", "cpu", "--out")
    assert "is not overwritten" in run(*command, mine).stderr
    assert "stays as it is" in run(*command, copy, "--overwrite").stderr
    assert "stays as it is" in run(*command, data[1] / "list" / "scores.json", "--overwrite").stderr
    assert mine.read_text() == '{"schema": 1, "dataset": "bp4d", "fold": 1}'
    assert copy.read_bytes() == tiny_checkpoint.read_bytes()
