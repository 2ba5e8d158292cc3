"""A finished training run as mdhr-train leaves it, small and with random weights."""

import json
from pathlib import Path

import numpy as np
import torch
import yaml

from mdhr_train.checkpoints import save_checkpoint
from mdhr_train.datasets import BP4D
from mdhr_train.metrics import ScoreHistogram
from mdhr_train.model import MDHR, ModelConfig
from mdhr_train.model.variants import rows
from mdhr_train.training.crossval import folder_name, mean_over_folds

AUS = BP4D.au_names


def write_run(folder: Path, data: Path, fold: int = 1, epochs: int = 12, **model) -> Path:
    """A run of a fold, trained on `data`, with a network of the configuration `model`; returns its folder."""
    folder.mkdir(parents=True)
    torch.manual_seed(fold)
    sizes = {"backbone": "resnet10t", "node_features": 16, "dynamics_channels": 16}
    save_checkpoint(folder / "best.pt", MDHR(ModelConfig(BP4D, **{**sizes, **model})))
    (folder / "config.yaml").write_text(yaml.safe_dump({"data": {"root": str(data), "dataset": "bp4d", "fold": fold}}))
    (folder / "summary.json").write_text(json.dumps(summary(fold, epochs)))
    return folder


def write_crossval(folder: Path, data: Path) -> Path:
    """A cross-validation over three folds; returns its folder."""
    for fold in (1, 2, 3):
        write_run(folder / f"fold{fold}", data, fold)
    means = mean_over_folds({fold: summary(fold, 1)["best"]["clips"] for fold in (1, 2, 3)}, AUS)
    content = {"schema": 1, "dataset": "bp4d", "folds": [1, 2, 3], **means, "stream": means}
    (folder / "summary.json").write_text(json.dumps(content))
    return folder


def write_suite(folder: Path, data: Path, suite: str = "table4") -> Path:
    """A suite of which the first two networks are still there; returns its folder."""
    table = [
        {"label": row.label, "folder": folder_name(row), "mean_f1": 0.5, "stream_mean_f1": 0.25, "paper": row.paper}
        for row in rows(suite)
    ]
    for row in table[:2]:
        write_crossval(folder / row["folder"], data)
    content = {"schema": 1, "suite": suite, "dataset": "bp4d", "rows": table}
    (folder / "summary.json").write_text(json.dumps(content))
    return folder


def summary(fold: int, epochs: int) -> dict:
    """What summary.json holds, with invented results."""
    rng = np.random.default_rng(fold)
    progress = [epoch / epochs for epoch in range(1, epochs + 1)]
    return {
        "schema": 1,
        "dataset": "bp4d",
        "layout": "BP4D",
        "fold": fold,
        "backbone": "resnet10t",
        "clip_frames": 16,
        "aus": list(AUS),
        "parameters": 5_400_000,
        "device": "cpu",
        "validated_on": "test",
        "epochs": [
            {
                "epoch": index + 1,
                "loss": 0.9 - 0.6 * part + 0.03 * rng.standard_normal(),
                "loss_au": 0.85 - 0.6 * part,
                "loss_sub": 5 - 3 * part,
                "lr": 5e-5 * (1 + np.cos(np.pi * part)),
                "seconds": 61.5,
                "waiting_share": 0.02 + 0.01 * rng.random(),
                # Validated in every second epoch.
                "validation": {"mean_f1": 0.62 * part**0.4, "f1": dict.fromkeys(AUS, 0.5)} if index % 2 else None,
            }
            for index, part in enumerate(progress)
        ],
        "best": {"epoch": epochs, "clips": invented_scores(rng), "stream": invented_scores(rng)},
        "data": {
            "fingerprint": "0f" * 32,
            "recorded": True,
            "train_recordings": 2,
            "test_recordings": 1,
            "train_frames": 40,
            "test_frames": 20,
            "train_subjects": 2,
            "test_subjects": 5,
            "origin": "coded by hand",
            "soft": False,
            "prevalence": dict.fromkeys(AUS, 0.25) | {"AU02": 0.01, "AU24": 0.0},
        },
        "versions": {"mdhr-edge": "0.1.0", "torch": "2.8.0"},
    }


def invented_scores(rng: np.random.Generator, subjects: int = 5, frames: int = 80) -> dict:
    """Summary of invented scores of as many subjects."""
    labels = (rng.random((subjects, frames, len(AUS))) < rng.random((subjects, 1, len(AUS)))).astype(np.int8)
    scores = np.clip(0.35 + 0.3 * labels + 0.25 * rng.standard_normal(labels.shape), 0, 1)
    names = [f"F{row:03d}" for row in range(1, subjects + 1)]
    found = ScoreHistogram(len(AUS), names)
    found.update(scores, labels, names)
    return found.summary(AUS)
