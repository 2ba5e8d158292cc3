"""Reading and writing checkpoint files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mdhr_runtime.errors import CheckpointError, ConfigError
from mdhr_runtime.records import RecordError, from_plain
from mdhr_runtime.targets import Claim

from ..model import MDHR, ModelConfig
from . import published
from .content import FORMAT, read_content, write_content
from .weights import build

SCHEMA = 2
"""Version of the format. It rises when a reader of the old version would misread a new file. 2 added what the network
sees of a crop; those of 1 show it the middle, and are still read."""
LIBRARIES = ("mdhr-edge", "torch", "timm", "numpy")


@dataclass(frozen=True)
class Checkpoint:
    """A model from a checkpoint file.

    Attributes:
        model: The network with its weights, in evaluation mode, on the CPU.
        format: "mdhr", or "published" for a file of the authors' implementation.
        metrics: Measurements of the training; empty for published files.
        versions: Versions of the libraries that wrote it; empty for published files.
        run: Configuration and data of the training; empty where the file does not say.
    """

    model: MDHR
    format: str
    metrics: Mapping[str, Any]
    versions: Mapping[str, str]
    run: Mapping[str, Any] = field(default_factory=dict)


def library_versions() -> dict[str, str]:
    """Versions of the libraries that a training's result depends on."""
    return {library: version(library) for library in LIBRARIES}


def save_checkpoint(
    path: Path | str,
    model: MDHR,
    metrics: Mapping[str, Any] | None = None,
    run: Mapping[str, Any] | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write a model to a file, completely or not at all.

    Args:
        path: The file. An older checkpoint is replaced.
        model: The network.
        metrics: Plain data (numbers, strings, lists, dicts) to keep beside the weights.
        run: Plain data that says how the training was configured and what it learnt from.
        overwrite: Whether any other file is replaced, too.

    Raises:
        OutputError: The file may not be written; see `Claim`.
        CheckpointError: It cannot be written.
    """
    content = {
        "format": FORMAT,
        "schema": SCHEMA,
        "config": model.config.to_dict(),
        "state_dict": model.state_dict(),
        "metrics": dict(metrics or {}),
        "run": dict(run or {}),
        "versions": library_versions(),
    }
    with Claim(Path(path), is_checkpoint, overwrite=overwrite):
        write_content(path, content)


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a whole checkpoint of `save_checkpoint`."""
    try:
        content = read_content(path)
    except CheckpointError:
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT and "state_dict" in content


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Load a checkpoint of either format; the format is recognised.

    Nothing in the file is executed: only tensors and plain data are unpickled.

    Args:
        path: File written by `save_checkpoint` or by the authors' implementation.

    Raises:
        CheckpointError: There is no such file, it is no checkpoint, it is damaged or holds code, or its weights fit
            no MDHR network.
    """
    path = Path(path)
    content = read_content(path)
    if isinstance(content, dict) and content.get("format") == FORMAT:
        return _load_own(path, content)
    return Checkpoint(published.load(path, _state_dict(path, content)), "published", {}, {})


@dataclass(frozen=True)
class _Description:
    """What a file of our own says beside its weights; see `save_checkpoint`. Only the model must be described."""

    config: ModelConfig
    metrics: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)


def _load_own(path: Path, content: Mapping[str, Any]) -> Checkpoint:
    if content.get("schema") not in range(1, SCHEMA + 1):
        raise CheckpointError(
            f"{path} cannot be read by this version.",
            f"It has checkpoint schema {content.get('schema')}; this version reads up to {SCHEMA}.",
            "Install the version of mdhr-edge that wrote it, or a newer one.",
        )
    try:
        description = {name: value for name, value in content.items() if name != "state_dict"}
        described: _Description = from_plain(_Description, description, "Its description")
    except (RecordError, ConfigError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint.",
            str(error) if isinstance(error, RecordError) else f"{error.what} {error.why}",
            "Write the checkpoint again with mdhr-train.",
        ) from error
    model = build(path, described.config, _state_dict(path, content))
    return Checkpoint(model, FORMAT, described.metrics, described.versions, described.run)


def _state_dict(path: Path, content: Any) -> dict[str, Tensor]:
    """The weights in a file: {"state_dict": …} or the state dict itself."""
    weights = content.get("state_dict", content) if isinstance(content, dict) else None
    if isinstance(weights, dict) and all(isinstance(key, str) and _is_array(each) for key, each in weights.items()):
        return weights
    raise CheckpointError(
        f"{path} is not an MDHR checkpoint.",
        "It holds neither a checkpoint of mdhr-train nor a state_dict of tensors.",
        "Give a file that mdhr-train or the authors' implementation wrote.",
    )


def _is_array(value: Any) -> bool:
    """Whether a value is a tensor that holds all its numbers: no sparse one, and none that repeats a few."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.numel() * value.element_size() <= value.untyped_storage().nbytes()
    )
