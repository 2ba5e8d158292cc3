"""Float16 graphs with islands of float32.

TensorRT 11 takes types from the graph alone, so the graph says where float16 would lose what matters: softmax and
LayerNorm, here; the regional classifiers, in `regions`; and in the network's own modules the softmax and the L2
normalisation that they compute in float32.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

ISLANDS = (nn.LayerNorm, nn.Softmax)

Module = TypeVar("Module", bound=nn.Module)


class Float32Island(nn.Module):
    """A module that computes in float32 and gives its result in the type of its input."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module.float()

    def forward(self, x: Tensor) -> Tensor:
        """Apply the module to x of any floating type."""
        return self.module(x.float()).to(x.dtype)


def keep_float32(module: Module, dtype: torch.dtype) -> Module:
    """Convert a module to `dtype`, except its LayerNorms and softmaxes; changes it in place and returns it."""
    module.to(dtype)
    for name, child in list(module.named_modules()):
        # Attention fused into one operator has no softmax of its own that could be kept apart.
        if hasattr(child, "fused_attn"):
            child.fused_attn = False
        if isinstance(child, ISLANDS) and dtype != torch.float32:
            module.set_submodule(name, Float32Island(child))
    return module
