"""Reading and writing checkpoint files."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mdhr_runtime.errors import CheckpointError
from mdhr_runtime.files import staged, told
from mdhr_runtime.records import from_plain

from ..model import MDHR, ModelConfig
from . import published
from .weights import load_weights

FORMAT = "mdhr"
SCHEMA = 1
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
) -> None:
    """Write a model to a file, completely or not at all.

    Args:
        path: The file, replaced if it exists.
        model: The network.
        metrics: Plain data (numbers, strings, lists, dicts) to keep beside the weights.
        run: Plain data that says how the training was configured and what it learnt from.

    Raises:
        CheckpointError: The file cannot be written.
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
    write_content(path, content)


def write_content(path: Path | str, content: Mapping[str, Any]) -> None:
    """Write tensors and plain data to a file, completely or not at all.

    Raises:
        CheckpointError: The file cannot be written.
    """
    fix = "Choose a folder that exists, can be written and has room."
    with told(f"The checkpoint {path}", CheckpointError, fix), staged(Path(path)) as stage:
        try:
            torch.save(content, stage)
        except RuntimeError as error:  # so PyTorch reports a full disk
            raise OSError(str(error).splitlines()[0]) from error


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


def read_content(path: Path) -> Any:
    """Read what `torch.save` wrote, without running any code in it.

    Raises:
        CheckpointError: There is no such file, it is damaged or holds code.
    """
    if not path.is_file():
        raise CheckpointError(
            f"There is no checkpoint {path}.",
            "It is a folder." if path.is_dir() else "No file has this name.",
            "Check the path.",
        )
    try:
        with warnings.catch_warnings():
            # An unknown pickle protocol becomes an error below.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        if wanted or _is_bare_pickle(path):
            raise CheckpointError(
                f"{path} was refused.",
                f"It asks for {wanted[1] if wanted else 'objects'} besides tensors and plain data, so loading it could "
                "run code. Nothing of it was run.",
                "Get the file from a source that you trust, and save its state_dict alone with torch.save.",
            ) from error
        raise _no_checkpoint(path) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise _no_checkpoint(path) from error


def _is_bare_pickle(path: Path) -> bool:
    """Whether a file is a pickle that torch.save did not write; torch.save writes zip archives, or protocol 2."""
    with path.open("rb") as file:
        protocol = file.read(2)
    return protocol[:1] == pickle.PROTO and protocol[1:] > b"\x02"


def _no_checkpoint(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read as a checkpoint.",
        f"It is another kind of file, or truncated; it has {path.stat().st_size} bytes.",
        "Copy or download the file again, and compare its size with the original's.",
    )


def _load_own(path: Path, content: Mapping[str, Any]) -> Checkpoint:
    if content.get("schema") != SCHEMA:
        raise CheckpointError(
            f"{path} cannot be read by this version.",
            f"It has checkpoint schema {content.get('schema')}; this version reads schema {SCHEMA}.",
            "Install the version of mdhr-edge that wrote it, or a newer one.",
        )
    try:
        config: ModelConfig = from_plain(ModelConfig, content["config"], "Its configuration")
        weights, metrics, versions = content["state_dict"], content["metrics"], content["versions"]
        run = content.get("run", {})  # files from before runs were described have none
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not complete.",
            f"Its description of the model cannot be read ({type(error).__name__}: {error}).",
            "Write the checkpoint again with mdhr-train.",
        ) from error
    model = MDHR(config)
    load_weights(path, model, weights)
    return Checkpoint(model.eval(), FORMAT, metrics, versions, run)


def _state_dict(path: Path, content: Any) -> dict[str, Tensor]:
    """The weights in a file that is not of our own format: {"state_dict": …} or the state dict itself."""
    weights = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise CheckpointError(
            f"{path} is not an MDHR checkpoint.",
            "It holds neither a checkpoint of mdhr-train nor a state_dict of tensors.",
            "Give a file that mdhr-train or the authors' implementation wrote.",
        )
    return weights
