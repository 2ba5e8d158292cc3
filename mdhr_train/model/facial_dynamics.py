"""Multi-scale facial dynamics (MFD): how the face changes around each frame."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GRID = 7
"""Side of the map on which all scales meet."""

WEIGHT_CHANNELS = 16


class ScaleDynamics(nn.Module):
    """One scale of the facial dynamics: changes between neighbouring frames, and what its weight is made of (eq. 1–4).

    Args:
        in_channels: Channels C_l of the scale.
        size: Side of the scale's map, a multiple of 7.
        channels: Channels of the dynamics.
    """

    def __init__(self, in_channels: int, size: int, channels: int) -> None:
        super().__init__()
        step = size // GRID
        self.conv = nn.Conv2d(in_channels, channels, kernel_size=step, stride=step)
        self.bn = nn.BatchNorm2d(channels)
        self.weight_conv = nn.Conv2d(channels, WEIGHT_CHANNELS, kernel_size=1)
        self.weight_bn = nn.BatchNorm2d(WEIGHT_CHANNELS)

    def changes(self, x: Tensor) -> Tensor:
        """Describe the changes between neighbouring frames.

        Args:
            x: (B, T, C_l, H, W), the scale's feature maps.

        Returns:
            (B, T−1, channels, 7, 7), not negative.
        """
        difference = x[:, 1:] - x[:, :-1]
        return self.bn(self.conv(difference.flatten(0, 1))).relu().unflatten(0, difference.shape[:2])

    def weight_features(self, dynamics: Tensor) -> Tensor:
        """Map pooled dynamics (F, channels, 7, 7) to the features of the scale's weight, (F, 16, 7, 7)."""
        return self.weight_bn(self.weight_conv(dynamics)).relu()


class FacialDynamics(nn.Module):
    """Facial dynamics of all scales, fused with adaptive weights (eq. 1–6).

    Args:
        in_channels: Channels of the scales, largest map first; scale l has maps of side 56 / 2^l.
        channels: Channels of the dynamics of one scale.
        features: Channels b of the result.
        radius: Radius k: a frame averages the changes d_{t−k+1} … d_{t+k}.
    """

    def __init__(self, in_channels: tuple[int, ...], channels: int, features: int, radius: int) -> None:
        super().__init__()
        self.radius = radius
        sizes = [GRID * 2**level for level in reversed(range(len(in_channels)))]
        self.scales = nn.ModuleList(
            ScaleDynamics(n, size, channels) for n, size in zip(in_channels, sizes, strict=True)
        )
        self.weight = nn.Conv2d(len(in_channels) * WEIGHT_CHANNELS, len(in_channels), kernel_size=1)
        self.project = nn.Conv2d(channels, features, kernel_size=1)
        self.bn = nn.BatchNorm2d(features)

    def forward(self, scales: tuple[Tensor, ...]) -> Tensor:
        """Describe the motion around every frame of clips.

        Args:
            scales: One tensor (B, T, C_l, H_l, W_l) per scale.

        Returns:
            (B, T, features, 7, 7), not negative.
        """
        pooled = [
            pool_over_time(part.changes(x), self.radius).flatten(0, 1)
            for part, x in zip(self.scales, scales, strict=True)
        ]
        parts = [part.weight_features(x) for part, x in zip(self.scales, pooled, strict=True)]
        weights = self.scale_weights(torch.cat(parts, dim=1))
        fused = (torch.stack(pooled, dim=1) * weights.unsqueeze(2)).sum(dim=1)
        return self.bn(self.project(fused)).relu().unflatten(0, scales[0].shape[:2])

    def scale_weights(self, parts: Tensor) -> Tensor:
        """Weigh the scales at each position (eq. 5).

        Args:
            parts: (F, L·16, H, W), the weight features of the L scales.

        Returns:
            (F, L, H, W) that sum to one over the scales. The softmax is computed in float32.
        """
        logits = self.weight(parts)
        return logits.float().softmax(dim=1).to(logits.dtype)


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
