"""Putting named weights into a network, or saying clearly why they do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from torch import Tensor, nn

from mdhr_runtime.errors import CheckpointError

SHOWN = 5
"""Number of names of each kind that an error lists."""


def load_weights(
    path: Path, model: nn.Module, weights: Mapping[str, Tensor], name: Callable[[str], str] = lambda key: key
) -> None:
    """Load weights that must fit the model exactly.

    Args:
        path: The file they come from, for error messages.
        model: Receives the weights.
        weights: One tensor per key of the model's state dict.
        name: Says how the file calls a key of the model.

    Raises:
        CheckpointError: Keys are missing, unexpected, or of another shape; the first five of each are named.
    """
    expected = model.state_dict()
    missing = [name(key) for key in expected if key not in weights]
    unexpected = [name(key) for key in weights if key not in expected]
    if missing or unexpected:
        raise mismatch(path, missing, unexpected)
    misshapen = [
        f"{name(key)} {tuple(weights[key].shape)} instead of {tuple(tensor.shape)}"
        for key, tensor in expected.items()
        if weights[key].shape != tensor.shape
    ]
    if misshapen:
        raise CheckpointError(
            f"The weights in {path} have other shapes than the model.",
            _first("different", misshapen),
            "Check which configuration the checkpoint was trained with.",
        )
    model.load_state_dict(weights)


def mismatch(path: Path, missing: Iterable[str], unexpected: Iterable[str]) -> CheckpointError:
    """An error that names the first five missing and unexpected keys."""
    return CheckpointError(
        f"The weights in {path} are not those of an MDHR model.",
        f"{_first('missing', list(missing))}; {_first('unexpected', list(unexpected))}",
        "Give a checkpoint of mdhr-train, or of the authors' implementation with ResNet-50 or Swin-B.",
    )


def _first(kind: str, names: list[str]) -> str:
    shown = ", ".join(names[:SHOWN]) or "none"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{kind}: {shown}{more}"
