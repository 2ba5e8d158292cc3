"""Convolutions whose kernel is their stride: every pixel of the input is in one patch."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class PatchConv2d(nn.Conv2d):
    """A convolution whose kernel is its stride, computed as a 1×1 convolution over the pixels of each patch.

    These are the same sums with the same parameters, and right on every processor. The plain form is not: oneDNN
    computes it wrongly, without a word, in bfloat16 with AMX for fewer than 32 input channels.
    """

    def __init__(self, in_channels: int, out_channels: int, side: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=side, stride=side)

    def forward(self, x: Tensor) -> Tensor:
        """Map (F, C, H, W) to (F, out_channels, H / side, W / side)."""
        patches = cut(x, self.kernel_size[0]).permute(0, 1, 3, 5, 2, 4).flatten(1, 3)
        return F.conv2d(patches, self.weight.flatten(1)[..., None, None], self.bias)


def cut(x: Tensor, side: int) -> Tensor:
    """View (F, C, H, W) as patches (F, C, H / side, side, W / side, side), without rows and columns that are left over.

    `torch.pixel_unshuffle` refuses what is left over, and does nothing to no frames.
    """
    rows, columns = (size // side for size in x.shape[-2:])
    return x[..., : rows * side, : columns * side].unflatten(3, (columns, side)).unflatten(2, (rows, side))


def by_patches(network: nn.Module) -> nn.Module:
    """Make every convolution of a network whose kernel is its stride a `PatchConv2d`, in place; returns the network."""
    for conv in network.modules():
        if (
            type(conv) is nn.Conv2d
            and len({*conv.kernel_size, *conv.stride}) == 1
            and conv.kernel_size > (1, 1)
            and (conv.padding, conv.dilation, conv.groups) == ((0, 0), (1, 1), 1)
        ):
            conv.__class__ = PatchConv2d  # which has no state of its own
    return network
