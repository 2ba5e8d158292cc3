"""The golden vectors: their weights, which follow from a rule, and their frames and scores."""

import json
import zlib
from math import prod
from pathlib import Path

import numpy as np
import torch

KEPT = ("num_batches_tracked", "relative_position_index", "attn_mask")


def rule_tensor(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The weights of one key."""
    z = np.random.RandomState(zlib.crc32(key.encode()) & 0xFFFFFFFF).standard_normal(shape).astype(np.float32)
    last = key.rsplit(".", 1)[-1]
    if last == "running_var":
        return 1 + 0.2 * np.abs(z)
    if last == "running_mean":
        return 0.1 * z
    if last == "bias":
        return 0.05 * z
    if last == "weight" and len(shape) == 1:
        return 1 + 0.1 * z
    if len(shape) >= 2:
        return (z * np.sqrt(2 / prod(shape[1:]))).astype(np.float32)
    return 0.05 * z


def published_weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    """A state dict in the published form, without the integer buffers' values (zeros stand for them)."""
    shapes = json.loads((folder / f"{name}_keys.json").read_text())
    weights = {
        key: torch.zeros(shape) if any(k in key for k in KEPT) else torch.from_numpy(rule_tensor(key, tuple(shape)))
        for key, shape in shapes.items()
    }
    vectors = folder / f"{name}.npz"
    if vectors.exists():
        with np.load(vectors) as data:
            for key in data.files:
                if key.startswith("override/"):
                    weights[key.removeprefix("override/")] = torch.from_numpy(data[key])
    return weights


def save_published(folder: Path, name: str, path: Path) -> None:
    """Write a checkpoint as the authors' implementation does."""
    weights = {f"module.{key}": tensor for key, tensor in published_weights(folder, name).items()}
    torch.save({"epoch": 12, "state_dict": weights, "optimizer": {"state": {}, "param_groups": []}}, path)
