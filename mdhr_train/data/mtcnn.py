"""MTCNN's three networks (Zhang et al. 2016) in PyTorch: the only definition of them.

The exporter traces them to a bundle's graphs, and datasets are prepared with them before there is any bundle. The
detector around them is the runtime's, `mdhr_runtime.faces.mtcnn`.

The weights come from the `mtcnn` package (MIT), which carries them as lists of NumPy arrays in Keras's order and
layout. Only that data is read; the package itself, which needs TensorFlow, is not imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mdhr_runtime.backends import Graph
from mdhr_runtime.contract import IMAGES, LANDMARKS, OFFSETS, ONET, PNET, RNET, SCORES
from mdhr_runtime.errors import ConfigError
from mdhr_runtime.faces.mtcnn import Mtcnn

TRUNKS = {
    PNET: ("conv", "pool 2", "conv", "conv"),
    RNET: ("conv", "pool 3", "conv", "pool 3", "conv", "dense"),
    ONET: ("conv", "pool 3", "conv", "pool 3", "conv", "pool 2", "conv", "dense"),
}
"""The layers of each network. After every convolution and dense layer comes a PReLU."""

HEADS = {
    PNET: (OFFSETS, SCORES),
    RNET: (OFFSETS, SCORES),
    ONET: (OFFSETS, LANDMARKS, SCORES),
}
"""The linear layers on top of the trunk, one per output."""

SIDES = {PNET: None, RNET: 24, ONET: 48}
"""Height and width in pixels of the images that each network takes; P-Net takes any from 12 on."""


def make_detector(min_face: int) -> Mtcnn:
    """Make a face detector that runs in PyTorch on the CPU.

    Args:
        min_face: Side in pixels of the smallest face to look for.

    Raises:
        ConfigError: The package that carries the weights is not installed.
    """
    pnet, rnet, onet = (as_graph(MtcnnNetwork(name)) for name in (PNET, RNET, ONET))
    return Mtcnn(pnet, rnet, onet, min_face)


def as_graph(network: MtcnnNetwork) -> Graph:
    """Let a network be called like the graph of a bundle: with NumPy arrays by name."""

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            found = network(torch.from_numpy(np.ascontiguousarray(inputs[IMAGES])))
        return {name: values.numpy() for name, values in zip(network.outputs, found, strict=True)}

    return run


class MtcnnNetwork(nn.Module):
    """P-Net, R-Net or O-Net with the published weights.

    The score is the softmax over the two classes "no face" and "face", computed as the sigmoid of their difference.

    Args:
        name: "pnet", "rnet" or "onet".

    Attributes:
        outputs: Names of what `forward` returns.

    Raises:
        ConfigError: The package that carries the weights is not installed, or is another version.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.outputs = HEADS[name]
        stored = published_weights(name)
        layers = sum(not kind.startswith("pool") for kind in TRUNKS[name])
        if len(stored) != 3 * layers + 2 * len(self.outputs):  # a linear map, its bias, and the slopes of a PReLU
            raise _another_version(name)
        weights = (torch.from_numpy(np.array(array)) for array in stored)
        self.trunk = nn.Sequential(*[layer for kind in TRUNKS[name] for layer in _layers(kind, weights)])
        self.heads = nn.ModuleList([_linear(next(weights), next(weights)) for _ in self.outputs])

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Run the network.

        Args:
            images: (N, H, W, 3) uint8, RGB, of the size that `SIDES` gives.

        Returns:
            Outputs in the order of `outputs`, float32: of P-Net maps (N, C, h, w) with one cell for every second pixel
            (h is about (H - 10) / 2), of the others rows (N, C). C is 4 for offsets, 10 for landmarks (five x, then
            five y) and 1 for scores.
        """
        # A division by 128 in another form, which is exact: ONNX Runtime multiplies faster.
        pixels = ((images.float() - 127.5) * (1 / 128)).permute(0, 3, 1, 2)
        features = self.trunk(pixels)
        found = {name: head(features) for name, head in zip(self.outputs, self.heads, strict=True)}
        return tuple(values.sigmoid() if name == SCORES else values for name, values in found.items())


class _ColumnsFirst(nn.Module):
    """Flattens maps (N, C, H, W) as the stored matrices count: columns, then rows, then channels."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 3, 2, 1).flatten(1)


def _layers(kind: str, weights: Iterator[Tensor]) -> list[nn.Module]:
    if kind.startswith("pool"):
        # At the right and lower edge a window may be incomplete.
        return [nn.MaxPool2d(int(kind.split()[1]), 2, ceil_mode=True)]
    layer = _linear(next(weights), next(weights))
    slopes = next(weights).flatten()
    activation = nn.PReLU(len(slopes))
    activation.weight = nn.Parameter(slopes)
    return [*([_ColumnsFirst()] if kind == "dense" else []), layer, activation]


def _linear(kernel: Tensor, bias: Tensor) -> nn.Conv2d | nn.Linear:
    """A convolution from a kernel (height, width, inputs, outputs), a dense layer from a matrix (inputs, outputs)."""
    layer: nn.Conv2d | nn.Linear
    if kernel.ndim == 4:
        height, width, channels, features = kernel.shape
        layer = nn.Conv2d(channels, features, (height, width))
        layer.weight = nn.Parameter(kernel.permute(3, 2, 0, 1).contiguous())
    else:
        layer = nn.Linear(*kernel.shape)
        layer.weight = nn.Parameter(kernel.T.contiguous())
    layer.bias = nn.Parameter(bias)
    return layer


def published_weights(network: str) -> list[np.ndarray]:
    """Read the weights of one network from the installed `mtcnn` package.

    Args:
        network: "pnet", "rnet" or "onet".

    Returns:
        Kernels (height, width, inputs, outputs), matrices (inputs, outputs), biases and PReLU slopes, float32, layer by
        layer. The last kernel or matrix and its bias give the two classes; here they give "face" minus "no face".

    Raises:
        ConfigError: The package, or one that reads its files, is not installed, or is another version.
    """
    spec = find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise _missing("mtcnn", "the face detector's weights come from the package `mtcnn`, which is not installed")
    file = Path(spec.submodule_search_locations[0], "assets", "weights", f"{network}.lz4")
    try:
        import joblib

        *weights, class_kernel, class_bias = joblib.load(file)
    except FileNotFoundError as error:
        raise _another_version(network) from error
    except (ImportError, ValueError) as error:
        raise _missing("joblib", f"the package that reads the face detector's weights is missing: {error}") from error
    return [*weights, *(classes[..., 1:] - classes[..., :1] for classes in (class_kernel, class_bias))]


def _missing(package: str, why: str) -> ConfigError:
    return ConfigError(f"The face detector cannot be made without `{package}`.", why, "pip install 'mdhr-edge[train]'")


def _another_version(network: str) -> ConfigError:
    return ConfigError(
        f"The weights of {network} are not the expected ones.",
        "the installed `mtcnn` package stores its networks differently from version 1.0",
        "pip install 'mtcnn>=1.0,<2'",
    )
