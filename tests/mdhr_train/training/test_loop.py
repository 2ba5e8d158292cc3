"""Runs on a small dataset, from the first epoch to the summary, and what breaks them."""

import json
import math
import os
import resource
import signal
from contextlib import contextmanager
from dataclasses import replace
from math import cos, pi

import numpy as np
import pytest
import torch
from stripes import make_dataset
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from mdhr_runtime.errors import CheckpointError, ConfigError, DataError, MdhrError, OutputError
from mdhr_train.checkpoints import load_checkpoint
from mdhr_train.datasets import BP4D, DATASETS
from mdhr_train.training import loop
from mdhr_train.training.config import build_config, default_values, read_config
from mdhr_train.training.loop import build_optimiser, build_schedule, steps_per_epoch
from mdhr_train.training.run_files import BEST, LAST

pytestmark = pytest.mark.slow


def with_data(trainer, **changes):
    """The same run with other data."""
    return loop.Trainer(trainer.config, replace(trainer.data, **changes), trainer.group, trainer.folder)


@pytest.fixture(scope="module")
def content_of():
    return lambda path: torch.load(path, weights_only=True)


def test_a_run_leaves_what_it_promises(make_trainer):
    trainer = make_trainer()
    summary = trainer.train()
    assert json.loads((trainer.folder / "summary.json").read_text()) == summary
    assert build_config(read_config(trainer.folder / "config.yaml"), DATASETS["disfa"].layout) == trainer.config
    assert summary["aus"] == list(trainer.data.layout.au_names)
    assert (summary["dataset"], summary["layout"], summary["fold"], summary["backbone"]) == (
        *("disfa", "DISFA", 1),
        "test_resnet",
    )
    assert [record["epoch"] for record in summary["epochs"]] == [1, 2]
    for record in summary["epochs"]:
        assert record["loss"] == pytest.approx(record["loss_au"] + 0.01 * record["loss_sub"])
        assert 0 <= record["waiting_share"] <= 1
    clips, stream = summary["best"]["clips"], summary["best"]["stream"]
    labels = np.concatenate([recording.labels for recording in trainer.data.streams])
    for name, column in zip(summary["aus"], labels.T, strict=True):
        for counts in (clips, stream):
            assert counts["true_positives"][name] + counts["false_negatives"][name] == (column == 1).sum()
            assert counts["false_positives"][name] + counts["true_negatives"][name] == (column == 0).sum()


def test_the_best_epoch_is_the_one_of_the_best_validation(make_trainer):
    trainer = make_trainer({"schedule.epochs": 3})
    summary = trainer.train()
    scores = [record["validation"]["mean_f1"] for record in summary["epochs"]]
    assert summary["best"]["epoch"] == 1 + int(np.argmax(scores))
    # The test part was validated on, so the best epoch's score comes again.
    assert summary["best"]["clips"]["mean_f1"] == pytest.approx(max(scores))
    checkpoint = load_checkpoint(trainer.folder / BEST)
    assert checkpoint.metrics["mean_f1"] == max(scores)
    assert checkpoint.run["config"] == trainer.config.to_dict()
    assert checkpoint.run["data"]["fingerprint"] == summary["data"]["fingerprint"]
    assert checkpoint.model.config.layout.name == "DISFA"


def test_training_lowers_the_loss(make_trainer):
    trainer = make_trainer({"schedule.epochs": 16, "optimiser.lr": 5e-3, "schedule.validate_every": 16})
    losses = [record["loss_au"] for record in trainer.train()["epochs"]]
    assert np.mean(losses[-5:]) < 0.92 * np.mean(losses[:2])


def test_epochs_between_validations_have_none(make_trainer):
    summary = make_trainer({"schedule.epochs": 3, "schedule.validate_every": 2}).train()
    assert [record["validation"] is None for record in summary["epochs"]] == [True, False, False]


