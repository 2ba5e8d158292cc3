"""Cross-validation: a run per fold, and the mean over them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mdhr_runtime.cli.console import spoken_warnings
from mdhr_runtime.errors import CheckpointError

from ..data.lists import DataWarning
from ..datasets import DATASETS
from .config import RunConfig
from .config_files import differences, read_config
from .distributed import Group
from .job import Job
from .loop import train
from .material import from_dataset
from .run_files import CONFIG, SCHEMA, SUMMARY, read_summary, write_summary

PROTOCOLS = ("clips", "stream")


def fit_fold(config: RunConfig, folder: Path, group: Group, resume: bool = False) -> dict[str, Any]:
    """Train one fold of a prepared dataset; see `mdhr_train.training.loop.train`."""
    frames = config.model_config(DATASETS[config.data.dataset].layout).clip_frames
    with _said_once(group):
        material = from_dataset(config, frames)
    return train(Job(config, material, group, folder), resume)


def cross_validate(config: RunConfig, folder: Path, group: Group) -> dict[str, Any]:
    """Train and score every fold; finished ones are not trained again, and one that was killed goes on.

    Args:
        config: The runs'; its fold is not used.
        folder: Gets `fold1`, `fold2`, `fold3` and summary.json.
        group: The processes that train together.

    Returns:
        The summary: mean F1 and F1 per AU over the folds in the paper's protocol, the folds' counts, and the same of
        whole recordings under `stream`.

    Raises:
        MdhrError: As `train` does; or a finished fold belongs to another configuration.
    """
    summaries = {}
    folds = DATASETS[config.data.dataset].folds
    for fold in folds:
        run = folder / f"fold{fold}"
        of_fold = replace(config, data=replace(config.data, fold=fold))
        finished = (run / SUMMARY).is_file()
        if finished:
            _require_same(run, of_fold)
        summaries[fold] = read_summary(run / SUMMARY) if finished else fit_fold(of_fold, run, group, resume=True)
    first = summaries[folds[0]]
    protocols = {name: {fold: summary["best"][name] for fold, summary in summaries.items()} for name in PROTOCOLS}
    summary = {
        "schema": SCHEMA,
        "dataset": first["dataset"],
        "folds": list(folds),
        **mean_over_folds(protocols["clips"], first["aus"]),
        "stream": mean_over_folds(protocols["stream"], first["aus"]),
    }
    if group.leads:
        write_summary(folder / SUMMARY, summary)
    group.wait()
    return summary


def mean_over_folds(folds: Mapping[int, Mapping[str, Any]], aus: Sequence[str]) -> dict[str, Any]:
    """Means over folds of the mean F1 and of the F1 per AU, and what the folds had."""
    return {
        "mean_f1": sum(fold["mean_f1"] for fold in folds.values()) / len(folds),
        "f1": {name: sum(fold["f1"][name] for fold in folds.values()) / len(folds) for name in aus},
        "per_fold": {str(number): fold for number, fold in folds.items()},
    }


@contextmanager
def _said_once(group: Group) -> Iterator[None]:
    """Let one process tell what is peculiar about the data."""
    if group.leads:
        with spoken_warnings():
            yield
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            yield


def _require_same(run: Path, config: RunConfig) -> None:
    """Refuse to take a finished fold for one of another configuration."""
    wanted = config.to_dict()
    done = read_config(run / CONFIG)
    different = [line for line in differences(done, wanted) if not line.startswith(("compute.", "data.root"))]
    if different:
        raise CheckpointError(
            f"{run} is a finished run of another configuration.",
            f"What differs is {'; '.join(different[:5])}.",
            "Give the options of that run, or another --out.",
        )
