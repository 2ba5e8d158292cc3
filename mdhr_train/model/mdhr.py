"""The assembled network."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from .backbone import build_backbone
from .config import NO_EDGES, ModelConfig
from .cross_regional import ActiveAUs, CrossRegionalRelations, EveryAU, NoRelations
from .facial_dynamics import NoDynamics, build_dynamics
from .local_relations import LinearBlock, LocalRelations
from .temporal import SimilarityScores, TemporalScores

PUBLISHED_WIDTH = 8
"""Channels of the published facial dynamics, as a multiple of the first scale's channels."""


class MDHROutput(NamedTuple):
    """Output of the network for B clips of T frames.

    Attributes:
        scores: (B, T, N) in [0, 1], in the layout's order of AUs.
        region_logits: Per region (B, T, 2^n), for the auxiliary loss; empty without Aux.
    """

    scores: Tensor
    region_logits: tuple[Tensor, ...]


class MDHR(nn.Module):
    """Multi-scale Dynamics and Hierarchical spatial Relations (Wang et al., CVPR 2024).

    A part that the configuration leaves out is a module that passes on what it gets, so that every network of the
    paper's ablations computes the same five steps.

    Args:
        config: Layout, backbone, sizes and parts.
        pretrained: Whether the backbone starts from ImageNet weights.
        pretrained_file: Where these are; None lets timm download them. See `build_backbone`.
        drop_path: Stochastic depth of the backbone, which matters in training alone; None takes timm's default.

    Raises:
        ConfigError: The backbone does not fit, or its weights cannot be had.
    """

    def __init__(
        self,
        config: ModelConfig,
        pretrained: bool = False,
        pretrained_file: Path | None = None,
        drop_path: float | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        layout, features = config.layout, config.node_features
        self.backbone = build_backbone(config.backbone, pretrained, pretrained_file, drop_path)
        channels = self.backbone.channels
        self.static = LinearBlock(channels[-1], features)
        width = config.dynamics_channels or PUBLISHED_WIDTH * channels[0]
        self.dynamics = (
            build_dynamics(config.fusion, channels, config.scales, width, features, config.radius)
            if config.dynamics
            else NoDynamics(features)
        )
        self.local = LocalRelations(layout, features, config.extractors, config.auxiliary)
        self.active = (ActiveAUs if config.activated else EveryAU)(layout)
        self.cross = (
            NoRelations()
            if config.relations == NO_EDGES
            else CrossRegionalRelations(layout, features, config.relations)
        )
        self.temporal = (TemporalScores if config.temporal else SimilarityScores)(len(layout.aus), features)

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