def test_a_run_that_stops_before_its_first_validation_goes_on_to_the_same_best_epoch(make_trainer, monkeypatch):
    settings = {"schedule.epochs": 3, "schedule.validate_every": default_values()["schedule.validate_every"]}
    whole, stopped = make_trainer(settings, "whole"), make_trainer(settings, "stopped")
    expected = whole.train()
    assert [record["validation"] is None for record in expected["epochs"]] == [True, True, False]
    assert expected["best"]["epoch"] == 3

    with monkeypatch.context() as patch:
        patch.setattr(loop, "tell_epoch", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            stopped.train()
    assert (stopped.folder / LAST).exists()
    assert not (stopped.folder / BEST).exists()
    found = stopped.train(resume=True)
    assert found["best"] == expected["best"]
    one, other = (load_checkpoint(trainer.folder / BEST).model.state_dict() for trainer in (whole, stopped))
    assert all(torch.equal(one[name], other[name]) for name in one)


def _interrupt(*_arguments):
    raise KeyboardInterrupt


def test_tensorboard_has_the_curves(make_trainer):
    trainer = make_trainer()
    summary = trainer.train()
    events = EventAccumulator(str(trainer.folder))
    events.Reload()
    drawn = [event.value for event in events.Scalars("training/loss")]
    assert drawn == pytest.approx([record["loss"] for record in summary["epochs"]])
    assert {"validation/mean F1", "F1/AU26", "training/waiting_share"} <= set(events.Tags()["scalars"])


def test_runs_are_seeded(make_trainer):
    losses = [
        [record["loss"] for record in make_trainer({"seed": seed, "schedule.epochs": 1}, folder).train()["epochs"]]
        for seed, folder in ((0, "a"), (0, "b"), (1, "c"))
    ]
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_trains(precision, make_trainer, content_of, tmp_path):
    # As little as there can be: CPUs compute gradients in float16 very slowly.
    make_dataset(tmp_path / "data", subjects=1)
    little = {"data.root": str(tmp_path / "data"), "model.clip_frames": 2, "schedule.epochs": 1}
    trainer, full = make_trainer(little | {"compute.precision": precision}), make_trainer(little, "full")
    loss, wanted = (each.train()["epochs"][0]["loss"] for each in (trainer, full))
    assert loss == pytest.approx(wanted, rel=0.05)
    assert loss != wanted
    assert bool(content_of(trainer.folder / LAST)["scaler"]) == (precision == "float16")


def test_channels_last_changes_nothing_but_the_order_in_memory(make_trainer):
    summary = make_trainer({"compute.channels_last": True, "schedule.epochs": 1}).train()
    plain = make_trainer({"schedule.epochs": 1}, "plain").train()
    assert summary["epochs"][0]["loss"] == pytest.approx(plain["epochs"][0]["loss"], rel=1e-3)


def test_stochastic_depth_reaches_the_network(make_trainer):
    plain, deep = (make_trainer({"schedule.epochs": 1, "drop_path": rate}, str(rate)).train() for rate in (0, 0.5))
    assert plain["epochs"][0]["loss"] != deep["epochs"][0]["loss"]


def test_accumulated_batches_make_one_step(make_trainer, content_of):
    trainer = make_trainer({"optimiser.accumulate": 3, "schedule.batch": 1, "schedule.epochs": 1})
    trainer.train()
    content = content_of(trainer.folder / LAST)
    assert content["steps"] == 2  # 4 clips: 3 and 1
    assert {int(state["step"]) for state in content["optimiser"]["state"].values()} == {2}


def test_clipping_bounds_the_gradient(make_trainer, monkeypatch):
    norms = []
    real = loop.clip_grad_norm_

    def clip(parameters, largest):
        parameters = list(parameters)
        real(parameters, largest)
        norms.append(math.sqrt(sum(float((p.grad**2).sum()) for p in parameters if p.grad is not None)))

    monkeypatch.setattr(loop, "clip_grad_norm_", clip)
    make_trainer({"optimiser.clip_norm": 0.01, "schedule.epochs": 1}).train()
    assert norms == pytest.approx([0.01] * 2, rel=1e-3)


def test_the_average_of_the_weights_is_what_is_saved(make_trainer, content_of):
    trainer = make_trainer({"optimiser.ema": 0.9, "optimiser.lr": 1e-2, "schedule.epochs": 1})
    trainer.train()
    content, best = content_of(trainer.folder / LAST), load_checkpoint(trainer.folder / BEST).model.state_dict()
    assert all(torch.equal(best[name], tensor) for name, tensor in content["ema"].items())
    assert any(not torch.equal(best[name], tensor) for name, tensor in content["model"].items())


def test_held_out_subjects_choose_the_epoch_and_the_test_part_is_scored_in_the_end(make_trainer):
    summary = make_trainer({"data.validate": "subjects", "schedule.epochs": 1}).train()
    assert summary["validated_on"] == "subjects"
    assert summary["data"]["train_recordings"] == 1
    assert summary["data"]["test_recordings"] == 2


def test_a_folder_with_a_run_is_refused(make_trainer):
    trainer = make_trainer({"schedule.epochs": 1})
    trainer.train()
    before = (trainer.folder / LAST).read_bytes()
    with pytest.raises(OutputError, match="already holds a run"):
        trainer.train()
    assert (trainer.folder / LAST).read_bytes() == before


def test_a_folder_that_cannot_be_made_is_refused(make_trainer, tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        make_trainer().train()


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("model.backbone", "test_efficientnet", "model.backbone: test_resnet, now test_efficientnet"),
        ("model.radius", 3, "model.radius"),
        ("seed", 7, "seed: 0, now 7"),
        ("data.fold", 2, "data.fold: 1, now 2"),
        ("schedule.epochs", 5, "schedule.epochs"),
    ],
)
def test_another_run_cannot_be_resumed(setting, value, named, make_trainer):
    trainer = make_trainer({"schedule.epochs": 1})
    trainer.train()
    before = (trainer.folder / LAST).read_bytes()
    with pytest.raises(CheckpointError, match="belongs to another run") as error:
        make_trainer({"schedule.epochs": 1, setting: value}).train(resume=True)
    assert named in error.value.why
    assert (trainer.folder / LAST).read_bytes() == before


