import json
import os
import subprocess
import sys

import pytest
import torch

from mdhr_runtime.errors import ConfigError
from mdhr_train.metrics import OUTCOMES
from mdhr_train.training.config import write_config
from mdhr_train.training.distributed import Group, choose_device

pytestmark = pytest.mark.slow


def test_two_processes_learn_what_one_learns_from_the_same_clips(make_trainer):
    # One clip per process, or one clip per batch and two batches per step: the same gradients, and the same statistics
    # in batch normalisation, of one clip at a time.
    alone = make_trainer({"schedule.batch": 1, "optimiser.accumulate": 2}, "alone")
    wanted = alone.train()

    config = alone.folder.parent / "run.yaml"
    write_config(config, make_trainer().config)
    pair = alone.folder.parent / "pair"
    command = [*(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29617")]
    command += ["-m", "mdhr_train", "fit", "--config", config, "--out", pair, "--device", "cpu"]
    result = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("mean F1") == 1  # one of them talks

    found = json.loads((pair / "summary.json").read_text())
    for name in ("loss_au", "loss_sub"):
        assert found["epochs"][0][name] == pytest.approx(wanted["epochs"][0][name], rel=1e-3)
    for protocol in ("clips", "stream"):
        counts = [
            sum(sum(summary["best"][protocol][kind].values()) for kind in OUTCOMES) for summary in (found, wanted)
        ]
        assert counts[0] == counts[1] > 0
    assert len(torch.load(pair / "last.pt", weights_only=True)["random"]) == 2


def test_a_batch_that_cannot_be_shared_is_refused():
    assert Group(0, 4, torch.device("cpu")).per_process(8) == 2
    with pytest.raises(ConfigError, match="8 clips cannot be divided among 3"):
        Group(0, 3, torch.device("cpu")).per_process(8)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    assert choose_device("auto").type == "cpu"
    with pytest.raises(ConfigError, match="no GPU"):
        choose_device("cuda")
