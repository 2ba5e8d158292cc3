"""A training run: epochs of training and validation, then the scores of the best epoch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import numpy as np
import torch
from timm.scheduler.cosine_lr import CosineLRScheduler
from timm.utils.model_ema import ModelEmaV3
from timm.utils.random import random_seed
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer

from mdhr_runtime.cli.console import spoken_warnings
from mdhr_runtime.errors import ConfigError, OutputError
from mdhr_runtime.files import told

from ..checkpoints import load_checkpoint, save_checkpoint
from ..checkpoints.files import library_versions
from ..data.lists import DataWarning
from ..losses import Losses, mdhr_loss
from ..metrics import F1Scores
from ..model import MDHR, normalise
from ..model.initialisation import initialise_as_published
from .card import renew_card
from .config import PUBLISHED, OptimiserConfig, RunConfig, write_config
from .data import ClipBatch, RunData, clip_loader, fold_data, items_of, training_loader, worker_deaths
from .distributed import Group
from .logging import log_epoch, progress, tell_epoch, tell_start, tensorboard
from .run_files import (
    BEST,
    CARD,
    CONFIG,
    LAST,
    SCHEMA,
    SUMMARY,
    EpochRecord,
    ProtocolScores,
    RunSummary,
    write_summary,
)
from .run_folder import claim_run
from .scoring import NetworkScorer, autocast, score, score_clips
from .start import start_from_checkpoint
from .state import TrainingState, random_state, remove_leftovers, restore_state, save_state


def fit_fold(
    config: RunConfig, folder: Path, group: Group, resume: bool = False, overwrite: bool = False
) -> RunSummary:
    """Train one fold of a prepared dataset, in a folder that is nobody else's meanwhile; see `Trainer`.

    The folder gets the model card, too.
    """
    with claim_run(folder, config, group, resume):
        with spoken_warnings() if group.leads else warnings.catch_warnings():
            if not group.leads:
                warnings.simplefilter("ignore", DataWarning)  # one process tells of it
            data = fold_data(config)
        if group.leads:
            tell_start(config)
        summary = Trainer(config, data, group, folder).train(resume, overwrite)
        if group.leads:
            renew_card(folder, summary)
        return summary


class Trainer:
    """Trains a model, chooses its best epoch, scores it, and writes all that into the run's folder.

    Args:
        config: The run's settings.
        data: Its data.
        group: The processes that train together.
        folder: Where its files go.
    """

    def __init__(self, config: RunConfig, data: RunData, group: Group, folder: Path) -> None:
        self.config = config
        self.data = data
        self.group = group
        self.folder = folder
        self._weights = torch.from_numpy(data.weights).float().to(group.device)

    def train(self, resume: bool = False, overwrite: bool = False) -> RunSummary:
        """Do the run.

        Args:
            resume: Whether to go on with the run that the folder holds, if it does.
            overwrite: Whether to begin anew where the folder holds a run.

        Returns:
            The run's summary, as in summary.json.

        Raises:
            OutputError: The folder holds a run that is not to be resumed, or it cannot be written.
            CheckpointError: The folder's run is another one, or a checkpoint cannot be written.
            ConfigError: The configuration does not fit, or the loss is no longer a number.
            DataError: A frame cannot be read, or a process that reads them died.
        """
        batch = self.group.per_process(self.config.schedule.batch)
        self._open_folder(resume, overwrite)
        with self._one_thread_less_per_worker():
            restored = resume and (self.folder / LAST).exists()
            state = self._first_state(restored)
            if restored:
                restore_state(self.folder / LAST, state, self._identity, self.group.rank)
            with worker_deaths():
                if state.epoch < self.config.schedule.epochs:
                    self._train_epochs(state, batch)
                scores = self._score_best(batch)
        summary = self._summary(state, scores)
        if self.group.leads:
            write_summary(self.folder / SUMMARY, summary)
        return summary

    def _open_folder(self, resume: bool, overwrite: bool) -> None:
        """Make the run's folder and write its configuration, before any work is done."""
        folder = self.folder
        if self.group.leads:
            if overwrite:
                for name in (LAST, BEST, SUMMARY, CARD):
                    (folder / name).unlink(missing_ok=True)
            if (folder / LAST).exists() and not resume:
                raise OutputError(
                    f"{folder} already holds a run.",
                    f"There is a {LAST} in it.",
                    "Go on with it by --resume, begin anew with --overwrite, or name another folder with --out.",
                )
            with told(f"The folder {folder}", fix="Choose another one with --out."):
                folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(folder)
            if not (folder / LAST).exists():
                write_config(folder / CONFIG, self.config)
        self.group.wait()

    @contextmanager
    def _one_thread_less_per_worker(self) -> Iterator[None]:
        """On the CPU, leave cores to the processes that prepare clips."""
        threads = torch.get_num_threads()
        if self.group.device.type == "cpu":
            torch.set_num_threads(max(threads - self.config.compute.workers, 1))
        try:
            yield
        finally:
            torch.set_num_threads(threads)

    def _first_state(self, restored: bool) -> TrainingState:
        """The run before its first epoch. The weights depend on the configuration alone.

        Args:
            restored: Whether the state is going to be restored: then it needs neither ImageNet's weights nor those of
                the checkpoint that the run started from.
        """
        config, group = self.config, self.group
        random_seed(config.seed)  # type: ignore[no-untyped-call]
        pretrained = bool(config.pretrained) and not restored
        file = Path(config.pretrained_file) if pretrained and config.pretrained_file else None
        model = MDHR(config.model_config(self.data.layout), pretrained, file, config.drop_path)
        if config.initialisation == PUBLISHED:
            initialise_as_published(model)
        init = None if restored else start_from_checkpoint(model, config, self.data, group.leads)
        model = model.to(group.device)
        if config.compute.channels_last:
            model = model.to(memory_format=torch.channels_last)
        model = group.synchronised(model)
        random_seed(config.seed, group.rank)  # type: ignore[no-untyped-call]  # dropout differs between processes
        optimiser = build_optimiser(model, config.optimiser)
        steps = config.schedule.epochs * steps_per_epoch(len(self.data.training), config)
        return TrainingState(
            model=model,
            optimiser=optimiser,
            schedule=build_schedule(optimiser, config, steps),
            scaler=torch.amp.GradScaler(group.device.type, enabled=config.compute.precision == "float16"),
            # The warm-up lets the average forget the random weights of the beginning.
            ema=ModelEmaV3(model, config.optimiser.ema, use_warmup=True) if config.optimiser.ema else None,
            init=init,
        )

    @property
    def _identity(self) -> dict[str, Any]:
        """Everything that the weights depend on: a run can be resumed only as the same."""
        config = self.config.to_dict()
        del config["compute"], config["data"]["root"]
        return config | {
            "layout": self.data.layout.name,
            "fingerprint": self.data.facts["fingerprint"],
            "processes": self.group.size,
        }

    def _train_epochs(self, state: TrainingState, batch: int) -> None:
        config, group, clips = self.config, self.group, self.data.training
        first, last, workers = state.epoch + 1, config.schedule.epochs, config.compute.workers
        network = group.wrap(state.model)
        if config.compute.compile:
            network = cast(nn.Module, torch.compile(network))
        incoming = items_of(training_loader(clips, batch, (first, last), config.seed, workers, group))
        validation = clip_loader(self.data.validation, batch, workers, group)
        names = self.data.layout.au_names
        steps = (last - state.epoch) * steps_per_epoch(len(clips), config)
        log = tensorboard(self.folder, first) if group.leads else nullcontext()
        with log as writer, progress("training", steps, group.leads) as advance:
            for epoch in range(first, last + 1):
                record = self._train_epoch(epoch, network, state, incoming, lambda text: advance(1, text))
                group.align(state.scored)
                _require_finite(state.model, epoch)
                if epoch % config.schedule.validate_every == 0 or epoch == last:
                    advance(0, f"epoch {epoch}, validation")
                    scorer = NetworkScorer(state.scored, group.device, config.compute.precision)
                    record["validation"] = score_clips(scorer, validation, len(names), group).scores(names)
                state.epoch = epoch
                state.epochs.append(record)
                self._save(state, record["validation"])
                if writer is not None:
                    log_epoch(writer, record)
                    tell_epoch(record, last)

    def _train_epoch(
        self,
        epoch: int,
        network: nn.Module,
        state: TrainingState,
        incoming: Iterator[ClipBatch],
        done: Callable[[str], object],
    ) -> EpochRecord:
        """Train one epoch, in place.

        Args:
            epoch: Its number, from 1.
            network: The state's model as it is called: distributed, compiled.
            state: The run.
            incoming: Batches of clips; as many as an epoch has are taken.
            done: Called after every step with a text that says how it goes.

        Returns:
            The epoch's entry of summary.json, without the validation.

        Raises:
            ConfigError: The loss is no longer a number, or the GPU's memory is too small.
        """
        config, group = self.config, self.group
        start, waiting, sums = perf_counter(), 0.0, np.zeros(len(Losses._fields))
        batches, accumulate = _batches_per_epoch(len(self.data.training), config), config.optimiser.accumulate
        network.train()
        for first in range(0, batches, accumulate):
            portion = range(first, min(first + accumulate, batches))
            state.optimiser.zero_grad()
            lr = state.optimiser.param_groups[0]["lr"]
            for number in portion:
                begin = perf_counter()
                batch = next(incoming)
                waiting += perf_counter() - begin
                with _gradients(network, exchanged=number == portion[-1]), _memory():
                    losses = self._losses(network, batch)
                    if not torch.isfinite(losses.total):
                        raise self._not_a_number(epoch, batch)
                    torch.autograd.backward(state.scaler.scale(losses.total / len(portion)))
                sums += [loss.item() for loss in losses]
            self._step(state)
            fraction = waiting / (perf_counter() - start)
            done(f"epoch {epoch}, loss {losses.total.item():.3f}, waiting {fraction:.0%}")
        seconds = perf_counter() - start
        loss, loss_au, loss_sub = (group.total(sums) / (batches * group.size)).tolist()
        return {
            "epoch": epoch,
            "loss": loss,
            "loss_au": loss_au,
            "loss_sub": loss_sub,
            "lr": lr,
            "seconds": seconds,
            "waiting_share": waiting / seconds,
            "validation": None,
        }

    def _losses(self, network: nn.Module, batch: ClipBatch) -> Losses:
        device = self.group.device
        frames = normalise(batch.frames.to(device, non_blocking=True))
        labels = batch.labels.to(device, non_blocking=True)
        with autocast(device, self.config.compute.precision):
            scores, region_logits = network(frames)
        return mdhr_loss(scores, region_logits, labels, self._weights, self.data.layout)

    def _step(self, state: TrainingState) -> None:
        if self.config.optimiser.clip_norm:
            state.scaler.unscale_(state.optimiser)
            clip_grad_norm_(state.model.parameters(), self.config.optimiser.clip_norm)
        state.scaler.step(state.optimiser)
        state.scaler.update()
        state.steps += 1
        state.schedule.step_update(state.steps)
        if state.ema is not None:
            state.ema.update(state.model, step=state.steps)

    def _save(self, state: TrainingState, validation: F1Scores | None) -> None:
        """Save the state, and before it the network if it is the best so far: a killed run does the epoch again."""
        randomness = self.group.gather(random_state())
        if validation is not None and validation["mean_f1"] > state.best[1]:
            state.best = (state.epoch, validation["mean_f1"])
            if self.group.leads:
                metrics = {"epoch": state.epoch, **validation}
                run = {"config": self.config.to_dict(), "data": self.data.facts, "init": state.init}
                save_checkpoint(self.folder / BEST, state.scored, metrics, run, overwrite=True)
        if self.group.leads:
            save_state(self.folder / LAST, state, self._identity, randomness)
        self.group.wait()

    def _score_best(self, batch: int) -> ProtocolScores:
        compute, data = self.config.compute, self.data
        model = load_checkpoint(self.folder / BEST).model.to(self.group.device)
        scorer = NetworkScorer(model, self.group.device, compute.precision)
        return score(scorer, data.test, data.streams, data.layout.au_names, batch, compute.workers, self.group)

    def _summary(self, state: TrainingState, scores: ProtocolScores) -> RunSummary:
        settings, layout, device = self.config.data, self.data.layout, self.group.device
        return {
            "schema": SCHEMA,
            "dataset": settings.dataset,
            "layout": layout.name,
            "fold": settings.fold,
            "backbone": state.model.config.backbone,
            "clip_frames": state.model.config.clip_frames,
            "aus": list(layout.au_names),
            "parameters": sum(parameter.numel() for parameter in state.model.parameters()),
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "validated_on": settings.validate,
            "init": state.init,
            "epochs": state.epochs,
            "best": {
                "epoch": state.best[0],
                "clips": scores["clips"],
                "stream": scores["stream"] if self.data.streams else None,
            },
            "data": self.data.facts,
            "versions": library_versions(),
        }

    def _not_a_number(self, epoch: int, batch: ClipBatch) -> ConfigError:
        clips = self.data.training
        clips.set_epoch(epoch)
        described = "; ".join(clips.describe(index) for index in batch.position.tolist())
        return ConfigError(
            f"The training stopped in epoch {epoch} of {self.config.schedule.epochs}: the loss is not a finite number.",
            f"The weights have diverged, most often because the learning rate ({self.config.optimiser.lr:g}) is too "
            f"high; or something is wrong with the batch: {described}.",
            "Train again with a smaller --lr, or look at these clips. What earlier epochs saved is kept.",
        )


