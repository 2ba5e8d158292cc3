"""The encoder: everything that needs one frame only."""

from __future__ import annotations

import copy
from typing import TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mdhr_runtime.contract import MOTION, STATIC
from mdhr_train.model import MDHR, normalise
from mdhr_train.model.facial_dynamics import ScaleDynamics

from .folding import fold, fold_block
from .patches import PatchProduct, with_products


class EncoderGraph(nn.Module):
    """Describes frames one by one: their static features, and the maps whose changes are the facial dynamics.

    The convolution of the facial dynamics is linear, conv(x_t) − conv(x_{t−1}) + bias = conv(x_t − x_{t−1}), so it
    runs here, once per frame, and the difference is left to the temporal graph (`TemporalGraph` adds the bias). No map
    larger than 7×7 leaves the encoder.

    Args:
        model: The trained network.
        dtype: Type that the graph computes in, float32 or float16.
    """

    static_weight: Tensor
    static_bias: Tensor

    def __init__(self, model: MDHR, dtype: torch.dtype) -> None:
        super().__init__()
        self.backbone = copy.deepcopy(model.backbone)
        with_products(self.backbone)
        keep_float32(self.backbone, dtype)
        self.numbers = model.dynamics.numbers
        scales = cast("list[ScaleDynamics]", list(model.dynamics.scales))
        self.motion = nn.ModuleList(PatchProduct(fold(scale.conv, scale.bn).weight.to(dtype)) for scale in scales)
        static = fold_block(model.static)
        self.register_buffer("static_weight", static.weight[:, :, None, None].to(dtype))
        self.register_buffer("static_bias", static.bias.to(dtype))
        self.dtype = dtype

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what `forward` returns: there is no motion in a network without facial dynamics."""
        return (MOTION, STATIC) if self.numbers else (STATIC,)

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """Describe frames.

        Args:
            frames: (F, 224, 224, 3) uint8, RGB.

        Returns:
            motion (F, C, 7·L, 7), the L scales stacked from top to bottom, and static (F, b, 7, 7); see `outputs`.
        """
        return self.describe(normalise(frames, self.dtype))

    def describe(self, frames: Tensor) -> tuple[Tensor, ...]:
        """The same for normalised frames (F, 3, 224, 224)."""
        scales, final = self.backbone(frames)
        static = F.conv2d(final, self.static_weight, self.static_bias).relu()
        motion = [product(scales[number - 1]) for number, product in zip(self.numbers, self.motion, strict=True)]
        return (torch.cat(motion, dim=2), static) if motion else (static,)


ISLANDS = (nn.LayerNorm, nn.Softmax)
"""Modules that compute in float32 in a float16 graph.

TensorRT 11 takes types from the graph alone, so the graph says where float16 would lose what matters: here; in the
regional classifiers, see `regions`; and in the softmax and the L2 normalisation of the network's own modules.
"""

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
