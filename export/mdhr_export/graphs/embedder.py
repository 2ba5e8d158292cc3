"""dlib's face recognition network (King 2017) in PyTorch: aligned faces to embeddings of who they show.

Two pictures of one person have embeddings closer than 0.6; the loss that it was trained with says so. The network is
dlib's `anet_type` (tools/python/src/face_recognition.cpp): a ResNet of 29 convolutions on 150 × 150 pixels.

The weights come from the package `face-recognition-models`, which carries dlib's file; they are in the public domain
(CC0). Only that file is read; the package itself, which needs an old setuptools, is not imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mdhr_runtime.contract import EMBEDDINGS
from mdhr_runtime.errors import ConfigError

SIDE = 150
"""Height and width in pixels of the images that it takes."""

MEAN, SCALE = (122.782, 117.001, 104.298), 1 / 256
"""What is subtracted from the colours red, green and blue, and what the rest is multiplied with."""

LEVELS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
"""Channels and residual blocks of each level. The first block of every level but the first halves the resolution."""

FILE = "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"


class EmbedderNetwork(nn.Module):
    """dlib's face recognition network with its weights.

    Attributes:
        outputs: Names of what `forward` returns.

    Raises:
        ConfigError: The package that carries the weights is not installed, or carries others.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.outputs = (EMBEDDINGS,)
        weights = published_weights()
        self.register_buffer("mean", torch.tensor(MEAN))
        self.stem = _convolution(weights, 3, 32, size=7, stride=2)
        blocks, channels = [], 32
        for level, (features, count) in enumerate(LEVELS):
            for number in range(count):
                blocks.append(_Block(weights, channels, features, halve=level > 0 and number == 0))
                channels = features
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Parameter(next(weights).reshape(channels, -1))

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Run the network.

        Args:
            images: (N, 150, 150, 3) uint8, RGB, faces as dlib's `get_face_chip` aligns them.

        Returns:
            (N, 128) float32, not normalised.
        """
        pixels = ((images.float() - self.mean) * SCALE).permute(0, 3, 1, 2)
        features = self.blocks(F.max_pool2d(self.stem(pixels).relu(), 3, 2))
        return (features.mean((2, 3)) @ self.head,)


class _Block(nn.Module):
    """Two convolutions beside a shortcut; if it is to `halve`, both leave half of the rows and columns."""

    def __init__(self, weights: Iterator[Tensor], channels: int, features: int, halve: bool) -> None:
        super().__init__()
        self.first = _convolution(weights, channels, features, size=3, stride=2 if halve else 1)
        self.second = _convolution(weights, features, features, size=3, stride=1)
        self.added = features - channels
        self.halve = halve

    def forward(self, maps: Tensor) -> Tensor:
        found = self.second(self.first(maps).relu())
        if self.halve:
            maps = F.avg_pool2d(maps, 2)
            # dlib adds what differs in size as if the smaller one went on with zeros: a convolution without padding
            # leaves a row and a column less of an even number than the pooling does.
            rows, columns = (maps.shape[axis] - found.shape[axis] for axis in (2, 3))
            found = F.pad(found, (0, columns, 0, rows))
            maps = F.pad(maps, (0, 0, 0, 0, 0, self.added))
        return (found + maps).relu()


def _convolution(weights: Iterator[Tensor], channels: int, features: int, size: int, stride: int) -> nn.Conv2d:
    """A convolution with the affine map behind it folded in. dlib pads where the stride is 1."""
    kernel, bias = next(weights).split((features * channels * size * size, features))
    gain, offset = next(weights).split((features, features))
    layer = nn.Conv2d(channels, features, size, stride, padding=size // 2 if stride == 1 else 0)
    layer.weight = nn.Parameter(kernel.reshape(features, channels, size, size) * gain.reshape(-1, 1, 1, 1))
    layer.bias = nn.Parameter(bias * gain + offset)
    return layer


def published_weights() -> Iterator[Tensor]:
    file = Path(find_spec("face_recognition_models").submodule_search_locations[0], "models", FILE)
    data = file.read_bytes()
    assert sha256(data).hexdigest() == SHA256
    for layer in re.finditer(rb"\x01(\x05con_4|\x07affine_|\x04fc_2\x01\x80\x02\x00\x01)", data):
        sizes, start = _integers(data, layer.end(), 5)
        yield torch.from_numpy(np.frombuffer(data, "<f4", int(np.prod(sizes[1:])), start).copy())


def _integers(data: bytes, position: int, count: int) -> tuple[list[int], int]:
    values = []
    for _ in range(count):
        length = data[position]
        values.append(int.from_bytes(data[position + 1 : position + 1 + length], "little"))
        position += 1 + length
    return values, position
