"""Building a network with named weights, or saying clearly why they do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from mdhr_runtime.errors import CheckpointError, ConfigError

from ..model import MDHR, ModelConfig

SHOWN = 5
"""Number of names of each kind that an error lists."""


def build(
    path: Path, config: ModelConfig, weights: Mapping[str, Tensor], name: Callable[[str], str] = lambda key: key
) -> MDHR:
    """Build a network with weights that must fit it exactly.

    Args:
        path: The file they come from, for error messages.
        config: The network's configuration.
        weights: One tensor per key of the model's state dict, in any floating point.
        name: Says how the file calls a key of the model.

    Returns:
        The network in evaluation mode, in float32, on the CPU.

    Raises:
        CheckpointError: There is no such network; or keys are missing, unexpected, or of another shape or type; the
            first five of each are named. Or a weight is not a finite number.
    """
    expected = skeleton(path, config).state_dict()
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
    rounded = [
        f"{name(key)} ({str(weights[key].dtype).removeprefix('torch.')})"
        for key, tensor in expected.items()
        if tensor.is_floating_point() and not weights[key].is_floating_point()
    ]
    if rounded:
        raise CheckpointError(
            f"The weights in {path} are quantised.",
            _first("no floating point", rounded),
            "Give the checkpoint from before it was quantised; mdhr-export makes models small.",
        )
    broken = [
        f"{name(key)} ({found} of {weights[key].numel():,})" for key in expected if (found := _not_finite(weights[key]))
    ]
    if broken:
        raise CheckpointError(
            f"The weights in {path} are not all numbers.",
            _first("not finite", broken),
            "Give a checkpoint from before the training diverged; a smaller learning rate avoids it.",
        )
    model = MDHR(config)  # only now: what the file does not hold is not made room for
    model.load_state_dict(weights)
    return model.eval()


def skeleton(path: Path, config: ModelConfig) -> MDHR:
    """The network without memory for its weights, which have names and shapes alone.

    Args:
        path: The file that describes it, for error messages.
        config: Its configuration.

    Raises:
        CheckpointError: There is no such network.
    """
    try:
        with torch.device("meta"):
            return MDHR(config)
    except (ConfigError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} describes a network that cannot be built.",
            f"{error.what} {error.why}" if isinstance(error, ConfigError) else str(error).splitlines()[0],
            "Write the checkpoint again with mdhr-train.",
        ) from error


def _not_finite(tensor: Tensor) -> str:
    """How many numbers are none in float32: "3 NaN and 1 infinite of 64"; empty where all are."""
    numbers = tensor.float()
    if numbers.isfinite().all():
        return ""
    counts = {"NaN": int(numbers.isnan().sum()), "infinite": int(numbers.isinf().sum())}
    return " and ".join(f"{count:,} {what}" for what, count in counts.items() if count) + f" of {tensor.numel():,}"


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
