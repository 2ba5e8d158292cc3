import json

import pytest
import torch
from click.testing import CliRunner
from stripes import make_dataset

from mdhr_train.checkpoints import save_checkpoint
from mdhr_train.cli import main
from mdhr_train.data.lists import read_fold
from mdhr_train.datasets import BP4D, DATASETS, DISFA
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
def test_checkpoint_and_bundle_stand_side_by_side(data, tiny_checkpoint, tiny_bundle, tmp_path):
    out = tmp_path / "scores.json"
    both = ("--ckpt", tiny_checkpoint, "--bundle", tiny_bundle, "--device", "cpu", "--provider", "cpu")
    result = run(*both, *data, "--out", out)
    assert result.exit_code == 0, result.output
    header, _, *rows = result.stdout.splitlines()
    assert header.count("checkpoint") == header.count("bundle") == header.count("lost") == 2
    assert len(rows) == 12 + 1
    mean = rows[-1].split()
    assert mean[-2:] == ["0.0000", "0.0000"]
    scores = json.loads(out.read_text())
    assert scores["checkpoint"] == scores["bundle"]
    assert float(mean[1]) == round(scores["checkpoint"]["clips"]["mean_f1"], 4)
    assert is_evaluation(out)
    out.write_text(json.dumps({**scores, "note": "mine"}))
    assert not is_evaluation(out)


@pytest.mark.slow
def test_a_checkpoint_alone_is_scored(data, tiny_checkpoint):
    result = run("--ckpt", tiny_checkpoint, *data, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "lost" not in result.stdout
    assert "does not say which fold it was trained on" in result.stderr
    assert result.stdout.splitlines()[-1].startswith("mean")


def test_a_checkpoint_of_another_layout_is_refused(data, tmp_path):
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "disfa.pt", MDHR(ModelConfig(DISFA, "test_resnet", 16, dynamics_channels=16)))
    result = run("--ckpt", tmp_path / "disfa.pt", *data)
    assert result.exit_code == 1
    assert "cannot be scored on BP4D" in result.stderr
    assert "AU26" in result.stderr


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


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"fingerprint": "0f" * 32}, "was trained on fold 2 of other lists"),
        ({"dataset": "third"}, "does not say which fold"),
    ],
)
def test_a_checkpoint_that_may_have_seen_the_test_part_is_scored_with_a_warning(data, tmp_path, said, words):
    result = run("--ckpt", trained(tmp_path / "best.pt", data[1], **said), *data, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert words in result.stderr
    assert "its F1 is too high" in result.stderr


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
