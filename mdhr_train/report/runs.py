"""Reading what a training run or a cross-validation has left in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints, is_typeddict

from mdhr_runtime.errors import RunError

from ..metrics import OUTCOMES, F1Summary
from ..training.run_files import SUMMARY, CrossValidationSummary, RunSummary, read_summary


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
    _check(folder, summary, CrossValidationSummary)
    parts = (folder / f"fold{fold}" for fold in summary["folds"])
    runs = tuple(_run(part, read_summary(part / SUMMARY)) for part in parts if (part / SUMMARY).is_file())
    if not runs:
        raise RunError(
            f"{folder} holds no runs.",
            f"Its {SUMMARY} names folds {summary['folds']}, and none of their folders has a summary.",
            "Keep the folders of the folds beside the summary.",
        )
    _check_aus(folder, runs[0].summary["aus"], list(summary["per_fold"].values()))
    return TrainedFolds(folder, summary, runs)


def _run(folder: Path, summary: Any) -> TrainedRun:
    _check(folder, summary, RunSummary)
    best = summary["best"]
    _check_aus(folder, summary["aus"], [part for part in (best["clips"], best["stream"]) if part])
    return TrainedRun(folder, summary)


def _check(folder: Path, value: Any, kind: Any, name: str = "") -> None:
    """Refuse a part of a summary that is not what the training writes.

    Args:
        folder: Where the summary is.
        value: The part.
        kind: Its type: a `TypedDict`, a list or dictionary, a simple type, or one of these or None.
        name: Its key.

    Raises:
        RunError: Something is missing or of another type.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin is UnionType:
        if value is not None:
            _check(folder, value, next(part for part in parts if part is not NoneType), name)
        return
    allowed: Any = dict if is_typeddict(kind) else (int, float) if kind is float else origin or kind
    if not isinstance(value, allowed):
        raise _lacking(folder, f"{name or 'its content'} is {repr(value)[:40]}")
    if is_typeddict(kind):
        for key, part in get_type_hints(kind).items():
            if key not in value:
                raise _lacking(folder, f"{key} is missing")
            _check(folder, value[key], part, key)
    elif parts:
        for each in value.values() if isinstance(value, Mapping) else value:
            _check(folder, each, parts[-1], name)


def _check_aus(folder: Path, aus: Sequence[str], scores: Sequence[F1Summary]) -> None:
    for each in scores:
        columns: list[Mapping[str, float]] = [each["f1"], *(each[outcome] for outcome in OUTCOMES)]
        for counts in columns:
            missing = [au for au in aus if au not in counts]
            if missing:
                raise _lacking(folder, f"{missing[0]} is missing")


def _lacking(folder: Path, why: str) -> RunError:
    return RunError(
        f"{folder / SUMMARY} cannot be read.",
        f"It lacks what the summary of a run has: {why}.",
        "Copy the file again, or let mdhr-train fit --resume write it again.",
    )
