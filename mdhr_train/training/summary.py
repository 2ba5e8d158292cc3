"""What a run leaves behind in words and figures: summary.json, and tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from mdhr_runtime.cli.console import table

from ..checkpoints.files import library_versions
from .run_files import SCHEMA, RunSummary

if TYPE_CHECKING:
    from .job import Job
    from .state import TrainingState


def run_summary(job: Job, state: TrainingState, clips: Any, stream: Any) -> RunSummary:
    """The content of a run's summary.json.

    Args:
        job: The run.
        state: At its end.
        clips: `F1Counter.summary` of the best epoch on consecutive clips.
        stream: The same on whole recordings, or None.
    """
    data, layout, device = job.config.data, job.material.layout, job.group.device
    return {
        "schema": SCHEMA,
        "dataset": data.dataset,
        "layout": layout.name,
        "fold": data.fold,
        "backbone": state.model.config.backbone,
        "clip_frames": state.model.config.clip_frames,
        "aus": list(layout.au_names),
        "parameters": sum(parameter.numel() for parameter in state.model.parameters()),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "validated_on": data.validate,
        "epochs": state.epochs,
        "best": {"epoch": state.best[0], "clips": clips, "stream": stream},
        "data": job.material.facts,
        "versions": library_versions(),
    }


def f1_table(aus: Sequence[str], columns: Mapping[str, Mapping[str, Any]], digits: int = 3) -> str:
    """A table of F1 per AU, the last line their mean.

    Args:
        aus: Names of the AUs.
        columns: By title, anything with `f1` by AU and `mean_f1`.
        digits: Decimal places.
    """
    rows = [(name, *(f"{column['f1'][name]:.{digits}f}" for column in columns.values())) for name in aus]
    mean = ("mean", *(f"{column['mean_f1']:.{digits}f}" for column in columns.values()))
    return table(("AU", *columns), [*rows, mean])
