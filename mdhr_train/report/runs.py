"""Reading what a training run or a cross-validation has left in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mdhr_runtime.errors import RunError
from mdhr_runtime.records import RecordError, from_plain

from ..datasets import DATASETS
from ..datasets.base import prepared_folders
from ..metrics import OUTCOMES, F1Summary
from ..training.run_files import BEST, CONFIG, SUMMARY, CrossValidationSummary, RunSummary, read_summary


class TrainedRun(NamedTuple):
    """A training run of one fold.

    Attributes:
        folder: Where it is.
        summary: What it says of itself.
    """

    folder: Path
    summary: RunSummary


class TrainedFolds(NamedTuple):
    """A cross-validation.

    Attributes:
        folder: Where it is.
        summary: What it says of itself.
        runs: The runs that are still there, in order of their folds; at least one.
    """

    folder: Path
    summary: CrossValidationSummary
    runs: tuple[TrainedRun, ...]


def inputs_of(source: TrainedRun | TrainedFolds, data: Path | None) -> list[Path]:
    """What a report is made from: files of the runs, and folders of the dataset if it is named."""
    folders = [source.folder, *(run.folder for run in (source.runs if isinstance(source, TrainedFolds) else ()))]
    files = [folder / name for folder in folders for name in (SUMMARY, CONFIG, BEST)]
    return files + [each for dataset in DATASETS.values() if data for each in prepared_folders(data, dataset)]


def read(folder: Path) -> TrainedRun | TrainedFolds:
    """Read a run or a cross-validation.

    Args:
        folder: What `mdhr-train fit` or `mdhr-train crossval` has written.

    Raises:
        RunError: It is neither, is not finished, or its summary lacks something.
        DataError: Its summary is damaged, or newer than this software.
    """
    if not (folder / SUMMARY).is_file():
        raise RunError(
            f"{folder} is not a finished run.",
            f"There is no {SUMMARY} in it." if folder.is_dir() else "There is no such folder.",
            "Give a folder that mdhr-train fit or mdhr-train crossval has written to the end.",
        )
    summary = read_summary(folder / SUMMARY)
    if "folds" not in summary:
        return _run(folder, summary)
    whole: CrossValidationSummary = _checked(folder, CrossValidationSummary, summary)
    parts = (folder / f"fold{fold}" for fold in whole["folds"])
    runs = tuple(_run(part, read_summary(part / SUMMARY)) for part in parts if (part / SUMMARY).is_file())
    if not runs:
        raise RunError(
            f"{folder} holds no runs.",
            f"Its {SUMMARY} names folds {whole['folds']}, and none of their folders has a summary.",
            "Keep the folders of the folds beside the summary.",
        )
    _check_aus(folder, runs[0].summary["aus"], list(whole["per_fold"].values()))
    return TrainedFolds(folder, whole, runs)


def _run(folder: Path, content: Any) -> TrainedRun:
    summary: RunSummary = _checked(folder, RunSummary, content)
    best = summary["best"]
    _check_aus(folder, summary["aus"], [part for part in (best["clips"], best["stream"]) if part])
    return TrainedRun(folder, summary)


def _checked(folder: Path, kind: Any, summary: Any) -> Any:
    try:
        return from_plain(kind, summary)
    except RecordError as error:
        raise _unreadable(folder, str(error)) from error


def _check_aus(folder: Path, aus: Sequence[str], scores: Sequence[F1Summary]) -> None:
    for each in scores:
        columns: list[Mapping[str, float]] = [each["f1"], *(each[outcome] for outcome in OUTCOMES)]
        missing = [au for column in columns for au in aus if au not in column]
        if missing:
            raise _unreadable(folder, f"It lacks {missing[0]}.")


def _unreadable(folder: Path, why: str) -> RunError:
    return RunError(
        f"{folder / SUMMARY} cannot be read.",
        why,
        "Copy the file again, or let mdhr-train fit --resume write it again.",
    )
