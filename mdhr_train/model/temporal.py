"""Temporal convolution of each AU's nodes, and the similarity scores of nodes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import TEMPORAL_RADIUS

KERNEL = 2 * TEMPORAL_RADIUS + 1
"""Width of the temporal convolution in frames."""


class SimilarityScores(nn.Module):
    """The cosine similarity (SC) of each AU's node with the AU's class vector; what table 3 has without TCN.

    The graph's nodes may be negative (ELU), while a score has to lie in [0, 1]; so a ReLU goes first, as it ends the
    temporal convolution where there is one.

    Args:
        aus: Number N of AUs.
        features: Features b of a node.
    """

    def __init__(self, aus: int, features: int) -> None:
        super().__init__()
        self.classes = nn.Parameter(torch.empty(aus, features))
        nn.init.xavier_uniform_(self.classes)

    def forward(self, nodes: Tensor) -> Tensor:
        """Score every frame of clips.

        Args:
            nodes: (B, T, N, b).

        Returns:
            (B, T, N) in [0, 1]; an AU occurs where its score is at least 0.5.
        """
        return self.similarity(nodes.relu())

    def similarity(self, nodes: Tensor) -> Tensor:
        """Cosine similarity of nodes (..., N, b) ≥ 0 with their class vectors: (..., N) float32 in [0, 1].

        Computed in float32: squares of features leave the range of float16.
        """
        classes = F.normalize(self.classes.float().relu(), dim=-1)
        return (F.normalize(nodes.float(), dim=-1) * classes).sum(dim=-1)


class TemporalScores(SimilarityScores):
    """A depthwise temporal convolution per AU (TCN), then the cosine similarity with the AU's class vector.

    Args:
        aus: Number N of AUs.
        features: Features b of a node.
    """

    def __init__(self, aus: int, features: int) -> None:
        super().__init__(aus, features)
        self.convs = nn.ModuleList(
            nn.Conv1d(features, features, KERNEL, padding=TEMPORAL_RADIUS, groups=features) for _ in range(aus)
        )
        self.bn = nn.BatchNorm1d(aus)

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
