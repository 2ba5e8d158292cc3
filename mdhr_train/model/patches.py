"""Convolutions whose kernel is their stride: every pixel of the input is in one patch."""

from __future__ import annotations

from typing import TypeVar

import torch.nn.functional as F
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class PatchConv2d(nn.Conv2d):
    """A convolution whose kernel is its stride, computed as a 1×1 convolution over the pixels of each patch.

    These are the same sums with the same parameters, and right on every processor. The plain form is not: oneDNN
    computes it wrongly, without a word, in bfloat16 with AMX for fewer than 32 input channels.

    Args:
        in_channels: Channels C of the input.
        out_channels: Channels of the output.
        side: Side of a patch.
    """

    def __init__(self, in_channels: int, out_channels: int, side: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=side, stride=side)

    def forward(self, x: Tensor) -> Tensor:
        """Map (F, C, H, W) to (F, out_channels, H / side, W / side)."""
        side = self.kernel_size[0]
        patches = F.pixel_unshuffle(whole_patches(x, side), side)
        return F.conv2d(patches, self.weight.flatten(1)[..., None, None], self.bias)


def whole_patches(x: Tensor, side: int) -> Tensor:
    """Leave out the rows and columns of (F, C, H, W) that no whole patch has, as a convolution does."""
    height, width = (size // side * side for size in x.shape[-2:])
    return x[..., :height, :width]


def by_patches(network: Network) -> Network:
    """Make every convolution of a network whose kernel is its stride a `PatchConv2d`, in place; returns the network."""
    for module in network.modules():
        if type(module) is nn.Conv2d and _has_patches(module):
            module.__class__ = PatchConv2d  # which has no state of its own
    return network


def _has_patches(conv: nn.Conv2d) -> bool:
    """Whether a convolution cuts its input into squares of more than one pixel."""
    side = conv.kernel_size[0]
    plain = (conv.padding, conv.dilation, conv.groups) == ((0, 0), (1, 1), 1)
    return plain and side > 1 and conv.kernel_size == conv.stride == (side, side)
