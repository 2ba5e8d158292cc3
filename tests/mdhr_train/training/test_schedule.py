from math import cos, pi

import pytest
from torch import nn

from mdhr_train.datasets import BP4D
from mdhr_train.training.config_files import build_config
from mdhr_train.training.schedule import build_optimiser, build_schedule, steps_per_epoch


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
