"""The assembled network."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from .backbone import build_backbone
from .config import ModelConfig
from .cross_regional import ActiveAUs, CrossRegionalRelations
from .facial_dynamics import FacialDynamics
from .linear_block import LinearBlock
from .local_relations import LocalRelations
from .temporal import TemporalScores

PUBLISHED_WIDTH = 8
"""Channels of the published facial dynamics, as a multiple of the first scale's channels."""


class MDHROutput(NamedTuple):
    """What the network says of B clips of T frames.

    Attributes:
        scores: (B, T, N) in [0, 1], in the layout's order of AUs.
        region_logits: Per region (B, T, 2^n), for the auxiliary loss.
    """

    scores: Tensor
    region_logits: tuple[Tensor, ...]


class MDHR(nn.Module):
    """Multi-scale Dynamics and Hierarchical spatial Relations (Wang et al., CVPR 2024).

    Args:
        config: Layout, backbone and sizes.
        pretrained: Whether the backbone starts from ImageNet weights.

    Raises:
        ConfigError: The backbone does not fit, or its weights cannot be had.
    """

    def __init__(self, config: ModelConfig, pretrained: bool = False) -> None:
        super().__init__()
        self.config = config
        layout, features = config.layout, config.node_features
        self.backbone = build_backbone(config.backbone, pretrained)
        channels = self.backbone.channels
        self.static = LinearBlock(channels[-1], features)
        width = config.dynamics_channels or PUBLISHED_WIDTH * channels[0]
        self.dynamics = FacialDynamics(channels, width, features, config.radius)
        self.local = LocalRelations(layout, features)
        self.active = ActiveAUs(layout)
        self.cross = CrossRegionalRelations(layout, features)
        self.temporal = TemporalScores(len(layout.aus), features)

    def forward(self, frames: Tensor) -> MDHROutput:
        """Label clips.

        Args:
            frames: (B, T, 3, 224, 224) floating point, normalised (see `normalise`).

        Returns:
            Scores and regional logits of every frame.
        """
        clips = frames.shape[:2]
        scales, final = self.backbone(frames.flatten(0, 1))
        static = self.static(final.movedim(1, -1)).movedim(-1, 1)
        dynamics = self.dynamics(tuple(scale.unflatten(0, clips) for scale in scales))
        local = self.local(static + dynamics.flatten(0, 1))
        nodes = self.cross(local.nodes, self.active(local.region_logits))
        scores = self.temporal(nodes.unflatten(0, clips))
        return MDHROutput(scores, tuple(logits.unflatten(0, clips) for logits in local.region_logits))
