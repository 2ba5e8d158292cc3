"""What happens inside the network for a frame: the weights of the scales and the attention between AUs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..model import MDHR, normalise


@dataclass(frozen=True, eq=False)
class Inside:
    """What the network computes for one frame.

    Attributes:
        scores: float32 (N,).
        weights: float32 (L, 7, 7), the adaptive weights of the L scales (eq. 4), which sum to one over them. None where
            the network has none.
        attention: float32 (N, N): [n, m] is the weight α of the edge m→n (eq. 9), 0 where there is none. None where the
            network has no edges.
    """

    scores: np.ndarray
    weights: np.ndarray | None
    attention: np.ndarray | None


@torch.inference_mode()
def look(model: MDHR, frames: np.ndarray, index: int) -> Inside:
    """Run the network on a clip and keep what it computes for one of its frames.

    Args:
        model: The network, in evaluation mode.
        frames: uint8 (T, 224, 224, 3), RGB.
        index: The frame.
    """
    with results_of(model.dynamics, "scale_weights") as weights, results_of(model.cross, "attention") as attention:
        output = model(normalise(torch.from_numpy(frames))[None])
    return Inside(output.scores[0, index].float().numpy(), _of_frame(weights, index), _of_frame(attention, index))


def _of_frame(results: list[Tensor], index: int) -> np.ndarray | None:
    return results[0][index].float().numpy() if results else None


@contextmanager
def results_of(module: nn.Module, method: str) -> Iterator[list[Any]]:
    """Keep what a method of a module returns, as a forward hook does for `forward`.

    Args:
        module: The module.
        method: Name of the method. Variants of a module may lack it; then there are no results.

    Yields:
        The results, in the order of the calls inside the block.
    """
    results: list[Any] = []
    original = getattr(module, method, None)
    if original is None:
        yield results
        return

    def recorded(*arguments: Any) -> Any:
        results.append(original(*arguments))
        return results[-1]

    setattr(module, method, recorded)
    try:
        yield results
    finally:
        delattr(module, method)  # the class's own shows again
