"""ImageNet weights of backbones, from timm's download or from a local file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import timm
import torch
from torch import nn

from mdhr_runtime.errors import ConfigError


def load_features(
    name: str, options: Mapping[str, object], pretrained: bool = False, pretrained_file: Path | None = None
) -> nn.Module:
    """Create a timm model, with random or ImageNet weights.

    Args:
        name: Name of the model.
        options: Arguments for `timm.create_model`.
        pretrained: Whether to load ImageNet weights, which timm downloads.
        pretrained_file: A file to take the weights from instead.

    Raises:
        ConfigError: The weights cannot be had, or the file's are those of another model.
    """
    if pretrained_file is not None:
        return _from_file(name, options, pretrained_file)
    if not pretrained:
        return timm.create_model(name, **options)
    try:
        return timm.create_model(name, pretrained=True, **options)
    except Exception as error:
        # What a failed download raises depends on the hub client and its version.
        raise ConfigError(
            f"The ImageNet weights of {name!r} could not be loaded.",
            f"timm downloads them on first use: {type(error).__name__}: {error}".splitlines()[0],
            "Connect to the network once, give the weights as a local file (--pretrained-file), or train without "
            "--pretrained.",
        ) from error


def _from_file(name: str, options: Mapping[str, object], file: Path) -> nn.Module:
    if not file.is_file():
        raise ConfigError(
            f"There is no file {file} with weights for {name!r}.",
            "It is a folder." if file.is_dir() else "No file has this name.",
            "Check the path.",
        )
    overlay = {"file": str(file), "url": "", "hf_hub_id": None}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what an unknown pickle protocol means is said below
            first, second = (
                timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **options) for _ in range(2)
            )
    except Exception as error:
        # Unpickling raises many kinds, and each model of timm has its own way to convert the names of weights.
        raise _refused(name, file, f"{type(error).__name__}: {error}".splitlines()[0]) from error
    # timm takes what fits and is silent about the rest. What the file does not give stays random, and so differs.
    missing = [key for key, tensor in first.state_dict().items() if not torch.equal(tensor, second.state_dict()[key])]
    if missing:
        raise _refused(name, file, f"It has no weights for {', '.join(missing[:5])}{' …' if missing[5:] else ''}.")
    return first


def _refused(name: str, file: Path, why: str) -> ConfigError:
    return ConfigError(
        f"The weights in {file} are not those of {name!r}.",
        why,
        f"Give the file that timm publishes for {name!r} (model.safetensors on its Hugging Face page), or the state "
        "dict of a timm model of this name.",
    )
