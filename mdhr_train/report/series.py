"""What a report shows side by side: the results of the runs, and the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..paper import COLUMNS
from .runs import Counts, CrossValidation, Run

OUTCOMES = ("true_positives", "false_positives", "false_negatives", "true_negatives")


@dataclass(frozen=True)
class Series:
    """F1 per AU of one origin.

    Attributes:
        label: Its name in tables and legends.
        mark: How a chart draws it, a class of the style sheet: "bar", "ring", "dot", "paper" or "paper-2".
        mean: Mean F1 over the AUs, in per cent.
        f1: F1 per AU, in per cent.
    """

    label: str
    mark: str
    mean: float
    f1: Mapping[str, float]


def series_of(source: Run | CrossValidation) -> tuple[Series, ...]:
    """Our results, the main one first, then the paper's where it has any on this dataset, if that was recorded."""
    ours = _of_run(source) if isinstance(source, Run) else _of_folds(source)
    marks = ("paper", "paper-2")
    columns = COLUMNS.get(source.dataset, ()) if runs_of(source)[0].data["recorded"] else ()
    paper = (
        Series(f"paper, {column.backbone}", mark, column.mean, column.f1)
        for column, mark in zip(columns, marks, strict=False)
    )
    return (*ours, *paper)


def runs_of(source: Run | CrossValidation) -> tuple[Run, ...]:
    """The run itself, or the runs of the folds."""
    return (source,) if isinstance(source, Run) else source.runs


def total(parts: Sequence[Counts], aus: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Frames of all parts together: by outcome, then by AU."""
    return {outcome: {au: sum(getattr(part, outcome)[au] for part in parts) for au in aus} for outcome in OUTCOMES}


def _of_run(run: Run) -> tuple[Series, ...]:
    stream = (_series("whole videos", "ring", run.stream),) if run.stream else ()
    return (_series(f"clips of {run.clip_frames}", "bar", run.clips), *stream)


def _of_folds(source: CrossValidation) -> tuple[Series, ...]:
    mean = Series("folds, mean", "bar", 100 * source.mean_f1, _per_cent(source.f1))
    return (mean, *(_series(f"fold {fold}", "dot", counts) for fold, counts in sorted(source.per_fold.items())))


def _series(label: str, mark: str, counts: Counts) -> Series:
    return Series(label, mark, 100 * counts.mean_f1, _per_cent(counts.f1))


def _per_cent(f1: Mapping[str, float]) -> dict[str, float]:
    return {au: 100 * value for au, value in f1.items()}
