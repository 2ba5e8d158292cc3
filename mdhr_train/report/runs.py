"""Reading what a training run or a cross-validation has left in its folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mdhr_runtime.errors import RunError

SCHEMA = 1
SUMMARY = "summary.json"
DATA = {
    "fingerprint": str,
    "train_recordings": int,
    "test_recordings": int,
    "train_frames": int,
    "test_frames": int,
}
"""What a summary says of the data."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class Counts:
    """How well labels were found in the test part of a fold; all by names of AUs.

    Attributes:
        mean_f1: Mean F1 over the AUs, in [0, 1].
        f1: F1.
        true_positives: Frames.
        false_positives: Frames.
        false_negatives: Frames.
        true_negatives: Frames.
    """

    mean_f1: float
    f1: Mapping[str, float]
    true_positives: Mapping[str, int]
    false_positives: Mapping[str, int]
    false_negatives: Mapping[str, int]
    true_negatives: Mapping[str, int]


@dataclass(frozen=True)
class Epoch:
    """An epoch of training.

    Attributes:
        epoch: Number, from 1.
        loss: L = L_AU + 0.01 L_sub, mean over the epoch.
        loss_au: L_AU.
        loss_sub: L_sub.
        lr: Learning rate at the end.
        seconds: Duration.
        waiting_share: Share of the time that went into waiting for data, in [0, 1].
        validation_f1: Mean F1 in [0, 1], or None where it was not measured.
    """

    epoch: int
    loss: float
    loss_au: float
    loss_sub: float
    lr: float
    seconds: float
    waiting_share: float
    validation_f1: float | None


@dataclass(frozen=True)
class Run:
    """A training run of one fold.

    Attributes:
        folder: Where it lies.
        dataset: Name of the dataset, such as "bp4d".
        layout: Name of the layout, such as "BP4D".
        fold: Number of the fold.
        backbone: Name of the backbone.
        aus: Names of the AUs.
        parameters: Number of parameters.
        device: What it was trained on.
        epochs: The epochs, in order.
        best_epoch: The epoch of `best.pt`.
        clips: `best.pt` on clips of 16 frames, as the paper scores.
        stream: `best.pt` on whole videos, as the runtime scores, or None.
        data: Fingerprint, and numbers of recordings and frames.
        versions: Of libraries.
    """

    folder: Path
    dataset: str
    layout: str
    fold: int
    backbone: str
    aus: tuple[str, ...]
    parameters: int
    device: str
    epochs: tuple[Epoch, ...]
    best_epoch: int
    clips: Counts
    stream: Counts | None
    data: Mapping[str, Any]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class CrossValidation:
    """The runs of several folds.

    Attributes:
        folder: Where it lies.
        dataset: Name of the dataset.
        mean_f1: Mean over AUs and folds, in [0, 1].
        f1: Mean over the folds, by names of AUs.
        per_fold: The scores of each fold on clips, by its number.
        runs: The runs that are still there, in order of their folds; at least one.
    """

    folder: Path
    dataset: str
    mean_f1: float
    f1: Mapping[str, float]
    per_fold: Mapping[int, Counts]
    runs: tuple[Run, ...]


def read(folder: Path) -> Run | CrossValidation:
    """Read a run or a cross-validation.

    Args:
        folder: What `mdhr-train fit` or `mdhr-train crossval` has written.

    Raises:
        RunError: It is neither, is not finished, or its summary is damaged or newer than this software.
    """
    summary = _summary(folder)
    return _parsed(folder, summary, _cross_validation if "folds" in summary else _run)


def _summary(folder: Path) -> Mapping[str, Any]:
    path = folder / SUMMARY
    if not path.is_file():
        raise RunError(
            f"{folder} is not a finished run.",
            f"There is no {SUMMARY} in it." if folder.is_dir() else "There is no such folder.",
            "Give a folder that mdhr-train fit or mdhr-train crossval has written to the end.",
        )
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    if not isinstance(summary, dict) or not isinstance(summary.get("schema"), int):
        raise _damaged(path, "it has no schema version")
    if summary["schema"] != SCHEMA:
        raise RunError(
            f"{path} cannot be read by this version.",
            f"It has schema {summary['schema']}; this version reads schema {SCHEMA}.",
            "Install the version of mdhr-edge that wrote it, or a newer one.",
        )
    return summary


def _parsed(folder: Path, summary: Mapping[str, Any], parse: Callable[[Path, Mapping[str, Any]], Read]) -> Read:
    try:
        return parse(folder, summary)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder / SUMMARY, f"{type(error).__name__}: {error}") from error


def _damaged(path: Path, why: object) -> RunError:
    return RunError(
        f"{path} cannot be read.",
        f"It is truncated, or not the summary of a run ({why}).",
        "Copy the file again, or let the run write it again: mdhr-train fit --resume.",
    )


def _run(folder: Path, summary: Mapping[str, Any]) -> Run:
    best, aus = summary["best"], tuple(summary["aus"])
    return Run(
        folder,
        aus=aus,
        epochs=tuple(map(_epoch, summary["epochs"])),
        best_epoch=int(best["epoch"]),
        clips=_counts(best["clips"], aus),
        stream=best["stream"] and _counts(best["stream"], aus),
        data={name: kind(summary["data"][name]) for name, kind in DATA.items()},
        versions=dict(summary["versions"]),
        **{name: str(summary[name]) for name in ("dataset", "layout", "backbone", "device")},
        **{name: int(summary[name]) for name in ("fold", "parameters")},
    )


def _cross_validation(folder: Path, summary: Mapping[str, Any]) -> CrossValidation:
    runs = []
    for fold in summary["folds"]:
        part = folder / f"fold{int(fold)}"
        if (part / SUMMARY).is_file():
            runs.append(_parsed(part, _summary(part), _run))
    if not runs:
        raise RunError(
            f"{folder} holds no runs.",
            f"Its {SUMMARY} names folds {summary['folds']}, and none of their folders has a summary.",
            "Keep the folders of the folds beside the summary.",
        )
    aus = runs[0].aus
    return CrossValidation(
        folder,
        str(summary["dataset"]),
        float(summary["mean_f1"]),
        {au: float(summary["f1"][au]) for au in aus},
        {int(fold): _counts(counts, aus) for fold, counts in summary["per_fold"].items()},
        tuple(runs),
    )


def _counts(data: Mapping[str, Any], aus: tuple[str, ...]) -> Counts:
    outcomes = ("true_positives", "false_positives", "false_negatives", "true_negatives")
    return Counts(
        float(data["mean_f1"]),
        {au: float(data["f1"][au]) for au in aus},
        *({au: int(data[outcome][au]) for au in aus} for outcome in outcomes),
    )


def _epoch(data: Mapping[str, Any]) -> Epoch:
    validation = data["validation"]
    return Epoch(
        int(data["epoch"]),
        **{name: float(data[name]) for name in ("loss", "loss_au", "loss_sub", "lr", "seconds", "waiting_share")},
        validation_f1=None if validation is None else float(validation["mean_f1"]),
    )