def test_a_run_of_another_layout_cannot_be_resumed(make_trainer, tmp_path):
    make_trainer({"schedule.epochs": 1}).train()
    dataset = make_dataset(tmp_path / "bp4d", "bp4d", subjects=1)
    settings = {"data.root": str(tmp_path / "bp4d"), "data.dataset": "bp4d", "schedule.epochs": 1}
    with pytest.raises(CheckpointError, match="belongs to another run") as error:
        make_trainer(settings, layout=dataset.layout).train(resume=True)
    assert "data.dataset: disfa, now bp4d" in error.value.why
    assert "layout: DISFA, now BP4D" in str(error.value) or "more" in error.value.why


def test_a_run_on_other_lists_cannot_be_resumed(make_trainer):
    trainer = make_trainer({"schedule.epochs": 1})
    trainer.train()
    facts = {**trainer.data.facts, "fingerprint": "0" * 64}
    with pytest.raises(CheckpointError) as error:
        with_data(trainer, facts=facts).train(resume=True)
    assert "fingerprint" in error.value.why


@pytest.mark.parametrize("content", [b"", b"no state", {"format": "mdhr", "schema": 1}])
def test_a_damaged_state_is_refused(content, make_trainer):
    trainer = make_trainer()
    trainer.folder.mkdir()
    if isinstance(content, dict):
        torch.save(content, trainer.folder / LAST)
    else:
        (trainer.folder / LAST).write_bytes(content)
    with pytest.raises(CheckpointError):
        trainer.train(resume=True)


def test_a_finished_run_is_not_trained_again(make_trainer):
    trainer = make_trainer()
    summary = trainer.train()
    assert trainer.train(resume=True) == summary


