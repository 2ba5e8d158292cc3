"""Local relations: AUs within a facial region (HSR, eq. 7 and 8)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mdhr_runtime.layout import Layout

from .linear_block import LinearBlock


class LocalOutput(NamedTuple):
    """Nodes and regional predictions of F frames.

    Attributes:
        nodes: (F, N, b), one feature vector per AU in the layout's order.
        region_logits: Per region (F, 2^n), logits of the on/off combinations of its n AUs.
    """

    nodes: Tensor
    region_logits: tuple[Tensor, ...]


class LocalRelations(nn.Module):
    """Extracts a node per AU from its region of the face, and predicts which AUs of a region occur together.

    Args:
        layout: AUs and regions.
        features: Features b of a position and of a node.
    """

    def __init__(self, layout: Layout, features: int) -> None:
        super().__init__()
        self.rows = tuple(region.rows for region in layout.regions)
        self.region_of = layout.region_of
        self.projections = nn.ModuleList(
            LinearBlock(features, features) if layout.region_projection else nn.Identity() for _ in layout.regions
        )
        self.classifiers = nn.ModuleList(nn.Linear(features, region.combinations) for region in layout.regions)
        self.extractors = nn.ModuleList(LinearBlock(features, features) for _ in layout.aus)

    def forward(self, x: Tensor) -> LocalOutput:
        """Extract nodes and regional predictions from feature maps (F, b, 7, 7)."""
        slices = [x[:, :, start:stop].flatten(2).mT for start, stop in self.rows]
        regions = [projection(part) for projection, part in zip(self.projections, slices, strict=True)]
        logits = tuple(fc(region.mean(dim=1)) for fc, region in zip(self.classifiers, regions, strict=True))
        nodes = [
            extractor(regions[region]).mean(dim=1)
            for extractor, region in zip(self.extractors, self.region_of, strict=True)
        ]
        return LocalOutput(torch.stack(nodes, dim=1), logits)


def combination_bits(count: int) -> Tensor:
    """All on/off combinations of `count` AUs: (2^count, count) bool; the first AU is the most significant bit."""
    places = torch.arange(count - 1, -1, -1)
    return (torch.arange(2**count)[:, None] >> places) & 1 == 1
