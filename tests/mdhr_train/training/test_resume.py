"""A run that is killed and resumed ends with the same weights as one that is not."""

import io
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from mdhr_train.training.config import write_config
from mdhr_train.training.run_files import BEST, LAST
from mdhr_train.training.state import random_state, set_random_state

pytestmark = pytest.mark.slow

EPOCHS = 6


def equal(one, other):
    """Whether nested tensors and plain data are the same, bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


def test_a_killed_run_resumes_to_the_same_weights(make_trainer):
    # A moving average has a state of its own.
    settings = {"schedule.epochs": EPOCHS, "compute.workers": 2, "optimiser.ema": 0.9}
    whole, killed = make_trainer(settings, "whole"), make_trainer(settings, "killed")
    whole.train()

    killed.folder.mkdir()
    config = killed.folder.parent / "run.yaml"
    write_config(config, killed.config)
    command = [sys.executable, "-m", "mdhr_train", "fit", "--config", config, "--out", killed.folder]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    process = subprocess.Popen(
        command, env=os.environ | threads, stderr=subprocess.PIPE, start_new_session=True, text=True
    )
    try:
        while not (killed.folder / LAST).exists():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.002)
        time.sleep(0.1)  # into the second epoch, or a later one
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    content = torch.load(killed.folder / LAST, weights_only=True)
    assert 1 <= content["epoch"] < EPOCHS
    assert not (killed.folder / "summary.json").exists()

    killed.train(resume=True)
    for name in (LAST, BEST):
        one, other = (torch.load(trainer.folder / name, weights_only=True) for trainer in (whole, killed))
        for part in ("model", "ema", "optimiser", "scaler", "random", "steps", "best", "state_dict"):
            assert equal(one.get(part), other.get(part)), part
        losses = [[record["loss"] for record in content.get("epochs", ())] for content in (one, other)]
        assert losses[0] == losses[1]
    assert not list(killed.folder.glob(".*"))


def test_random_sources_go_on_where_they_were():
    def draw():
        return [random.random(), np.random.rand(), torch.rand(1).item()]

    state = random_state()
    first = draw()
    torch.save(state, buffer := io.BytesIO())
    buffer.seek(0)
    set_random_state(torch.load(buffer, weights_only=True))
    assert draw() == first
