"""How well scores agree with labels: F1 and the area under the ROC curve (AUC) per action unit (AU), and their noise.

The noise is that of the choice of people: a 95 % interval, by the bootstrap over subjects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypedDict, get_args

import numpy as np

from mdhr_runtime.contract import SCORE

from .labels import known, occurs

Outcome = Literal["true_positives", "false_positives", "false_negatives", "true_negatives"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""The outcomes of a score for a frame, in the order of `ScoreHistogram.outcomes`."""

BINS = 4096
"""Of a histogram of scores. AUC takes scores that share one for equal."""

DECIDING = int(BINS * (SCORE.threshold - SCORE.lowest) / (SCORE.highest - SCORE.lowest))
"""The first bin of the scores that say that an AU occurs: the threshold, 0.5, is on its lower edge."""

RESAMPLES, SEED = 1000, 0
"""Of the bootstrap."""

FEWEST = 3
"""Subjects that an interval takes: of two, a resample shows one alone every other time."""

ANYBODY = ""
"""The subject of frames where it does not matter who is seen."""

Interval = list[float]
"""The lower and the upper end."""


class F1Scores(TypedDict):
    """F1 as plain data: the mean over the AUs, and each AU's by its name."""

    mean_f1: float
    f1: dict[str, float]


class F1Intervals(TypedDict):
    """95 % intervals of `F1Scores`."""

    mean_f1: Interval
    f1: dict[str, Interval]


class Intervals(F1Intervals, total=False):
    """`F1Intervals`, and those of the AUC, which means over folds lack; None where there is no AUC."""

    mean_auc: Interval | None
    auc: dict[str, Interval | None]


class Agreement(F1Scores, total=False):
    """F1, AUC and intervals; of runs before there was an AUC, F1 alone.

    AUCs are None where an AU always or never occurs, and the mean is over the others. `intervals` is None with fewer
    than `FEWEST` subjects.
    """

    mean_auc: float | None
    auc: dict[str, float | None]
    intervals: Intervals | None


class F1Counts(F1Scores):
    """`F1Scores` and what they are made of: frames of each outcome, by the AU's name."""

    true_positives: dict[str, int]
    false_positives: dict[str, int]
    false_negatives: dict[str, int]
    true_negatives: dict[str, int]


class ScoreSummary(F1Counts, Agreement, total=False):
    """All that is known of the scores of a dataset.

    `subjects` has by their name the frames of each outcome, of the AUs in their order.
    """

    subjects: dict[str, dict[Outcome, list[int]]]


class ScoreRow(NamedTuple):
    """The scores of one AU, or the mean over them.

    Attributes:
        name: The AU's name; "mean" of the mean.
        f1: F1.
        interval: Its 95 % interval, where there is one.
        auc: AUC, where there is one.
        auc_interval: Its 95 % interval, where there is one.
    """

    name: str
    f1: float
    interval: Interval | None = None
    auc: float | None = None
    auc_interval: Interval | None = None


def score_rows(scores: Agreement, aus: Sequence[str]) -> list[ScoreRow]:
    """The scores of each of some AUs by their names, and in the end the mean."""
    intervals, auc = scores.get("intervals"), scores.get("auc", {})
    of_f1: dict[str, Interval] = intervals["f1"] if intervals else {}
    of_auc: dict[str, Interval | None] = intervals.get("auc", {}) if intervals else {}
    rows = [ScoreRow(au, scores["f1"][au], of_f1.get(au), auc.get(au), of_auc.get(au)) for au in aus]
    ends = (intervals["mean_f1"], intervals.get("mean_auc")) if intervals else (None, None)
    return [*rows, ScoreRow("mean", scores["mean_f1"], ends[0], scores.get("mean_auc"), ends[1])]


