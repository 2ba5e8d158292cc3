"""What a run needs to know, and how it begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from timm.utils import ModelEmaV3, random_seed

from ..model import MDHR
from .config import RunConfig
from .distributed import Group
from .material import Material
from .schedule import build_optimiser, build_schedule, steps_per_epoch
from .state import TrainingState


@dataclass(frozen=True)
class Job:
    """What a run needs to know.

    Attributes:
        config: How it is done.
        material: What is learnt.
        group: Who does it.
        folder: Where its files go.
    """

    config: RunConfig
    material: Material
    group: Group
    folder: Path

    @property
    def identity(self) -> dict[str, Any]:
        """Whatever the weights depend on: a run can be resumed only as the same."""
        config = self.config.to_dict()
        del config["compute"], config["data"]["root"]
        return config | {
            "layout": self.material.layout.name,
            "fingerprint": self.material.facts["fingerprint"],
            "processes": self.group.size,
        }

    @property
    def run(self) -> dict[str, Any]:
        """What a checkpoint says of the run."""
        return {"config": self.config.to_dict(), "data": self.material.facts}


def build_state(job: Job, pretrained: bool = True) -> TrainingState:
    """A run before its first epoch. The weights depend on the configuration alone.

    Args:
        job: The run.
        pretrained: Whether to load ImageNet weights where they are configured. A state that is going to be restored
            does not need them.

    Raises:
        ConfigError: The network cannot be built as configured.
    """
    config, group = job.config, job.group
    random_seed(config.seed)
    file = Path(config.pretrained_file) if pretrained and config.pretrained_file else None
    model = MDHR(config.model_config(job.material.layout), pretrained and config.pretrained, file).to(group.device)
    if config.compute.channels_last:
        model = model.to(memory_format=torch.channels_last)
    model = group.synchronised(model)
    random_seed(config.seed, group.rank)  # what is dropped out differs from process to process
    optimiser = build_optimiser(model, config.optimiser)
    steps = config.schedule.epochs * steps_per_epoch(len(job.material.training), config)
    return TrainingState(
        model=model,
        optimiser=optimiser,
        schedule=build_schedule(optimiser, config, steps),
        scaler=torch.amp.GradScaler(group.device.type, enabled=config.compute.precision == "float16"),
        # The warm-up lets the average forget the random weights of the beginning.
        ema=ModelEmaV3(model, config.optimiser.ema, use_warmup=True) if config.optimiser.ema else None,
    )
