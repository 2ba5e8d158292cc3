"""Convolutions whose kernel is their stride, as ONNX's SpaceToDepth and a 1×1 convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from onnxscript import opset18 as onnx_operators
from torch import Tensor, nn

from mdhr_train.model.patches import PatchConv2d, whole_patches

Network = TypeVar("Network", bound=nn.Module)


@torch.library.custom_op("mdhr::space_to_depth", mutates_args=())
def space_to_depth(x: Tensor, side: int) -> Tensor:
    """Lay the pixels of patches side by side: (F, C, H, W) to (F, side²·C, H / side, W / side), positions first."""
    # PyTorch's own has the channels first; it would be written as a reshape, a slow transposition and a reshape.
    return F.pixel_unshuffle(x, side).unflatten(1, (x.shape[1], -1)).transpose(1, 2).flatten(1, 2).contiguous()


@space_to_depth.register_fake
def _(x: Tensor, side: int) -> Tensor:
    frames, channels, height, width = x.shape
    return x.new_empty(frames, side * side * channels, height // side, width // side)


TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.ops.mdhr.space_to_depth.default: lambda x, side: onnx_operators.SpaceToDepth(x, blocksize=side),
}
"""Operators of PyTorch → how they are written in ONNX."""


class PatchProduct(nn.Module):
    """A convolution whose kernel is its stride, as `PatchConv2d`.

    Args:
        weight: (out, C, side, side).
        bias: (out,), or None.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.side = weight.shape[-1]
        self.register_buffer("weight", weight.detach().movedim(1, -1).flatten(1)[..., None, None].contiguous())
        self.register_buffer("bias", None if bias is None else bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """Map (F, C, H, W) to (F, out, H / side, W / side)."""
        patches = space_to_depth(whole_patches(x, self.side), self.side) if self.side > 1 else x
        return F.conv2d(patches, self.weight, self.bias)


def with_space_to_depth(network: Network) -> Network:
    """Put a `PatchProduct` in place of every `PatchConv2d`; changes the network in place and returns it."""
    for name, module in list(network.named_modules()):
        if isinstance(module, PatchConv2d):
            network.set_submodule(name, PatchProduct(module.weight, module.bias))
    return network
