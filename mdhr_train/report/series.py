"""Results of the runs and of the paper, to show side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..metrics import OUTCOMES, Agreement, F1Counts, Outcome, ScoreRow, score_rows
from .runs import TrainedFolds, TrainedRun


class Series(NamedTuple):
    """Scores per AU of one origin.

    Attributes:
        label: Its name in tables and legends.
        mark: How a chart draws it, a class of the style sheet: "bar", "ring", "dot", "paper" or "paper-2".
        mean: Mean F1 over the AUs, in per cent.
        f1: F1 per AU in per cent, by names such as "AU01".
        rows: All that is known per AU by name, and of the mean; empty where that is F1 alone. Not in per cent.
    """

    label: str
    mark: str
    mean: float
    f1: Mapping[str, float]
    rows: Mapping[str, ScoreRow] = {}


_BP4D = ("AU01", "AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23", "AU24")
_DISFA = ("AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU25", "AU26")


def _paper(mean: float, aus: tuple[str, ...], *f1: float, backbone: str, mark: str = "paper") -> Series:
    return Series(f"paper, {backbone}", mark, mean, dict(zip(aus, f1, strict=True)))


_RESNET = {"backbone": "ResNet-50"}
_SWIN = {"backbone": "Swin-B", "mark": "paper-2"}

PAPER: Mapping[str, tuple[Series, ...]] = {
    "bp4d": (  # table 1
        _paper(66.6, _BP4D, 58.3, 50.9, 58.9, 78.4, 80.3, 84.9, 88.2, 69.5, 56.0, 65.5, 49.5, 59.3, **_RESNET),
        _paper(66.1, _BP4D, 54.6, 49.7, 61.0, 79.9, 79.4, 85.4, 88.5, 67.8, 56.8, 63.2, 50.9, 55.4, **_SWIN),
    ),
    "disfa": (  # table 2
        _paper(64.9, _DISFA, 61.4, 57.7, 70.9, 57.1, 48.3, 75.7, 91.5, 56.7, **_RESNET),
        _paper(66.2, _DISFA, 65.4, 60.2, 75.2, 50.2, 52.4, 74.3, 93.7, 58.2, **_SWIN),
    ),
}
"""The paper's results, by the name of the dataset.

They are F1 in per cent as printed, means over three subject-independent folds of the real datasets: Wang et al.,
*Multi-scale Dynamic and Hierarchical Relationship Modeling for Facial Action Units Recognition*, CVPR 2024
(arXiv:2404.06443v1). The columns per AU give the printed means again.
"""


def series_of(source: TrainedRun | TrainedFolds) -> tuple[Series, ...]:
    """Our results, the main one first, then the paper's where it has any on this dataset, if that was recorded."""
    recorded = runs_of(source)[0].summary["data"]["recorded"]
    return (*_ours(source), *(PAPER.get(source.summary["dataset"], ()) if recorded else ()))


def runs_of(source: TrainedRun | TrainedFolds) -> tuple[TrainedRun, ...]:
    """The run itself, or the runs of the folds."""
    return (source,) if isinstance(source, TrainedRun) else source.runs


def total(parts: Sequence[F1Counts], aus: Sequence[str]) -> Mapping[Outcome, Mapping[str, int]]:
    """Frames of all parts together: by outcome, then by AU."""
    return {outcome: {au: sum(part[outcome][au] for part in parts) for au in aus} for outcome in OUTCOMES}


def _ours(source: TrainedRun | TrainedFolds) -> tuple[Series, ...]:
    if isinstance(source, TrainedRun):
        best = source.summary["best"]
        stream = (_series("whole videos", "ring", best["stream"]),) if best["stream"] else ()
        return (_series(f"clips of {source.summary['clip_frames']}", "bar", best["clips"]), *stream)
    folds = sorted(source.summary["per_fold"].items(), key=lambda fold: int(fold[0]))
    mean = _series("folds, mean", "bar", source.summary)
    return (mean, *(_series(f"fold {fold}", "dot", scores) for fold, scores in folds))


def _series(label: str, mark: str, scores: Agreement) -> Series:
    rows = {row.name: row for row in score_rows(scores, list(scores["f1"]))} if "auc" in scores else {}
    return Series(label, mark, 100 * scores["mean_f1"], {au: 100 * value for au, value in scores["f1"].items()}, rows)
