"""What a checkpoint was trained on, so that it is not scored on people whom it has seen."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.records import RecordError, from_plain

from ..checkpoints.files import Checkpoint
from ..data.lists import DataWarning
from ..data.recordings import Fold
from .config import flat


@dataclass(frozen=True)
class TrainedOn:
    """The fold of a prepared dataset that a checkpoint was trained on.

    Attributes:
        dataset: Name of the dataset.
        fold: The fold, whose test part was left out.
        fingerprint: Of the fold's lists; see `Fold`.
    """

    dataset: str
    fold: int
    fingerprint: str


def trainings(checkpoint: Checkpoint) -> list[TrainedOn]:
    """The folds that a checkpoint was trained on: its own, then those of the checkpoints that it began with.

    Published files say nothing, and those of the demo have seen no dataset.
    """
    said, started = flat(checkpoint.run), checkpoint.run.get("init")
    own = {name: said.get(f"config.data.{name}") for name in ("dataset", "fold")}
    own["fingerprint"] = said.get("data.fingerprint") if said.get("config.data.root") is not None else None
    try:
        earlier = from_plain(list[TrainedOn], (started or {}).get("trained_on", []))
    except (RecordError, AttributeError):  # of a file that was changed
        earlier = []
    try:
        return [from_plain(TrainedOn, own), *earlier]
    except RecordError:
        return earlier


def trained_on(trainings: Iterable[TrainedOn], dataset: str) -> TrainedOn | None:
    """The one of some trainings that was on a dataset; None where none was."""
    return next((each for each in trainings if each.dataset == dataset), None)


def require_unseen(path: Path, checkpoint: Checkpoint, dataset: str, layout: str, fold: int, fingerprint: str) -> None:
    """Refuse to start from a network that has seen the people whom the fold is tested on.

    Args:
        path: The network's file.
        checkpoint: What is in it.
        dataset: Name of the dataset.
        layout: Name of its layout.
        fold: The fold that is trained.
        fingerprint: Of the fold's lists.

    Raises:
        ConfigError: It was trained on another fold of the dataset.

    Warns:
        DataWarning: It may have been: its lists were others, or it does not say.
    """
    own = trained_on(trainings(checkpoint), dataset)
    if own is not None and own.fold != fold:
        raise ConfigError(
            f"Fold {fold} of {dataset} cannot start from {path}.",
            f"That was trained on fold {own.fold}, and so on the people in the test part of every other fold: "
            "the F1 of this run would say nothing.",
            f"Give the checkpoint of fold {fold}; for crossval, a path with {{fold}} in it.",
        )
    if own is not None and own.fingerprint != fingerprint:
        doubt = f"{path} was trained on fold {fold} of other lists than these"
    elif own is None and not checkpoint.run and checkpoint.model.config.layout.name == layout:
        doubt = f"{path} does not say what it was trained on"
    else:
        return
    text = f"{doubt}: if it has seen people of the test part, the F1 of this run will be too high."
    warnings.warn(text, DataWarning, stacklevel=2)


def fold_to_score(own: TrainedOn | None, wanted: int | None, path: Path) -> int:
    """The fold whose test part is scored: the wanted one, else the network's own, else the first.

    Args:
        own: What the network was trained on, if it is known.
        wanted: The fold that was asked for, if any.
        path: The network's file.

    Raises:
        ConfigError: The network was trained on the people of the wanted test part.
    """
    if own is None:
        return wanted or 1
    if wanted not in (None, own.fold):
        raise ConfigError(
            f"{path} cannot be scored on fold {wanted}.",
            f"It was trained on fold {own.fold}, and so on the people in the test part of every other fold: "
            "its F1 there would say nothing.",
            f"Leave out --fold, or give the checkpoint of fold {wanted}.",
        )
    return own.fold


def warn_of_seen_people(own: TrainedOn | None, path: Path, fold: Fold) -> None:
    """Say where it is not known that a network has never seen the people of a test part.

    Args:
        own: What the network was trained on, if it is known.
        path: The network's file.
        fold: The fold that is scored.

    Warns:
        DataWarning: The network's file names no fold, or one with other lists.
    """
    if own is None:
        doubt = f"{path} does not say which fold it was trained on"
    elif own.fingerprint != fold.fingerprint:
        doubt = f"{path} was trained on fold {fold.number} of other lists than these"
    else:
        return
    text = f"{doubt}: if it has seen people of this test part, its F1 is too high."
    warnings.warn(text, DataWarning, stacklevel=2)