def test_a_loss_that_is_not_a_number_names_the_batch_and_keeps_the_last_state(make_trainer, monkeypatch, content_of):
    trainer = make_trainer({"schedule.epochs": 3})
    real, calls = loop.mdhr_loss, []

    def loss(*arguments):
        calls.append(arguments)
        losses = real(*arguments)
        broken = len(calls) == 4  # the second batch of the second epoch
        return losses._replace(total=losses.total * float("nan")) if broken else losses

    monkeypatch.setattr(loop, "mdhr_loss", loss)
    with pytest.raises(ConfigError, match="epoch 2 of 3: the loss is not a finite number") as error:
        trainer.train()
    trainer.data.training.set_epoch(2)
    named = [text for text in map(trainer.data.training.describe, range(4)) if text in error.value.why]
    assert len(named) == 2
    assert content_of(trainer.folder / LAST)["epoch"] == 1
    assert load_checkpoint(trainer.folder / BEST).metrics["epoch"] == 1


def test_a_learning_rate_that_breaks_the_weights_stops_the_run(make_trainer):
    trainer = make_trainer({"optimiser.lr": 1e30})
    with pytest.raises(ConfigError) as error:
        trainer.train()
    assert "--lr" in error.value.fix
    assert not (trainer.folder / LAST).exists()


class Deadly:
    """Training clips whose reader is killed in the second epoch."""

    def __init__(self, clips):
        self._clips = clips
        self._epoch = 0

    def __len__(self):
        return len(self._clips)

    def __getitem__(self, index):
        if self._epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._clips[index]

    def set_epoch(self, epoch):
        self._epoch = epoch
        self._clips.set_epoch(epoch)

    def describe(self, index):
        return self._clips.describe(index)


def test_a_killed_worker_stops_the_run_and_keeps_the_last_state(make_trainer, content_of):
    trainer = make_trainer({"compute.workers": 1, "schedule.epochs": 3})
    deadly = with_data(trainer, training=Deadly(trainer.data.training))
    with pytest.raises(DataError, match="died"):
        deadly.train()
    if (trainer.folder / LAST).exists():  # the worker runs ahead: the news may come before the first epoch ends
        assert content_of(trainer.folder / LAST)["epoch"] == 1
    assert trainer.train(resume=True)["epochs"][-1]["epoch"] == 3


@contextmanager
def files_up_to(size):
    """Let no file grow beyond a size, as on a full disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("room", [0, 500, 100_000, 3_000_000])
def test_without_space_the_run_stops_in_words_and_leaves_nothing_half_written(room, make_trainer):
    trainer = make_trainer({"schedule.epochs": 1})
    with pytest.raises(MdhrError) as error, files_up_to(room):  # config.yaml, TensorBoard, best.pt, last.pt
        trainer.train()
    assert isinstance(error.value, OutputError | CheckpointError)
    assert not (trainer.folder / LAST).exists()
    assert not list(trainer.folder.glob(".*"))


def rates(settings, steps):
    """The learning rate of every step, and the one after the last."""
    config = build_config({"optimiser.lr": 0.1, **settings}, BP4D)
    optimiser = build_optimiser(nn.Linear(2, 1), config.optimiser)
    schedule = build_schedule(optimiser, config, steps)
    values = [optimiser.param_groups[0]["lr"]]
    for step in range(1, steps + 1):
        schedule.step_update(step)
        values.append(optimiser.param_groups[0]["lr"])
    return values


def test_the_learning_rate_falls_along_a_cosine():
    assert rates({}, 10) == pytest.approx([0.05 * (1 + cos(pi * step / 10)) for step in range(11)])


def test_the_learning_rate_rises_first_where_a_warm_up_is_configured():
    assert rates({"schedule.warmup": 4}, 10)[:4] == pytest.approx([0, 0.025, 0.05, 0.075])


def test_the_optimiser_is_the_papers():
    group = build_optimiser(nn.Linear(2, 1), build_config({}, BP4D).optimiser).param_groups[0]
    assert (group["lr"], group["betas"], group["weight_decay"]) == (1e-4, (0.9, 0.999), 5e-4)


@pytest.mark.parametrize(("clips", "batch", "accumulate", "steps"), [(82, 8, 1, 11), (82, 8, 4, 3), (8, 8, 1, 1)])
def test_steps_of_an_epoch(clips, batch, accumulate, steps):
    config = build_config({"schedule.batch": batch, "optimiser.accumulate": accumulate}, BP4D)
    assert steps_per_epoch(clips, config) == steps
