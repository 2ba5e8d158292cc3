"""Training and evaluation of a model on labelled clips."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Protocol

import click
import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, RandomSampler

from mdhr_runtime.errors import ConfigError

from .losses import class_weights, mdhr_loss, occurrence_rates
from .metrics import F1Counter
from .model import MDHR, normalise

BETAS = (0.9, 0.999)
WEIGHT_DECAY = 5e-4


class Clips(Protocol):
    """A dataset of labelled clips, all of one length T."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Frames uint8 (T, 224, 224, 3), RGB, and labels (T, N): 1, 0, or anything else for unknown."""
        ...

    def labels(self) -> np.ndarray:
        """The labels of all clips: (clips, T, N)."""
        ...


@dataclass(frozen=True)
class FitConfig:
    """How a model is trained. The learning rate is the paper's, for backbones that start from ImageNet weights.

    Attributes:
        steps: Iterations; the learning rate falls to 0 along a cosine over them.
        batch: Clips per iteration.
        lr: Learning rate at the start.
        seed: Seed of the order of the clips.
        workers: Processes that prepare clips beside the training; 0 prepares them in its own process.
    """

    steps: int
    batch: int = 8
    lr: float = 1e-4
    seed: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        for name, lowest in {"steps": 1, "batch": 1, "workers": 0}.items():
            if (value := getattr(self, name)) < lowest:
                raise ConfigError(f"The training has {name} = {value}.", f"It must be at least {lowest}.", "Raise it.")
        if not 0 < self.lr < float("inf"):
            raise ConfigError(
                f"The training has lr = {self.lr}.", "A learning rate is a positive number.", "Try 1e-4 or 1e-3."
            )


def fit(model: MDHR, clips: Clips, config: FitConfig) -> None:
    """Train a model in place, with AdamW and the losses of the paper; shows progress on stderr.

    Args:
        model: On the device where the work is to be done.
        clips: What to learn from. If the training is longer than the dataset, its clips come again.
        config: How.

    Raises:
        ConfigError: The loss is no longer a number.
    """
    device = next(model.parameters()).device
    weights = class_weights(occurrence_rates(torch.from_numpy(clips.labels()))).float().to(device)
    optimiser = torch.optim.AdamW(model.parameters(), config.lr, BETAS, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    order = torch.Generator().manual_seed(config.seed)
    sampler = RandomSampler(clips, num_samples=config.steps * config.batch, generator=order)
    model.train()
    with _progress("training", config.steps) as bar:
        for step, (frames, labels) in enumerate(_loader(clips, config, sampler), 1):
            output = model(normalise(frames.to(device)))
            loss = mdhr_loss(*output, labels.to(device), weights, model.config.layout)
            if not torch.isfinite(loss):
                raise _not_a_number(step, config)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            bar.update(1, f"loss {loss.item():.3f}")


def evaluate(model: MDHR, clips: Clips, config: FitConfig) -> F1Counter:
    """Count what a model finds in clips; shows progress on stderr.

    Args:
        model: Left in evaluation mode.
        clips: Labelled clips.
        config: Batch size and number of workers.

    Returns:
        The counts over all frames.
    """
    device = next(model.parameters()).device
    counter = F1Counter(len(model.config.layout.aus))
    model.eval()
    loader = _loader(clips, config)
    with torch.inference_mode(), _progress("evaluation", len(loader)) as bar:
        for frames, labels in loader:
            scores = model(normalise(frames.to(device))).scores
            counter.update(scores.cpu().numpy(), labels.numpy())
            bar.update(1)
    return counter


def _loader(clips: Clips, config: FitConfig, sampler: RandomSampler | None = None) -> DataLoader:
    return DataLoader(
        clips,
        batch_size=config.batch,
        sampler=sampler,
        num_workers=config.workers,
        worker_init_fn=_single_threaded,
    )


def _single_threaded(_worker: int) -> None:
    # The workers are the parallelism, and OpenCV's threads do not survive the fork that made the worker.
    cv2.setNumThreads(0)


def _progress(label: str, length: int) -> click.progressbar:
    return click.progressbar(
        length=length, label=label, file=sys.stderr, show_pos=True, item_show_func=lambda text: text
    )


def _not_a_number(step: int, config: FitConfig) -> ConfigError:
    return ConfigError(
        f"The training stopped in step {step} of {config.steps}: the loss is not a finite number.",
        f"The weights have diverged, most often because the learning rate ({config.lr:g}) is too high.",
        "Train again with a smaller --lr. No checkpoint was written.",
    )
