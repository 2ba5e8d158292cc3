"""The encoder: everything that needs one frame only."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mdhr_train.model import MDHR, normalise

from .folding import fold, fold_block
from .precision import keep_float32


class EncoderGraph(nn.Module):
    """Describes frames one by one: their static features, and the maps whose changes are the facial dynamics.

    The convolution of the facial dynamics is linear, conv(x_t) − conv(x_{t−1}) + bias = conv(x_t − x_{t−1}), so it
    runs here, once per frame, and the difference is left to the temporal graph (`TemporalGraph` adds the bias). No map
    larger than 7×7 leaves the encoder.

    Args:
        model: The trained network.
        dtype: Type that the graph computes in, float32 or float16.
    """

    def __init__(self, model: MDHR, dtype: torch.dtype) -> None:
        super().__init__()
        self.backbone = keep_float32(copy.deepcopy(model.backbone), dtype)
        self.steps = [scale.conv.stride for scale in model.dynamics.scales]
        for index, scale in enumerate(model.dynamics.scales):
            self.register_buffer(f"motion_{index}", fold(scale.conv, scale.bn).weight.to(dtype))
        static = fold_block(model.static)
        self.register_buffer("static_weight", static.weight[:, :, None, None].to(dtype))
        self.register_buffer("static_bias", static.bias.to(dtype))
        self.dtype = dtype

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Describe frames.

        Args:
            frames: (F, 224, 224, 3) uint8, RGB.

        Returns:
            motion (F, C, 7·L, 7), the L scales stacked from top to bottom, and static (F, b, 7, 7).
        """
        return self.describe(normalise(frames, self.dtype))

    def describe(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """The same for normalised frames (F, 3, 224, 224)."""
        scales, final = self.backbone(frames)
        motion = [
            F.conv2d(scale, getattr(self, f"motion_{index}"), stride=step)
            for index, (scale, step) in enumerate(zip(scales, self.steps, strict=True))
        ]
        static = F.conv2d(final, self.static_weight, self.static_bias).relu()
        return torch.cat(motion, dim=2), static
