"""Scoring files: a checkpoint, or a bundle, on recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mdhr_runtime
from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import Layout

from ..checkpoints import load_checkpoint
from ..data.clips import ScoringClips
from ..data.recordings import Recording
from .distributed import Group, choose_device
from .epoch import PRECISIONS
from .loading import worker_deaths
from .logging import progress
from .scoring import BundleScorer, NetworkScorer, Scorer, clip_loader, score_clips, score_streams, stream_loader


def checkpoint_scorer(path: Path, layout: Layout, device: str, precision: str) -> tuple[NetworkScorer, int]:
    """Load a checkpoint to score it.

    Args:
        path: The checkpoint, ours or a published one.
        layout: What the data is labelled with.
        device: "auto", "cpu" or "cuda".
        precision: "float32", "bfloat16" or "float16".

    Returns:
        What scores, and the length of the clips that it was trained on.

    Raises:
        CheckpointError: It cannot be read.
        ConfigError: It labels other AUs than the data has, or there is no GPU.
    """
    model = load_checkpoint(path).model
    _require_layout(path, model.config.layout, layout)
    place = choose_device(device)
    return NetworkScorer(model.to(place), place, PRECISIONS[precision]), model.config.clip_frames


def bundle_scorer(path: Path, layout: Layout, provider: str) -> tuple[BundleScorer, int]:
    """Load a bundle to score it; as `checkpoint_scorer`.

    Raises:
        BundleError: It cannot be read.
        ProviderError: The provider is not there.
        ConfigError: It labels other AUs than the data has.
    """
    model = mdhr_runtime.load(path, provider)
    _require_layout(path, model.layout, layout)
    return BundleScorer(model), model.bundle.manifest.clip_frames


def score(
    scorer: Scorer, recordings: Sequence[Recording], layout: Layout, frames: int, batch: int, workers: int, label: str
) -> dict[str, dict[str, Any]]:
    """Score recordings in both protocols; shows progress on stderr.

    Args:
        scorer: What is scored.
        recordings: What it is scored on.
        layout: Names of the AUs.
        frames: Length of a clip.
        batch: Clips at once.
        workers: Processes that read frames.
        label: What the progress bar says.

    Returns:
        `clips` and `stream`, each an `F1Counter.summary`.

    Raises:
        DataError: A frame cannot be read, or a process that reads them died.
    """
    alone, names = Group(0, 1, choose_device("cpu")), layout.au_names
    clips = clip_loader(ScoringClips(recordings, frames), batch, workers, alone)
    streams = stream_loader(recordings, scorer.context, workers, alone)
    with worker_deaths(), progress(f"scoring the {label}", len(clips) + len(streams)) as bar:
        of_clips = score_clips(scorer, clips, len(names), alone, lambda: bar.update(1))
        of_streams = score_streams(scorer, streams, len(names), alone, lambda: bar.update(1))
    return {"clips": of_clips.summary(names), "stream": of_streams.summary(names)}


def lost(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The F1 that is lost from one summary to another: `f1` per AU and `mean_f1`, negative where some was won."""
    return {
        "f1": {name: value - after["f1"][name] for name, value in before["f1"].items()},
        "mean_f1": before["mean_f1"] - after["mean_f1"],
    }


def _require_layout(path: Path, found: Layout, wanted: Layout) -> None:
    if found.aus != wanted.aus:
        raise ConfigError(
            f"{path} cannot be scored on {wanted.name}.",
            f"It labels {' '.join(found.au_names)}, and the data {' '.join(wanted.au_names)}.",
            "Choose the dataset that it was trained on with --dataset.",
        )
