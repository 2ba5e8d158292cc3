"""Reading the summary of a training run or of a cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mdhr_runtime.errors import RunError

from ..training.summary import read_summary
from .runs import Counts, CrossValidation, Epoch, Run

SUMMARY = "summary.json"
DATA = {
    "fingerprint": str,
    "recorded": bool,
    "train_recordings": int,
    "test_recordings": int,
    "train_frames": int,
    "test_frames": int,
}
"""What a summary says of the data."""

Read = TypeVar("Read")


def read(folder: Path) -> Run | CrossValidation:
    """Read a run or a cross-validation.

    Args:
        folder: What `mdhr-train fit` or `mdhr-train crossval` has written.

    Raises:
        RunError: It is neither, is not finished, or its summary lacks something.
        DataError: Its summary is damaged, or newer than this software.
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
    return read_summary(path)


def _parsed(folder: Path, summary: Mapping[str, Any], parse: Callable[[Path, Mapping[str, Any]], Read]) -> Read:
    try:
        return parse(folder, summary)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"{folder / SUMMARY} cannot be read.",
            f"It lacks what the summary of a run has ({type(error).__name__}: {error}).",
            "Copy the file again, or let mdhr-train fit --resume write it again.",
        ) from error


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
        **{name: int(summary[name]) for name in ("fold", "parameters", "clip_frames")},
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
