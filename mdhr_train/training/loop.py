"""A run: epochs of training and validation, then the scores of the best epoch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import DataLoader

from mdhr_runtime.errors import ConfigError, OutputError

from ..checkpoints import load_checkpoint, save_checkpoint
from ..model import MDHR
from .config_files import write_config
from .epoch import PRECISIONS, train_epoch
from .job import Job, build_state
from .loading import batches, training_loader, worker_deaths
from .logging import log_epoch, progress, tell_epoch, tensorboard
from .run_files import BEST, CONFIG, LAST, SUMMARY, write_summary
from .schedule import steps_per_epoch
from .scoring import NetworkScorer, clip_loader, score_clips, score_streams, stream_loader
from .state import TrainingState, random_state, remove_leftovers, restore_state, save_state
from .summary import run_summary


def train(job: Job, resume: bool = False) -> dict[str, Any]:
    """Train a model, choose its best epoch, score it, and write all that into the run's folder.

    Args:
        job: The run.
        resume: Whether to go on with the run that the folder holds, if it does.

    Returns:
        The run's summary, as in summary.json.

    Raises:
        OutputError: The folder holds a run that is not to be resumed, or it cannot be written.
        CheckpointError: The folder's run is another one, or a checkpoint cannot be written.
        ConfigError: The configuration does not fit, or the loss is no longer a number.
        DataError: A frame cannot be read, or a process that reads them died.
    """
    config, group = job.config, job.group
    share = group.share(config.schedule.batch)
    _open_folder(job, resume)
    with _one_thread_less_per_worker(job):
        restored = resume and (job.folder / LAST).exists()
        state = build_state(job, pretrained=not restored)
        if restored:
            restore_state(job.folder / LAST, state, job.identity, group.rank)
        with worker_deaths():
            if state.epoch < config.schedule.epochs:
                _train_epochs(job, state, share)
            best = load_checkpoint(job.folder / BEST).model.to(group.device)
            clips, streams = _score_best(job, best, share)
    summary = run_summary(job, state, clips, streams)
    if group.leads:
        write_summary(job.folder / SUMMARY, summary)
    return summary


def _train_epochs(job: Job, state: TrainingState, share: int) -> None:
    config, group, clips = job.config, job.group, job.material.training
    last, workers = config.schedule.epochs, config.compute.workers
    network = group.wrap(state.model)
    if config.compute.compile:
        network = torch.compile(network)
    weights = torch.from_numpy(job.material.weights).float().to(group.device)
    first = state.epoch + 1
    loader = training_loader(clips, share, (first, last), config.seed, workers, group.rank, group.size)
    validation = clip_loader(job.material.validation, share, workers, group)
    incoming = batches(loader)
    count = -(-len(clips) // config.schedule.batch)
    steps = (last - state.epoch) * steps_per_epoch(len(clips), config)
    with _log(job, first) as writer, progress("training", steps, group.leads) as bar:
        for epoch in range(first, last + 1):
            record = train_epoch(
                network, state, incoming, count, weights, clips, config, group, lambda text: bar.update(1, text)
            )
            group.align(state.scored)
            _require_finite(state)
            validated = epoch % config.schedule.validate_every == 0 or epoch == last
            record["validation"] = _validate(job, state, validation, bar) if validated else None
            state.epoch = epoch
            state.epochs.append(record)
            _save(job, state)
            if writer is not None:
                log_epoch(writer, record)
                tell_epoch(record, last)


def _require_finite(state: TrainingState) -> None:
    """Refuse to save weights from which no training can go on: the last step of an epoch may have broken them."""
    if not all(torch.isfinite(parameter).all() for parameter in state.model.parameters()):
        raise ConfigError(
            f"The training stopped after epoch {state.epoch + 1}: its weights are no longer numbers.",
            "They have diverged, most often because the learning rate is too high.",
            "Train again with a smaller --lr. What earlier epochs saved is kept.",
        )


def _validate(job: Job, state: TrainingState, loader: DataLoader, bar: Any) -> dict[str, Any]:
    scorer = NetworkScorer(state.scored, job.group.device, PRECISIONS[job.config.compute.precision])
    names = job.material.layout.au_names
    bar.update(0, f"epoch {state.epoch + 1}, validation")
    return score_clips(scorer, loader, len(names), job.group).scores(names)


def _save(job: Job, state: TrainingState) -> None:
    """Save the state, and before it the network if it is the best so far: a killed run does the epoch again."""
    randomness = job.group.gather(random_state())
    validation = state.epochs[-1]["validation"]
    better = validation is not None and validation["mean_f1"] > state.best[1]
    if better:
        state.best = (state.epoch, validation["mean_f1"])
    if job.group.leads:
        if better:
            save_checkpoint(job.folder / BEST, state.scored, {"epoch": state.epoch, **validation}, job.run)
        save_state(job.folder / LAST, state, job.identity, randomness)
    job.group.wait()


def _score_best(job: Job, model: MDHR, share: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Score a model in both protocols; the second is None where there are no recordings."""
    material, group, workers = job.material, job.group, job.config.compute.workers
    scorer = NetworkScorer(model, group.device, PRECISIONS[job.config.compute.precision])
    names = material.layout.au_names
    clips = clip_loader(material.test, share, workers, group)
    streams = stream_loader(material.streams, scorer.context, workers, group)
    with progress("scoring", len(clips) + len(streams), group.leads) as bar:
        of_clips = score_clips(scorer, clips, len(names), group, lambda: bar.update(1))
        of_streams = score_streams(scorer, streams, len(names), group, lambda: bar.update(1))
    return of_clips.summary(names), of_streams.summary(names) if material.streams else None


def _open_folder(job: Job, resume: bool) -> None:
    """Make the run's folder and write its configuration, before any work is done."""
    folder = job.folder
    if job.group.leads:
        if (folder / LAST).exists() and not resume:
            raise OutputError(
                f"{folder} already holds a run.",
                f"There is a {LAST} in it.",
                "Go on with it by --resume, or name another folder with --out.",
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {folder} cannot be made.", str(error), "Choose another one with --out."
            ) from error
        remove_leftovers(folder)
        if not (folder / LAST).exists():
            write_config(folder / CONFIG, job.config)
    job.group.wait()


@contextmanager
def _log(job: Job, first: int) -> Iterator[Any]:
    """TensorBoard's writer in the process that writes; None in the others."""
    if job.group.leads:
        with tensorboard(job.folder, first) as writer:
            yield writer
    else:
        yield None


@contextmanager
def _one_thread_less_per_worker(job: Job) -> Iterator[None]:
    """On the CPU, leave cores to the processes that prepare clips."""
    threads = torch.get_num_threads()
    if job.group.device.type == "cpu":
        torch.set_num_threads(max(threads - job.config.compute.workers, 1))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
