"""State of a run: with it, a killed run goes on, and ends with the same weights as if it had not been killed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from timm.scheduler.cosine_lr import CosineLRScheduler
from timm.utils.model_ema import ModelEmaV3
from torch.amp import GradScaler
from torch.optim import Optimizer

from mdhr_runtime.errors import CheckpointError
from mdhr_runtime.files import STAGE

from ..checkpoints.content import read_content, write_content
from ..checkpoints.files import library_versions
from ..model import MDHR
from .config import differences
from .run_files import EpochRecord, StartFacts

FORMAT = "mdhr-training"
SCHEMA = 1


@dataclass
class TrainingState:
    """A run between two epochs.

    Attributes:
        model: The network that is trained.
        optimiser: Changes its weights.
        schedule: Sets the learning rate, from the number of steps.
        scaler: Scales the loss in float16; does nothing in other precisions.
        ema: The moving average of the weights, if there is one.
        epoch: Epochs done.
        steps: Steps of the optimiser done.
        epochs: Measurements of each epoch, as in summary.json.
        best: Epoch and mean F1 of the best validation so far.
        init: The checkpoint that the run started from, if it did.
    """

    model: MDHR
    optimiser: Optimizer
    schedule: CosineLRScheduler
    scaler: GradScaler
    ema: ModelEmaV3 | None
    epoch: int = 0
    steps: int = 0
    epochs: list[EpochRecord] = field(default_factory=list)
    best: tuple[int, float] = (0, -1.0)
    init: StartFacts | None = None

    @property
    def scored(self) -> MDHR:
        """The network that is validated and saved: the moving average if there is one."""
        return self.model if self.ema is None else cast(MDHR, self.ema.module)


def save_state(path: Path, state: TrainingState, identity: Mapping[str, Any], randomness: list[Any]) -> None:
    """Write a state, completely or not at all.

    Args:
        path: The file, replaced if it exists.
        state: The run.
        identity: Everything that the weights depend on, see `restore_state`.
        randomness: `random_state()` of every process.

    Raises:
        CheckpointError: The file cannot be written.
    """
    content = {
        "format": FORMAT,
        "schema": SCHEMA,
        "identity": dict(identity),
        "versions": library_versions(),
        "model": state.model.state_dict(),
        "ema": None if state.ema is None else state.ema.module.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "scaler": state.scaler.state_dict(),
        "random": randomness,
        "epoch": state.epoch,
        "steps": state.steps,
        "epochs": state.epochs,
        "best": list(state.best),
        "init": state.init,
    }
    write_content(path, content)


def restore_state(path: Path, state: TrainingState, identity: Mapping[str, Any], rank: int = 0) -> None:
    """Go back to a saved state, in place.

    Args:
        path: File of `save_state`.
        state: A run that is configured in the same way.
        identity: Everything that the run's weights depend on. It must be that of the saved one.
        rank: Process whose random state to take.

    Raises:
        CheckpointError: The file cannot be read, or belongs to another run; the differences are named.
    """
    content = read_content(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("schema") != SCHEMA:
        raise CheckpointError(
            f"{path} is no state of a training.",
            f"Its format is {content.get('format') if isinstance(content, dict) else type(content).__name__!r}"
            f", not {FORMAT!r} of schema {SCHEMA}.",
            "Resume in the folder of a run of this version of mdhr-train.",
        )
    different = differences(content["identity"], identity)
    if different:
        raise CheckpointError(
            f"{path} belongs to another run, which cannot be resumed as this one.",
            f"What differs is {'; '.join(different[:5])}" + (" and more." if len(different) > 5 else "."),
            "Give the options of that run, or another --out for a new one.",
        )
    state.model.load_state_dict(content["model"])
    if state.ema is not None:
        state.ema.module.load_state_dict(content["ema"])
    state.optimiser.load_state_dict(content["optimiser"])
    if content["scaler"]:  # that of another precision is empty
        state.scaler.load_state_dict(content["scaler"])
    state.epoch, state.steps, state.epochs = content["epoch"], content["steps"], content["epochs"]
    epoch, mean_f1 = content["best"]
    state.best = (epoch, mean_f1)
    state.init = content.get("init")
    state.schedule.step_update(state.steps)
    set_random_state(content["random"][rank])


def is_state(path: Path) -> bool:
    """Whether a file is a whole state of a training.

    Raises:
        CheckpointError: It cannot be read.
    """
    content = read_content(path)
    return isinstance(content, dict) and content.get("format") == FORMAT


def random_state() -> dict[str, Any]:
    """The state of all random sources of this process, as plain data and tensors."""
    version, numbers, gauss = random.getstate()
    kind, keys, *position = cast("tuple[Any, ...]", np.random.get_state(legacy=True))
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [kind, keys.tolist(), *position],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_state(state: Mapping[str, Any]) -> None:
    """Inverse of `random_state`."""
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, *position = state["numpy"]
    np.random.set_state((kind, np.array(keys, np.uint32), *position))
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


def remove_leftovers(folder: Path) -> None:
    """Remove files that a killed process had begun to write; see `mdhr_runtime.files.staged`."""
    for leftover in folder.glob(f"{STAGE}*"):
        shutil.rmtree(leftover, ignore_errors=True)
