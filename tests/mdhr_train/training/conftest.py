"""A prepared dataset, and runs on it that take a second."""

from pathlib import Path

import pytest
import torch
from stripes import SMALL_MODEL, make_dataset

from mdhr_train.datasets import DATASETS
from mdhr_train.training.config import build_config
from mdhr_train.training.data import fold_data
from mdhr_train.training.distributed import Group
from mdhr_train.training.loop import Trainer

SHORT = {
    "model.clip_frames": 4,
    "schedule.epochs": 2,
    "schedule.batch": 2,
    "schedule.validate_every": 1,
    "compute.workers": 0,
    "optimiser.lr": 1e-3,
}
ALONE = Group(0, 1, torch.device("cpu"))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """A prepared dataset with DISFA's layout: six subjects with 20 frames each."""
    root = tmp_path_factory.mktemp("prepared")
    make_dataset(root)
    return root


@pytest.fixture
def make_config(prepared):
    """Builds a short run's configuration, with settings by dotted key."""

    def make(settings=None, layout=DATASETS["disfa"].layout):
        data = {"data.root": str(prepared), "data.dataset": "disfa"}
        return build_config({**data, **SMALL_MODEL, **SHORT, **(settings or {})}, layout)

    return make


@pytest.fixture
def make_trainer(make_config, tmp_path):
    """Builds a short run."""

    def make(settings=None, folder="run", **options):
        config = make_config(settings, **options)
        return Trainer(config, fold_data(config), ALONE, tmp_path / folder)

    return make
