"""Multi-scale facial dynamics (MFD): how the face changes around each frame, and the paper's variants of it.

Table 4 of the paper compares which scales take part, and how they are fused; `FUSIONS` has a class for each fusion.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import CONCAT, SCALES, SUM, WEIGHTED
from .patches import PatchConv2d

GRID = 7
"""Side of the map on which all scales meet."""

WEIGHT_CHANNELS = 16


def scale_size(number: int) -> int:
    """Side of the map of a scale: 56, 28, 14, 7."""
    return GRID * 2 ** (SCALES[-1] - number)


class ScaleDynamics(nn.Module):
    """One scale of the facial dynamics: changes between neighbouring frames (eq. 1–3).

    Args:
        in_channels: Channels C_l of the scale.
        size: Side of the scale's map, a multiple of 7.
        channels: Channels of the dynamics.
    """

    def __init__(self, in_channels: int, size: int, channels: int) -> None:
        super().__init__()
        self.conv = PatchConv2d(in_channels, channels, size // GRID)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Describe the changes between neighbouring frames.

        Args:
            x: (B, T, C_l, H, W), the scale's feature maps.

        Returns:
            (B, T−1, channels, 7, 7), not negative.
        """
        difference = x[:, 1:] - x[:, :-1]
        return self.bn(self.conv(difference.flatten(0, 1))).relu().unflatten(0, difference.shape[:2])


class WeightedScale(ScaleDynamics):
    """One scale of the facial dynamics, with the features of its adaptive weight (eq. 4)."""

    def __init__(self, in_channels: int, size: int, channels: int) -> None:
        super().__init__(in_channels, size, channels)
        self.weight_conv = nn.Conv2d(channels, WEIGHT_CHANNELS, kernel_size=1)
        self.weight_bn = nn.BatchNorm2d(WEIGHT_CHANNELS)

    def weight_features(self, dynamics: Tensor) -> Tensor:
        """Map pooled dynamics (F, channels, 7, 7) to the features of the scale's weight, (F, 16, 7, 7)."""
        return self.weight_bn(self.weight_conv(dynamics)).relu()


class SummedDynamics(nn.Module):
    """Facial dynamics of some scales, added up with equal weights ("Sum" in table 4).

    Also what a single scale takes ("Alone"): the softmax over one scale would weigh it with 1 everywhere.

    Args:
        in_channels: Channels of the backbone's four scales, largest map first.
        scales: Numbers of the scales that take part, from `SCALES`.
        channels: Channels of the dynamics of one scale.
        features: Channels b of the result.
        radius: Radius k: a frame averages the changes d_{t−k+1} … d_{t+k}.
    """

    scale_type: type[ScaleDynamics] = ScaleDynamics

    def __init__(
        self, in_channels: tuple[int, ...], scales: tuple[int, ...], channels: int, features: int, radius: int
    ) -> None:
        super().__init__()
        self.radius = radius
        self.numbers = scales
        self.scales = nn.ModuleList(
            self.scale_type(in_channels[number - 1], scale_size(number), channels) for number in scales
        )
        self._add_fusion(channels)
        self.project = nn.Conv2d(self.fused_channels(channels), features, kernel_size=1)
        self.bn = nn.BatchNorm2d(features)

    def forward(self, scales: tuple[Tensor, ...]) -> Tensor:
        """Describe the motion around every frame of clips.

        Args:
            scales: One tensor (B, T, C_l, H_l, W_l) per scale of the backbone.

        Returns:
            (B, T, features, 7, 7), not negative.
        """
        pooled = [
            pool_over_time(part(scales[number - 1]), self.radius).flatten(0, 1)
            for number, part in zip(self.numbers, self.scales, strict=True)
        ]
        return self.bn(self.project(self.fuse(pooled))).relu().unflatten(0, scales[0].shape[:2])

    def fused_channels(self, channels: int) -> int:
        """Channels that `fuse` makes of L scales of `channels` each."""
        return channels

    def fuse(self, pooled: list[Tensor]) -> Tensor:
        """Fuse the pooled dynamics of the L scales, (F, channels, 7, 7) each, to (F, fused_channels, 7, 7)."""
        return torch.stack(pooled).sum(dim=0)

    def _add_fusion(self, channels: int) -> None:
        """Add the layers of the fusion."""


class ConcatenatedDynamics(SummedDynamics):
    """Facial dynamics of some scales, joined along the channels ("Cat" in table 4)."""

    def fused_channels(self, channels: int) -> int:
        """See `SummedDynamics`."""
        return channels * len(self.scales)

    def fuse(self, pooled: list[Tensor]) -> Tensor:
        """See `SummedDynamics`."""
        return torch.cat(pooled, dim=1)


class FacialDynamics(SummedDynamics):
    """The paper's facial dynamics: all scales, or two, fused with adaptive weights (eq. 1–6)."""

    scale_type = WeightedScale

    def fuse(self, pooled: list[Tensor]) -> Tensor:
        """See `SummedDynamics`."""
        parts = [cast(WeightedScale, part).weight_features(x) for part, x in zip(self.scales, pooled, strict=True)]
        weights = self.scale_weights(torch.cat(parts, dim=1))
        return (torch.stack(pooled, dim=1) * weights.unsqueeze(2)).sum(dim=1)

    def scale_weights(self, parts: Tensor) -> Tensor:
        """Weigh the scales at each position (eq. 5).

        Args:
            parts: (F, L·16, H, W), the weight features of the L scales.

        Returns:
            (F, L, H, W) that sum to one over the scales. The softmax is computed in float32.
        """
        logits = self.weight(parts)
        return logits.float().softmax(dim=1).to(logits.dtype)

    def _add_fusion(self, channels: int) -> None:
        self.weight = nn.Conv2d(len(self.scales) * WEIGHT_CHANNELS, len(self.scales), kernel_size=1)


class NoDynamics(nn.Module):
    """No facial dynamics (table 3 without MFD): nothing is added to the static features.

    Args:
        features: Channels b of the result.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        self.numbers: tuple[int, ...] = ()
        self.scales = nn.ModuleList()

    def forward(self, scales: tuple[Tensor, ...]) -> Tensor:
        """Return zeros (B, T, features, 7, 7)."""
        return scales[0].new_zeros(*scales[0].shape[:2], self.features, GRID, GRID)


FUSIONS: dict[str, type[SummedDynamics]] = {
    WEIGHTED: FacialDynamics,
    SUM: SummedDynamics,
    CONCAT: ConcatenatedDynamics,
}


def build_dynamics(
    fusion: str, in_channels: tuple[int, ...], scales: tuple[int, ...], channels: int, features: int, radius: int
) -> SummedDynamics:
    """Build the facial dynamics of a fusion, a key of `FUSIONS`; the other arguments are those of `SummedDynamics`."""
    kind = FUSIONS[fusion] if len(scales) > 1 else SummedDynamics
    return kind(in_channels, scales, channels, features, radius)


def pool_over_time(changes: Tensor, radius: int) -> Tensor:
    """Average the changes around every frame (eq. 3).

    The clip is padded by `radius` zero maps on both sides and the divisor is always 2·radius, so that the T−1 changes
    of T frames give T averages.

    Args:
        changes: (B, T−1, C, H, W).
        radius: Radius k in frames.

    Returns:
        (B, T, C, H, W).
    """
    padded = F.pad(changes, (0, 0, 0, 0, 0, 0, radius, radius))
    return padded.unfold(1, 2 * radius, 1).mean(dim=-1)
