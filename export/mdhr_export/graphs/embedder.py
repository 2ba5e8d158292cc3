"""dlib's face recognition network (King 2017) in PyTorch: the only definition of it.

It was trained so that embeddings of one person lie within a distance of 0.6, and those of two people do not. Its layers
are dlib's `anet_type` (tools/python/src/face_recognition.cpp): a ResNet of 29 convolutions.

The weights come from the package `face-recognition-models`, which carries dlib's file of them; they are in the public
domain (CC0). Only that file is read; the package itself, which needs an old setuptools, is not imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mdhr_runtime.contract import EMBEDDINGS
from mdhr_runtime.errors import ExportError

SIDE = 150
"""Height and width in pixels of the images that it takes."""

MEAN = (122.782, 117.001, 104.298)
"""What is subtracted from red, green and blue before they are divided by 256."""

LEVELS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
"""Channels and residual blocks of each level. Every level but the first begins by halving rows and columns."""

FILE = "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"

LAYER = re.compile(rb"\x05con_4|\x07affine_|\x04fc_2\x01\x80\x02\x00\x01")
"""Where the weights of a layer begin in the file: behind its name, the fully connected layer's also behind its size."""


class EmbedderGraph(nn.Module):
    """The network with the published weights.

    The weights are kept in float16, which halves a bundle's file and moves embeddings by less than 0.001; all is
    computed in float32.

    Attributes:
        outputs: Names of what `forward` returns.

    Raises:
        ExportError: The package that carries the weights is not installed, or carries others.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.outputs = (EMBEDDINGS,)
        weights = published_weights()
        self.register_buffer("mean", torch.tensor(MEAN))
        channels, _ = LEVELS[0]
        self.stem = _Convolution(weights, 3, channels, size=7, stride=2)
        blocks = []
        for level, (features, count) in enumerate(LEVELS):
            for number in range(count):
                blocks.append(_Block(weights, channels, features, halve=level > 0 and number == 0))
                channels = features
        self.blocks = nn.Sequential(*blocks)
        self.head = _constant(next(weights).reshape(channels, -1))

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Run the network.

        Args:
            images: (N, 150, 150, 3) uint8, RGB, faces as dlib's `get_face_chip` aligns them.

        Returns:
            (N, 128) float32, not normalised.
        """
        pixels = ((images.float() - self.mean) * (1 / 256)).permute(0, 3, 1, 2)
        features = self.blocks(F.max_pool2d(self.stem(pixels).relu(), 3, 2))
        return (features.mean((2, 3)) @ self.head.float(),)


class _Block(nn.Module):
    """Two convolutions beside a shortcut, both of which may halve rows and columns."""

    def __init__(self, weights: Iterator[Tensor], channels: int, features: int, halve: bool) -> None:
        super().__init__()
        self.first = _Convolution(weights, channels, features, size=3, stride=2 if halve else 1)
        self.second = _Convolution(weights, features, features, size=3, stride=1)
        self.further = features - channels
        self.halve = halve

    def forward(self, maps: Tensor) -> Tensor:
        found = self.second(self.first(maps).relu())
        if self.halve:
            # dlib adds maps of two sizes as if the smaller went on with zeros. Of an even number of rows the
            # convolution, which is not padded, leaves one less than the pooling.
            maps = F.pad(F.avg_pool2d(maps, 2), (0, 0, 0, 0, 0, self.further))
            found = F.pad(found, (0, maps.shape[3] - found.shape[3], 0, maps.shape[2] - found.shape[2]))
        return (found + maps).relu()


class _Convolution(nn.Module):
    """A convolution and the affine map behind it, as one convolution; padded where it keeps rows and columns."""

    def __init__(self, weights: Iterator[Tensor], channels: int, features: int, size: int, stride: int) -> None:
        super().__init__()
        kernel, bias = next(weights).split((features * channels * size * size, features))
        gain, offset = next(weights).split(features)
        self.weight = _constant(kernel.reshape(features, channels, size, size) * gain.reshape(-1, 1, 1, 1))
        self.bias = _constant(bias * gain + offset)
        self.stride, self.padding = stride, size // 2 if stride == 1 else 0

    def forward(self, maps: Tensor) -> Tensor:
        return F.conv2d(maps, self.weight.float(), self.bias.float(), self.stride, self.padding)


def _constant(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.half(), requires_grad=False)


def published_weights() -> Iterator[Tensor]:
    """Read the weights from the installed package, layer by layer from the images on.

    Yields:
        float32 (K,): of a convolution its kernel (outputs, inputs, rows, columns) and then its biases, of an affine map
        its factors and then its offsets, of the fully connected layer its matrix (inputs, outputs).

    Raises:
        ExportError: The package is not installed, or its file is another.
    """
    spec = find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise _unusable("They come from the package `face-recognition-models`, which is not installed.")
    file = Path(spec.submodule_search_locations[0], "models", FILE)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise _unusable(f"{file}: {error.strerror}.") from error
    if sha256(data).hexdigest() != SHA256:
        raise _unusable(f"{file} is not the file that dlib's author published.")
    # dlib's format (dlib/serialize.h): integers are a byte with the number of their bytes, and these, the lowest first.
    # A tensor is the version of its format, four sizes, and float32 values.
    for layer in LAYER.finditer(data):
        position, header = layer.end(), []
        for _ in range(5):
            start, position = position + 1, position + 1 + data[position]
            header.append(int.from_bytes(data[start:position], "little"))
        yield torch.from_numpy(np.frombuffer(data, "<f4", prod(header[1:]), position).copy())


def _unusable(why: str) -> ExportError:
    return ExportError(
        "The weights of the face recognition cannot be read.",
        why,
        "Run `pip install 'mdhr-edge[export]'`, or leave it out with --no-identity.",
    )
