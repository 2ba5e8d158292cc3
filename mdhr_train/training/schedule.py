"""The optimiser, and how its learning rate changes."""

from __future__ import annotations

from math import ceil

from timm.scheduler import CosineLRScheduler
from torch import nn
from torch.optim import AdamW, Optimizer

from .config import OptimiserConfig, RunConfig


def build_optimiser(model: nn.Module, config: OptimiserConfig) -> AdamW:
    """AdamW over all parameters. Weight decay spares none of them, as in the published code."""
    return AdamW(model.parameters(), config.lr, tuple(config.betas), weight_decay=config.weight_decay)


def steps_per_epoch(clips: int, config: RunConfig) -> int:
    """Steps of the optimiser in an epoch of so many clips; the last of them may take fewer clips."""
    return ceil(ceil(clips / config.schedule.batch) / config.optimiser.accumulate)


def build_schedule(optimiser: Optimizer, config: RunConfig, steps: int) -> CosineLRScheduler:
    """A cosine from the highest learning rate to 0 over all steps, after a linear rise if one is configured.

    It has no state: `step_update(steps done)` sets the learning rate of the next step.

    Args:
        optimiser: What it sets.
        config: The run's.
        steps: Steps of the whole run.
    """
    return CosineLRScheduler(optimiser, t_initial=steps, warmup_t=config.schedule.warmup, t_in_epochs=False)