def build_optimiser(model: nn.Module, config: OptimiserConfig) -> AdamW:
    """AdamW over all parameters. Weight decay spares none of them, as in the published code."""
    return AdamW(model.parameters(), config.lr, (config.betas[0], config.betas[1]), weight_decay=config.weight_decay)


def steps_per_epoch(clips: int, config: RunConfig) -> int:
    """Steps of the optimiser in an epoch of so many clips; the last of them may take fewer clips."""
    return ceil(_batches_per_epoch(clips, config) / config.optimiser.accumulate)


def _batches_per_epoch(clips: int, config: RunConfig) -> int:
    return ceil(clips / config.schedule.batch)


def build_schedule(optimiser: Optimizer, config: RunConfig, steps: int) -> CosineLRScheduler:
    """A cosine from the highest learning rate to 0 over all steps, after a linear rise if one is configured.

    It has no state: `step_update(steps done)` sets the learning rate of the next step.

    Args:
        optimiser: The optimiser whose learning rate it sets.
        config: The run's.
        steps: Steps of the whole run.
    """
    return CosineLRScheduler(optimiser, t_initial=steps, warmup_t=config.schedule.warmup, t_in_epochs=False)


def _gradients(network: nn.Module, exchanged: bool) -> AbstractContextManager[None]:
    """Without exchange between processes for all but the last batch of a step: once is enough."""
    return nullcontext() if exchanged or not hasattr(network, "no_sync") else cast(Any, network).no_sync()


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


def _require_finite(model: nn.Module, epoch: int) -> None:
    """Refuse to save weights from which no training can go on: the last step of an epoch may have broken them."""
    if not all(torch.isfinite(parameter).all() for parameter in model.parameters()):
        raise ConfigError(
            f"The training stopped after epoch {epoch}: its weights are no longer numbers.",
            "They have diverged, most often because the learning rate is too high.",
            "Train again with a smaller --lr. What earlier epochs saved is kept.",
        )
