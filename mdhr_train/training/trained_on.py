"""What a checkpoint was trained on, so that it is not scored on people whom it has seen."""

from __future__ import annotations

import warnings
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


def trained_on(checkpoint: Checkpoint, dataset: str) -> TrainedOn | None:
    """What a checkpoint says of its training; None where it names no fold of this dataset.

    Published files say nothing, and those of the demo have seen no dataset.
    """
    said = flat(checkpoint.run)
    found = {name: said.get(f"config.data.{name}") for name in ("dataset", "fold")}
    try:
        own: TrainedOn = from_plain(TrainedOn, {**found, "fingerprint": said.get("data.fingerprint")})
    except RecordError:
        return None
    return own if said.get("config.data.root") is not None and own.dataset == dataset else None


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