class ScoreHistogram:
    """Counts scores per subject and AU over any number of frames, apart by whether the AU occurs in the frame.

    Unknown labels are left out, soft ones are rounded. A subject takes 64 kB per AU, however many frames there are.

    Args:
        aus: Number N of AUs.
        subjects: Names of S different subjects in any order, each once or more often.

    Attributes:
        subjects: Their names, in the order in which they came.
        counts: int64 (S, 2, BINS, N): frames without the AU, and with it, by the score. Histograms of the same subjects
            are added by adding these.
    """

    def __init__(self, aus: int, subjects: Iterable[str] = (ANYBODY,)) -> None:
        self.subjects = tuple(dict.fromkeys(subjects))
        self.counts = np.zeros((len(self.subjects), 2, BINS, aus), np.int64)
        self._rows = {name: row for row, name in enumerate(self.subjects)}

    def update(self, scores: np.ndarray, labels: np.ndarray, subjects: Sequence[str]) -> None:
        """Count frames.

        Args:
            scores: float (B, T, N) in [0, 1].
            labels: (B, T, N), any type.
            subjects: Who is seen in each of the B.
        """
        # In float64 the product is exact, so that a score is on the side of the threshold where it was.
        bins = np.clip((np.asarray(scores, np.float64) * BINS).astype(np.int64), 0, BINS - 1)
        rows = np.array([self._rows[name] for name in subjects])[:, None, None]
        aus = np.arange(scores.shape[-1])
        place = np.broadcast_arrays(rows, occurs(labels).astype(np.int64), bins, aus)
        counted = known(labels)
        np.add.at(self.counts, tuple(index[counted] for index in place), 1)

    def outcomes(self) -> np.ndarray:
        """Frames of each of `OUTCOMES`: int64 (S, 4, N)."""
        silent, found = self.counts[:, :, :DECIDING].sum(2), self.counts[:, :, DECIDING:].sum(2)
        return np.stack([found[:, 1], found[:, 0], silent[:, 1], silent[:, 0]], axis=1)

    def scores(self, aus: Sequence[str]) -> F1Scores:
        """The mean F1 over AUs and the F1 of each.

        Args:
            aus: Names of the N AUs.
        """
        f1 = f1_of(self.outcomes().sum(0))
        return {"mean_f1": float(f1.mean()), "f1": dict(zip(aus, f1.tolist(), strict=True))}

    def summary(self, aus: Sequence[str]) -> ScoreSummary:
        """`scores`, AUC, the counts of each outcome by AU and by subject, and the intervals."""
        outcomes, wins = self.outcomes(), self._wins()
        hits, false_alarms, misses, absences = (dict(zip(aus, row, strict=True)) for row in outcomes.sum(0).tolist())
        auc = _auc(np.ones((1, len(self.subjects))), outcomes, wins)
        return {
            **self.scores(aus),
            "true_positives": hits,
            "false_positives": false_alarms,
            "false_negatives": misses,
            "true_negatives": absences,
            "mean_auc": _number(_mean_auc(auc)[0]),
            "auc": dict(zip(aus, map(_number, auc[0]), strict=True)),
            "intervals": self._intervals(outcomes, wins, aus),
            "subjects": {
                name: dict(zip(OUTCOMES, rows, strict=True))
                for name, rows in zip(self.subjects, outcomes.tolist(), strict=True)
            },
        }

    def _wins(self) -> np.ndarray:
        """How often a frame with the AU of one subject is scored above a frame without it of another, ties as a half.

        Returns:
            float64 (S, S, N). The AUC of any resample of subjects follows from it, without its histogram.
        """
        absent, present = self.counts[:, 0], self.counts[:, 1]
        below = np.cumsum(absent, axis=1) - absent / 2
        return np.einsum("sbn,tbn->stn", present.astype(np.float64), below, optimize=True)

    def _intervals(self, outcomes: np.ndarray, wins: np.ndarray, aus: Sequence[str]) -> Intervals | None:
        of_f1 = f1_intervals([outcomes], aus)
        if of_f1 is None:
            return None
        auc = _auc(_draws(len(outcomes), np.random.default_rng(SEED)), outcomes, wins)
        ends = [_interval(column) for column in auc.T]
        return {**of_f1, "mean_auc": _interval(_mean_auc(auc)), "auc": dict(zip(aus, ends, strict=True))}


def f1_of(outcomes: np.ndarray) -> np.ndarray:
    """F1 per AU, 2 TP / (2 TP + FP + FN).

    An AU that never occurs has F1 0, whether it is reported or not: nothing shows that it can be found.

    Args:
        outcomes: (..., 4, N), frames of each of `OUTCOMES`.

    Returns:
        float64 (..., N).
    """
    hits, false_alarms, misses = (outcomes[..., row, :] for row in range(3))
    f1: np.ndarray = 2 * hits / np.maximum(2 * hits + false_alarms + misses, 1)
    return f1


def f1_intervals(folds: Sequence[np.ndarray], aus: Sequence[str]) -> Intervals | None:
    """95 % intervals of the mean over folds of the F1, by the bootstrap over subjects.

    Subjects are drawn within their fold, as each fold is scored by a network of its own.

    Args:
        folds: Per fold int64 (S, 4, N), frames of each of `OUTCOMES` by subject. A single one is scored by itself.
        aus: Names of the N AUs.

    Returns:
        The intervals, or None where a fold has fewer than `FEWEST` subjects.
    """
    if min(map(len, folds)) < FEWEST:
        return None
    rng = np.random.default_rng(SEED)
    f1 = np.mean([f1_of(np.tensordot(_draws(len(fold), rng), fold, 1)) for fold in folds], axis=0)
    ends = np.quantile(f1, (0.025, 0.975), axis=0).T.tolist()
    mean: Interval = np.quantile(f1.mean(-1), (0.025, 0.975)).tolist()
    return {"mean_f1": mean, "f1": dict(zip(aus, ends, strict=True))}


def _draws(subjects: int, rng: np.random.Generator) -> np.ndarray:
    """How often each subject is in each resample: float64 (RESAMPLES, S)."""
    return rng.multinomial(subjects, np.full(subjects, 1 / subjects), RESAMPLES).astype(np.float64)


def _auc(draws: np.ndarray, outcomes: np.ndarray, wins: np.ndarray) -> np.ndarray:
    """AUC per resample and AU: float64 (R, N), NaN where the AU always or never occurs; see `_draws` and `_wins`."""
    hits, false_alarms, misses, absences = np.moveaxis(np.tensordot(draws, outcomes, 1), 1, 0)
    pairs = (hits + misses) * (false_alarms + absences)
    won = np.einsum("rs,stn,rt->rn", draws, wins, draws, optimize=True)
    return np.divide(won, pairs, out=np.full_like(won, np.nan), where=pairs > 0)


def _mean_auc(auc: np.ndarray) -> np.ndarray:
    """The mean over the AUs that have one: float64 (R,), NaN where none has."""
    means: np.ndarray = np.ma.masked_invalid(auc).mean(-1).filled(np.nan)
    return means


def _interval(values: np.ndarray) -> Interval | None:
    """95 % interval of those of (R,) values that are numbers; None where there are none."""
    values = values[~np.isnan(values)]
    ends: Interval = np.quantile(values, (0.025, 0.975)).tolist() if len(values) else []
    return ends or None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
