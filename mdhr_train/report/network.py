"""The part of a report that needs the network and the images: the paper's figures 3 and 4 for one run."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

from mdhr_runtime.errors import MdhrError, RunError
from mdhr_runtime.plotting.page import Markup, element

from ..training.run_files import BEST, CONFIG
from .runs import TrainedRun

NO_WEIGHTS = "This network fuses the scales without adaptive weights."
NO_EDGES = "This network has no edges between action units."


class Figures(NamedTuple):
    """The two figures, or a sentence in place of one that cannot be drawn.

    Attributes:
        weights: Adaptive weights per scale.
        edges: Edges between AUs.
        problem: Why the network could not be run, or None.
    """

    weights: Markup
    edges: Markup
    problem: str | None = None


def figures(run: TrainedRun, data: Path | None) -> Figures:
    """Run `best.pt` on frames of the test part and draw what it computes.

    Args:
        run: The run.
        data: Folder of the prepared dataset, or None for the one that the run was trained on.

    Raises:
        MdhrError: `data` was given, and it or the checkpoint cannot be read. Without it a sentence says so in place of
            the figures: a report of a run whose images are gone is still a report.
    """
    try:
        return _figures(run, data or _trained_on(run))
    except MdhrError as error:
        if data is not None:
            raise
        problem = f"{error.what} {error.why}"
        return Figures(_left_out(problem), _left_out(problem), problem)


def _figures(run: TrainedRun, root: Path) -> Figures:
    from ..checkpoints import load_checkpoint
    from ..data.lists import DataWarning, read_fold
    from ..datasets import DATASETS
    from .inside import choose, look_inside
    from .insights import edges, scale_weights

    path, dataset, aus = run.folder / BEST, run.summary["dataset"], tuple(run.summary["aus"])
    model = load_checkpoint(path).model
    layout = model.config.layout
    if layout.au_names != aus:
        raise RunError(
            f"{path} is not of this run.",
            f"It labels {' '.join(layout.au_names)}, the run {' '.join(aus)}.",
            "Copy the run's own checkpoint there.",
        )
    if dataset not in DATASETS:
        raise RunError(
            f"There is no dataset {dataset!r}.", f"This version knows {', '.join(DATASETS)}.", "Add it to DATASETS."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the training has said what there is to say
        fold = read_fold(root, DATASETS[dataset], run.summary["fold"])
    examples = choose(fold, model.config.lookahead)
    insides = [look_inside(model, example.frames, example.index) for example in examples]
    has_weights, has_edges = insides[0].weights is not None, insides[0].attention is not None
    return Figures(
        scale_weights(examples, insides, model.config.scales) if has_weights else _left_out(NO_WEIGHTS),
        edges(examples, insides, layout) if has_edges else _left_out(NO_EDGES),
    )


def _trained_on(run: TrainedRun) -> Path:
    """Folder of the dataset that a run was trained on."""
    from ..training.config_files import read_config

    try:
        root = read_config(run.folder / CONFIG).get("data.root")
        why = f"{run.folder / CONFIG} does not say so."
    except MdhrError as error:
        root, why = None, f"{error.what} {error.why}"
    if not isinstance(root, str):
        raise RunError(
            "Where the run's dataset lies is not known.", why, "Name the folder of the prepared dataset with --data."
        )
    return Path(root)


def _left_out(sentence: str) -> Markup:
    return element("p", f"Left out. {sentence}", class_="notice")
