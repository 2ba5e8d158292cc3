"""Local relations: AUs within a facial region (HSR, eq. 7 and 8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mdhr_runtime.layout import Layout


class LinearBlock(nn.Module):
    """A linear layer, batch normalisation over the features, ReLU, at each position alike.

    Args:
        in_features: Features of the input.
        out_features: Features of the output.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.fc = nn.Linear(in_features, out_features)
        self.bn = nn.BatchNorm1d(out_features)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in_features) to (..., out_features), both floating point."""
        y = self.fc(x)
        return self.bn(y.flatten(0, -2)).relu().view_as(y)


class LocalOutput(NamedTuple):
    """Nodes and regional predictions of F frames.

    Attributes:
        nodes: (F, N, b), one feature vector per AU in the layout's order.
        region_logits: Per region (F, 2^n), logits of the on/off combinations of its n AUs; empty without Aux.
    """

    nodes: Tensor
    region_logits: tuple[Tensor, ...]


class Extractors(nn.ModuleList):
    """The AU-specific feature extractors (AFE): each makes an AU's node from the slice of its region.

    Args:
        layout: AUs and regions.
        features: Features b of a position and of a node.
    """

    def __init__(self, layout: Layout, features: int) -> None:
        super().__init__(LinearBlock(features, features) for _ in layout.aus)
        self.region_of = layout.region_of

    def forward(self, x: Tensor, regions: Sequence[Tensor]) -> Tensor:
        """Extract nodes.

        Args:
            x: (F, b, 7, 7), the whole map.
            regions: Per region its positions, (F, positions, b).

        Returns:
            (F, N, b).
        """
        nodes = [extract(regions[of]).mean(dim=1) for extract, of in zip(self, self.region_of, strict=True)]
        return torch.stack(nodes, dim=1)


class SharedNode(nn.Module):
    """Stand-in for the extractors in table 3 without AFE: all AUs have one node, the mean over the whole face.

    The AUs then differ in their class vectors and, with TCN, in their temporal convolutions.

    Args:
        layout: AUs.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.aus = len(layout.aus)

    def forward(self, x: Tensor, regions: Sequence[Tensor]) -> Tensor:
        """Map features (F, b, 7, 7) to N equal nodes (F, N, b); the regions are not looked at."""
        return x.mean(dim=(2, 3))[:, None].expand(-1, self.aus, -1)


class Classifiers(nn.ModuleList):
    """The auxiliary branch (Aux): each classifier predicts which AUs of its region occur together.

    Args:
        layout: AUs and regions.
        features: Features b of a position.
    """

    def __init__(self, layout: Layout, features: int) -> None:
        super().__init__(nn.Linear(features, region.combinations) for region in layout.regions)

    def forward(self, regions: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map per region (F, positions, b) to logits (F, 2^n)."""
        return tuple(fc(region.mean(dim=1)) for fc, region in zip(self, regions, strict=True))


class NoClassifiers(nn.Module):
    """No auxiliary branch (table 3 without Aux): no combinations are predicted."""

    def forward(self, regions: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return no logits."""
        return ()


class LocalRelations(nn.Module):
    """A node per AU, and a prediction of which AUs of a region occur together.

    Args:
        layout: AUs and regions.
        features: Features b of a position and of a node.
        extractors: Whether every AU's node is extracted from its region of the face (AFE), or all are `SharedNode`s.
        auxiliary: Whether the combinations are predicted (Aux).
    """

    def __init__(self, layout: Layout, features: int, extractors: bool = True, auxiliary: bool = True) -> None:
        super().__init__()
        self.rows = tuple(region.rows for region in layout.regions)
        # Where neither part looks at the regions, nothing could train their projections.
        projected = layout.region_projection and (extractors or auxiliary)
        self.projections = nn.ModuleList(
            LinearBlock(features, features) if projected else nn.Identity() for _ in layout.regions
        )
        self.classifiers = Classifiers(layout, features) if auxiliary else NoClassifiers()
        self.extractors = Extractors(layout, features) if extractors else SharedNode(layout)

    def forward(self, x: Tensor) -> LocalOutput:
        """Extract nodes and regional predictions from feature maps (F, b, 7, 7)."""
        slices = [x[:, :, start:stop].flatten(2).mT for start, stop in self.rows]
        regions = [projection(part) for projection, part in zip(self.projections, slices, strict=True)]
        logits = self.classifiers(regions)
        return LocalOutput(self.extractors(x, regions), logits)


def combination_bits(count: int) -> Tensor:
    """All on/off combinations of `count` AUs: (2^count, count) bool; the first AU is the most significant bit."""
    places = torch.arange(count - 1, -1, -1)
    return (torch.arange(2**count)[:, None] >> places) & 1 == 1
