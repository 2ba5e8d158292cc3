import hashlib
import sys

import pytest
from click.testing import CliRunner
from stripes import SMALL_MODEL_OPTIONS, make_dataset

from mdhr_train.checkpoints import load_checkpoint
from mdhr_train.cli import main
from mdhr_train.training.card import names_checkpoint

pytest.importorskip("skimage")

SMALL_DEMO = ("fit", "--synthetic", "--layout", "disfa", "--node-features", "16", "--dynamics-channels", "16")
SHORT_DEMO = ("--clips", "2", "--test-clips", "1", "--batch", "1", "--frames", "2", "--workers", "0", "--device", "cpu")
DEMO = (*SMALL_DEMO, *SHORT_DEMO)
SHORT = ("--epochs", "1", "--batch", "2", "--frames", "4", "--workers", "0", "--device", "cpu")
SHORT_RUN = (*SMALL_MODEL_OPTIONS, *SHORT)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.slow
def test_fit_reports_f1_and_writes_a_checkpoint(tmp_path):
    out = tmp_path / "best.pt"
    result = run(*DEMO, "--out", out)
    assert result.exit_code == 0, result.output
    assert "AU26" in result.stdout
    assert "mean F1 0." in result.stdout
    checkpoint = load_checkpoint(out)
    assert checkpoint.model.config.layout.name == "DISFA"
    assert checkpoint.model.config.layout.crop.view == "centre"  # as large as in training
    assert checkpoint.metrics["f1"].keys() == {f"AU{au:02d}" for au in (1, 2, 4, 6, 9, 12, 25, 26)}


def test_an_interrupted_training_leaves_the_old_checkpoint(tiny_checkpoint, tmp_path, monkeypatch):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("mdhr_train.training.loop.score_clips", interrupt)
    out = tmp_path / "best.pt"
    old = tiny_checkpoint.read_bytes()
    out.write_bytes(old)
    result = run(*DEMO, "--out", out)
    assert result.exit_code == 1
    assert out.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["best.pt"]


def test_the_source_of_the_data_has_to_be_named():
    result = run("fit")
    assert result.exit_code == 2
    assert "--synthetic" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "missing/best.pt"), "missing/best.pt cannot be written"),
        (("--out", "."), "It is a folder"),
        (("--backbone", "resnet5000"), "There is no backbone 'resnet5000'"),
        (("--lr", "-1"), "`optimiser.lr`: Expected `float` > 0"),
    ],
)
def test_what_cannot_work_is_refused_in_three_parts(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*DEMO, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "why: " in result.stderr
    assert "fix: " in result.stderr
    assert not list(tmp_path.iterdir())


def test_without_torch_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run(*DEMO, "--out", tmp_path / "best.pt")
    assert result.exit_code == 1
    assert "pip install 'mdhr-edge[train]'" in result.stderr


@pytest.mark.slow
def test_a_run_on_a_prepared_dataset_says_how_it_went(tmp_path):
    make_dataset(tmp_path / "data")
    out = tmp_path / "run"
    options = ("--data", tmp_path / "data", "--dataset", "disfa", *SHORT_RUN, "--out", out)
    result = run("fit", *options)
    assert result.exit_code == 0, result.output
    assert "AU26" in result.stdout
    assert "chosen on the test part itself" in result.stdout
    assert "test_resnet starts from random weights" in result.stderr
    assert "epoch 1 of 1: loss" in result.stderr
    assert "waiting for data" in result.stderr
    assert {path.name for path in out.iterdir()} >= {"config.yaml", "best.pt", "last.pt", "summary.json", "card.md"}
    digest = hashlib.sha256((out / "best.pt").read_bytes()).hexdigest()
    assert names_checkpoint(out / "card.md", digest)
    again = run("fit", *options)
    assert again.exit_code == 1
    assert "already holds a run" in again.stderr
    with (out / "card.md").open("a") as card:
        card.write("A note of mine.\n")
    resumed = run("fit", *options, "--resume")
    assert resumed.exit_code == 0
    assert "card.md was edited and stays as it is" in resumed.stderr
    assert "It holds card.md, which this program did not write" in run("fit", *options, "--overwrite").stderr
    assert (out / "card.md").read_text().endswith("A note of mine.\n")


def test_without_a_network_the_papers_weights_are_named_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    make_dataset(tmp_path / "data", subjects=1)
    options = ("--data", tmp_path / "data", "--dataset", "disfa", *SHORT, "--out", tmp_path / "run")
    result = run("fit", *options)
    assert result.exit_code == 1
    assert "resnet50 starts from ImageNet weights: resnet50.tv_in1k" in result.stderr
    assert "ImageNet weights 'resnet50.tv_in1k' could not be loaded" in result.stderr
    assert "--no-pretrained" in result.stderr
    assert not (tmp_path / "run" / "last.pt").exists()


@pytest.mark.slow
def test_the_command_line_goes_before_the_file(tmp_path):
    make_dataset(tmp_path / "data", subjects=1)
    config = tmp_path / "run.yaml"
    config.write_text(
        f"data: {{root: {tmp_path / 'data'}, dataset: disfa}}\noptimiser: {{lr: 1e-2, ema: 0.5}}\nseed: 3\n"
    )
    result = run(
        "fit", "--config", config, *SHORT_RUN, "--seed", 5, "--set", "optimiser.ema=0", "--out", tmp_path / "run"
    )
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "run" / "config.yaml").read_text().splitlines()
    assert "seed: 5" in lines
    assert "  lr: 0.01" in lines
    assert "  ema: 0.0" in lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "optimiser.lrr=1"), "nearest is 'optimiser.lr'"),
        (("--set", "nonsense"), "not KEY=VALUE"),
        (("--config", "none.yaml"), "none.yaml cannot be read"),
        (("--data", "none"), "cannot be read"),
    ],
)
def test_a_run_that_cannot_begin_is_refused_in_three_parts(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("fit", "--data", "data", *SHORT_RUN, *arguments)
    assert result.exit_code == 1, result.output
    assert message in result.stderr
    assert "fix: " in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"a photo", b"\x89PNG"])
def test_the_demo_replaces_checkpoints_only(tmp_path, content):
    (tmp_path / "best.pt").write_bytes(content)
    result = run(*DEMO, "--out", tmp_path / "best.pt")
    assert result.exit_code == 1
    assert "is not overwritten" in result.stderr
    assert (tmp_path / "best.pt").read_bytes() == content


def test_resume_and_overwrite_exclude_each_other():
    result = run("fit", "--data", "data", "--resume", "--overwrite")
    assert result.exit_code == 2
    assert "exclude" in result.stderr
