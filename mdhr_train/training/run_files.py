"""The files in the folder of a run, and the content of summary.json; of a cross-validation and of a suite too.

Nothing heavy is imported: commands and reports read these files without PyTorch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from mdhr_runtime.errors import DataError
from mdhr_runtime.files import write_text
from mdhr_runtime.records import RecordError, TooNewError, from_plain, read_json

from ..metrics import Agreement, F1Scores, ScoreSummary

CONFIG = "config.yaml"
"""The run's configuration, in full."""

SUMMARY = "summary.json"
"""Results of the run, the cross-validation or the suite, written at its end."""

BEST = "best.pt"
"""Checkpoint of the best epoch."""

LAST = "last.pt"
"""State of the training after its last epoch, from which `--resume` goes on."""

CARD = "card.md"
"""The model card of the checkpoint."""

REPORT = "report.html"
"""What `mdhr-train report` makes of it."""

SCHEMA = 1
"""Version of summary.json."""


class DataAmounts(TypedDict):
    """The data of a run: a hash, whether the faces were recorded (or else drawn), and amounts."""

    fingerprint: str
    recorded: bool
    train_recordings: int
    test_recordings: int
    train_frames: int
    test_frames: int


class DataFacts(DataAmounts, total=False):
    """`DataAmounts`, and what older runs do not say.

    `origin` says whose labels they are, empty where that is not known; `soft`, whether they may lie between 0 and 1;
    `prevalence`, the share of the training's frames in which an AU occurs, by its name.
    """

    train_subjects: int
    test_subjects: int
    origin: str
    soft: bool
    prevalence: dict[str, float]


class StartFacts(TypedDict):
    """The checkpoint that a run starts from.

    `trained_on` are the folds that it and what it began with were trained on; `parts` says what was taken of which part
    of the network, see `mdhr_train.checkpoints.transfer`; `unused` are the AUs that the run has no use for.
    """

    file: str
    layout: str
    trained_on: list[dict[str, Any]]
    parts: Mapping[str, Mapping[str, Any]]
    unused: list[str]


class EpochRecord(TypedDict):
    """An epoch of training.

    Losses are means over batches and processes, `lr` is the last learning rate used, `waiting_share` the fraction of
    `seconds` in which the training waited for data. `validation` is None where the epoch was not validated.
    """

    epoch: int
    loss: float
    loss_au: float
    loss_sub: float
    lr: float
    seconds: float
    waiting_share: float
    validation: F1Scores | None


class ProtocolScores(TypedDict):
    """Scores in both protocols: on consecutive clips, as in the paper, and on whole recordings, as in the runtime."""

    clips: ScoreSummary
    stream: ScoreSummary


class BestEpoch(TypedDict):
    """The best epoch on the test part, in both protocols; `stream` is None where there are no recordings."""

    epoch: int
    clips: ScoreSummary
    stream: ScoreSummary | None


class _Started(TypedDict, total=False):
    """What summaries of earlier versions lack."""

    init: StartFacts | None


class RunSummary(_Started):
    """summary.json of a run."""

    schema: int
    dataset: str
    layout: str
    fold: int
    backbone: str
    clip_frames: int
    aus: list[str]
    parameters: int
    device: str
    validated_on: str
    epochs: list[EpochRecord]
    best: BestEpoch
    data: DataFacts
    versions: dict[str, str]


class FoldScores(Agreement):
    """Means over folds, and what they are made of by the fold's number. The intervals are of F1 alone."""

    per_fold: dict[str, ScoreSummary]


class CrossValidationSummary(FoldScores):
    """summary.json of a cross-validation: consecutive clips, and whole recordings under `stream`."""

    schema: int
    dataset: str
    folds: list[int]
    stream: FoldScores


class SuiteRowSummary(TypedDict):
    """A network of a suite: mean F1 in [0, 1], and the paper's in per cent, if it has any."""

    label: str
    folder: str
    mean_f1: float
    stream_mean_f1: float
    paper: float | None


class SuiteSummary(TypedDict):
    """summary.json of a suite."""

    schema: int
    suite: str
    dataset: str
    rows: list[SuiteRowSummary]


class EvaluationSummary(TypedDict):
    """What `mdhr-train eval` writes, beside the scores of the checkpoint, of the bundle, or of both.

    `fold` is None where the test parts of all folds were scored together.
    """

    schema: int
    dataset: str
    fold: int | None


def is_evaluation(path: Path) -> bool:
    """Whether a file is a whole result of `mdhr-train eval`."""
    try:
        facts = read_summary(path)
        scores = {name: facts.pop(name) for name in ("checkpoint", "bundle") if name in facts}
        found = (from_plain(EvaluationSummary, facts), from_plain(dict[str, ProtocolScores], scores))
    except (DataError, RecordError):
        return False
    return found == (facts, scores) and bool(scores)


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a summary as JSON, completely or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    write_text(path, json.dumps(summary, indent=2) + "\n")


def read_summary(path: Path) -> Any:
    """Read a summary: a `RunSummary`, `CrossValidationSummary` or `SuiteSummary`, of which only the schema is checked.

    Raises:
        DataError: It is damaged, or of another version.
    """
    try:
        return read_json(path, dict[str, Any], SCHEMA)
    except TooNewError as error:
        fix = "Install the version of mdhr-edge that wrote it, or a newer one."
        raise DataError(f"{path} cannot be read by this version.", str(error), fix) from error
    except RecordError as error:
        raise DataError(f"{path} cannot be read.", str(error), "Remove it, and run the training again.") from error
