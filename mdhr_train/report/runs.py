"""Reading what a training run, a cross-validation or a suite has left in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from mdhr_runtime.errors import RunError
from mdhr_runtime.records import RecordError, from_plain

from ..datasets import dataset_in
from ..datasets.base import prepared_folders
from ..metrics import OUTCOMES, F1Counts
from ..training.card import CardSource
from ..training.run_files import BEST, CONFIG, SUMMARY, CrossValidationSummary, RunSummary, SuiteSummary, read_summary


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


class TrainedSuite(NamedTuple):
    """A cross-validation per network of a suite.

    Attributes:
        folder: Where it is.
        summary: What it says of itself.
        networks: The cross-validations that are still there by the networks' labels, in order; at least one. All have
            the F1 of the same AUs.
    """

    folder: Path
    summary: SuiteSummary
    networks: Mapping[str, TrainedFolds]


Trained: TypeAlias = TrainedRun | TrainedFolds | TrainedSuite


def inputs_of(source: Trained, data: Path | None) -> list[Path]:
    """What a report is made from: files of the runs, and folders of the dataset if it is named."""
    crossvals = source.networks.values() if isinstance(source, TrainedSuite) else (source,)
    runs = [run for each in crossvals if isinstance(each, TrainedFolds) for run in each.runs]
    folders = [source.folder, *(each.folder for each in (*crossvals, *runs))]
    files = [folder / name for folder in folders for name in (SUMMARY, CONFIG, BEST)]
    return files + (list(prepared_folders(data, dataset_in(data, source.summary["dataset"]))) if data else [])


def card_source(source: TrainedRun | TrainedFolds) -> CardSource:
    """What the model card of a run or a cross-validation is made from."""
    if isinstance(source, TrainedRun):
        return CardSource(source.folder, {".": source.summary})
    return CardSource(source.folder, {run.folder.name: run.summary for run in source.runs}, source.summary)


def read(folder: Path) -> Trained:
    """Read a run, a cross-validation or a suite.

    Args:
        folder: What `mdhr-train fit` or `mdhr-train crossval` has written.

    Raises:
        RunError: It is none of them, is not finished, or its summary lacks something.
        DataError: Its summary is damaged, or newer than this software.
    """
    if not (folder / SUMMARY).is_file():
        raise RunError(
            f"{folder} is not a finished run.",
            f"There is no {SUMMARY} in it." if folder.is_dir() else "There is no such folder.",
            "Give a folder that mdhr-train fit or mdhr-train crossval has written to the end.",
        )
    summary = read_summary(folder / SUMMARY)
    if "rows" in summary:
        return _suite(folder, summary)
    return _folds(folder, summary) if "folds" in summary else _run(folder, summary)


def _suite(folder: Path, content: Any) -> TrainedSuite:
    summary: SuiteSummary = _checked(folder, SuiteSummary, content)
    parts = {row["label"]: folder / row["folder"] for row in summary["rows"]}
    networks = {
        label: _folds(part, read_summary(part / SUMMARY)) for label, part in parts.items() if (part / SUMMARY).is_file()
    }
    if not networks:
        raise _no_runs(folder, f"{len(parts)} networks", "networks")
    aus = list(next(iter(networks.values())).summary["f1"])
    for network in networks.values():
        if list(network.summary["f1"]) != aus:
            raise _unreadable(network.folder, f"Its action units are not {' '.join(aus)}, as beside it.")
    return TrainedSuite(folder, summary, networks)


def _folds(folder: Path, content: Any) -> TrainedFolds:
    whole: CrossValidationSummary = _checked(folder, CrossValidationSummary, content)
    parts = (folder / f"fold{fold}" for fold in whole["folds"])
    runs = tuple(_run(part, read_summary(part / SUMMARY)) for part in parts if (part / SUMMARY).is_file())
    if not runs:
        raise _no_runs(folder, f"folds {whole['folds']}", "folds")
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


def _check_aus(folder: Path, aus: Sequence[str], scores: Sequence[F1Counts]) -> None:
    for each in scores:
        columns: list[Mapping[str, float]] = [each["f1"], *(each[outcome] for outcome in OUTCOMES)]
        missing = [au for column in columns for au in aus if au not in column]
        if missing:
            raise _unreadable(folder, f"It lacks {missing[0]}.")


def _no_runs(folder: Path, named: str, parts: str) -> RunError:
    return RunError(
        f"{folder} holds no runs.",
        f"Its {SUMMARY} names {named}, and none of their folders has a summary.",
        f"Keep the folders of the {parts} beside the summary.",
    )


def _unreadable(folder: Path, why: str) -> RunError:
    return RunError(
        f"{folder / SUMMARY} cannot be read.",
        why,
        "Copy the file again, or let mdhr-train fit --resume write it again.",
    )
