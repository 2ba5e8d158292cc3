"""One epoch of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from mdhr_runtime.errors import ConfigError

from ..data.clips import Clip
from ..losses import AUXILIARY_WEIGHT, au_loss, auxiliary_loss
from ..model import normalise
from .config import RunConfig
from .distributed import Group
from .loading import EpochClips
from .state import TrainingState

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Losses(NamedTuple):
    """The losses of a batch, scalars: L = L_AU + 0.01 L_sub."""

    total: Tensor
    au: Tensor
    sub: Tensor


class Waiting:
    """Takes from an iterator and counts the time until it gives.

    Args:
        items: What is taken.

    Attributes:
        seconds: Time waited so far.
    """

    def __init__(self, items: Iterator[Clip]) -> None:
        self._items = items
        self.seconds = 0.0

    def take(self) -> Clip:
        """The next item."""
        start = perf_counter()
        item = next(self._items)
        self.seconds += perf_counter() - start
        return item


def train_epoch(
    network: nn.Module,
    state: TrainingState,
    incoming: Iterator[Clip],
    batches: int,
    weights: Tensor,
    clips: EpochClips,
    config: RunConfig,
    group: Group,
    done: Callable[[str], object],
) -> dict[str, Any]:
    """Train one epoch, in place.

    Args:
        network: The state's model as it is called: distributed, compiled.
        state: The run; its `epoch` is still the one before.
        incoming: Batches of clips; so many as an epoch has are taken.
        batches: So many.
        weights: float (N,), how much each AU counts.
        clips: Where the batches come from, to name those at which a training breaks.
        config: The run's.
        group: The processes that train together.
        done: Called after every step with a text that says how it goes.

    Returns:
        The epoch's entry of summary.json, without the validation. Losses are means over batches and processes, `lr` is
        the last one used, `waiting_share` the share of the time in which the training waited for data.

    Raises:
        ConfigError: The loss is no longer a number, or the GPU's memory is too small.
    """
    epoch, start = state.epoch + 1, perf_counter()
    waiting, sums = Waiting(incoming), np.zeros(3)
    network.train()
    for first in range(0, batches, config.optimiser.accumulate):
        portion = range(first, min(first + config.optimiser.accumulate, batches))
        state.optimiser.zero_grad()
        lr = state.optimiser.param_groups[0]["lr"]
        for number in portion:
            clip = waiting.take()
            with _gradients(network, exchanged=number == portion[-1]), _memory():
                losses = _losses(network, clip, weights, state, config, group.device)
                if not torch.isfinite(losses.total):
                    raise _not_a_number(epoch, clip, clips, config)
                state.scaler.scale(losses.total / len(portion)).backward()
            sums += [loss.item() for loss in losses]
        _step(state, config)
        share = waiting.seconds / (perf_counter() - start)
        done(f"epoch {epoch}, loss {losses.total.item():.3f}, waiting {share:.0%}")
    seconds = perf_counter() - start
    loss, loss_au, loss_sub = (group.total(sums) / (batches * group.size)).tolist()
    return {
        "epoch": epoch,
        "loss": loss,
        "loss_au": loss_au,
        "loss_sub": loss_sub,
        "lr": lr,
        "seconds": seconds,
        "waiting_share": waiting.seconds / seconds,
    }


def _losses(
    network: nn.Module, clip: Clip, weights: Tensor, state: TrainingState, config: RunConfig, device: torch.device
) -> Losses:
    precision = PRECISIONS[config.compute.precision]
    frames = normalise(clip.frames.to(device, non_blocking=True))
    labels = clip.labels.to(device, non_blocking=True)
    with torch.autocast(device.type, precision, enabled=precision != torch.float32):
        scores, region_logits = network(frames)
    au = au_loss(scores.float(), labels, weights)
    sub = auxiliary_loss([logits.float() for logits in region_logits], labels, state.model.config.layout)
    return Losses(au + AUXILIARY_WEIGHT * sub, au, sub)


def _step(state: TrainingState, config: RunConfig) -> None:
    if config.optimiser.clip_norm:
        state.scaler.unscale_(state.optimiser)
        clip_grad_norm_(state.model.parameters(), config.optimiser.clip_norm)
    state.scaler.step(state.optimiser)
    state.scaler.update()
    state.steps += 1
    state.schedule.step_update(state.steps)
    if state.ema is not None:
        state.ema.update(state.model, step=state.steps)


def _gradients(network: nn.Module, exchanged: bool) -> AbstractContextManager:
    """Without exchange between processes for all but the last batch of a step: once is enough."""
    return nullcontext() if exchanged or not hasattr(network, "no_sync") else network.no_sync()


@contextmanager
def _memory() -> Iterator[None]:
    """Turn a full GPU into an error for the user."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ConfigError(
            "The GPU's memory is too small for this training.",
            str(error).splitlines()[0],
            "Use --precision bfloat16, or a smaller --batch with --accumulate.",
        ) from error


def _not_a_number(epoch: int, clip: Clip, clips: EpochClips, config: RunConfig) -> ConfigError:
    clips.set_epoch(epoch)
    batch = "; ".join(clips.describe(index) for index in clip.position.tolist())
    return ConfigError(
        f"The training stopped in epoch {epoch} of {config.schedule.epochs}: the loss is not a finite number.",
        f"The weights have diverged, most often because the learning rate ({config.optimiser.lr:g}) is too high; or "
        f"something is wrong with the batch: {batch}.",
        "Train again with a smaller --lr, or look at these clips. What earlier epochs saved is kept.",
    )
