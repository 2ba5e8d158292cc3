"""Convolutions whose kernel is their stride, as ONNX's SpaceToDepth and a 1×1 convolution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mdhr_train.model.patches import PatchConv2d, cut


class PatchProduct(nn.Module):
    """A `PatchConv2d` of weight (out, C, side, side) and bias (out,), or None, in the order of SpaceToDepth.

    That has the position in a patch before the channel. The other order is a transposition in ONNX, which is slower.
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
        if self.side == 1:
            return F.conv2d(x, self.weight, self.bias)
        patches = cut(x, self.side).permute(0, 3, 5, 1, 2, 4).flatten(1, 3)
        if torch.onnx.is_in_onnx_export():
            whole = x[..., : patches.shape[2] * self.side, : patches.shape[3] * self.side]
            patches = torch.onnx.ops.symbolic(
                "SpaceToDepth", [whole], {"blocksize": self.side}, dtype=x.dtype, shape=patches.shape
            )
        return F.conv2d(patches, self.weight, self.bias)


def with_products(network: nn.Module) -> None:
    """Put a `PatchProduct` in place of every `PatchConv2d` of a network."""
    for name, module in list(network.named_modules()):
        if isinstance(module, PatchConv2d):
            network.set_submodule(name, PatchProduct(module.weight, module.bias))
