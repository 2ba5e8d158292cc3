"""Temporal convolution of each AU's nodes, and its similarity scores."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CONTEXT = 2
"""Frames on either side that the temporal convolution sees."""

KERNEL = 2 * CONTEXT + 1
"""Width of the temporal convolution in frames."""


class TemporalScores(nn.Module):
    """A depthwise temporal convolution per AU, then the cosine similarity with the AU's class vector.

    Args:
        aus: Number N of AUs.
        features: Features b of a node.
    """

    def __init__(self, aus: int, features: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv1d(features, features, KERNEL, padding=CONTEXT, groups=features) for _ in range(aus)
        )
        self.bn = nn.BatchNorm1d(aus)
        self.classes = nn.Parameter(torch.empty(aus, features))
        nn.init.xavier_uniform_(self.classes)

    def forward(self, nodes: Tensor) -> Tensor:
        """Score every frame of clips.

        Args:
            nodes: (B, T, N, b).

        Returns:
            (B, T, N) in [0, 1]; an AU occurs where its score is at least 0.5.
        """
        mixed = torch.stack([conv(nodes[:, :, n].mT).mT for n, conv in enumerate(self.convs)], dim=2)
        mixed = self.bn(mixed.flatten(0, 1)).relu().unflatten(0, nodes.shape[:2])
        return self.similarity(mixed)

    def similarity(self, nodes: Tensor) -> Tensor:
        """Cosine similarity of nodes (..., N, b) ≥ 0 with their class vectors: (..., N) float32 in [0, 1].

        Computed in float32: squares of features leave the range of float16.
        """
        classes = F.normalize(self.classes.float().relu(), dim=-1)
        return (F.normalize(nodes.float(), dim=-1) * classes).sum(dim=-1)
