"""Nodes and active AUs from a frame's features, all AUs of a region in one matrix product."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from mdhr_train.model.cross_regional import ActiveAUs, EveryAU
from mdhr_train.model.local_relations import Extractors, LinearBlock, LocalRelations, NoClassifiers

from .folding import Affine, fold_block


class FoldedAffine(nn.Module):
    """y = x · weight + bias, of rows of features.

    Args:
        affine: The map; its weight is (out, in).
        dtype: Type to compute in.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, affine: Affine, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("weight", affine.weight.mT.contiguous().to(dtype))
        self.register_buffer("bias", affine.bias.to(dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in) to (..., out)."""
        return x @ self.weight + self.bias


class JoinedExtractors(nn.Module):
    """Computes what `Extractors` computes, the extractors of a region in one product.

    Args:
        extractors: The trained extractors.
        dtype: Type to compute in.
    """

    order: Tensor

    def __init__(self, extractors: Extractors, dtype: torch.dtype) -> None:
        super().__init__()
        blocks = cast("list[LinearBlock]", list(extractors))
        regions = range(max(extractors.region_of) + 1)
        members = [[n for n, of in enumerate(extractors.region_of) if of == region] for region in regions]
        grouped = [n for group in members for n in group]
        self.register_buffer("order", torch.tensor([grouped.index(n) for n in range(len(grouped))]))
        self.joined = nn.ModuleList(self._join([blocks[n] for n in group], dtype) for group in members)

    @staticmethod
    def _join(blocks: Sequence[LinearBlock], dtype: torch.dtype) -> FoldedAffine:
        folded = [fold_block(block) for block in blocks]
        return FoldedAffine(Affine(torch.cat([b.weight for b in folded]), torch.cat([b.bias for b in folded])), dtype)

    def forward(self, x: Tensor, regions: Sequence[Tensor]) -> Tensor:
        """Extract nodes (F, N, b) from the regions' positions, (F, positions, b) each."""
        nodes = [
            extract(region).relu().mean(dim=1).unflatten(-1, (-1, x.shape[1]))
            for extract, region in zip(self.joined, regions, strict=True)
        ]
        return torch.cat(nodes, dim=1).index_select(1, self.order)


class RegionNodes(nn.Module):
    """Computes what `LocalRelations` and `ActiveAUs` compute, without the auxiliary outputs (eq. 7 and 8).

    The classifiers stay where the graph's edges depend on them, and go where they served the training alone.

    Args:
        local: The trained local relations.
        active: The network's rule for active AUs.
        dtype: Type to compute in.
    """

    def __init__(self, local: LocalRelations, active: ActiveAUs | EveryAU, dtype: torch.dtype) -> None:
        super().__init__()
        self.rows = local.rows
        self.projections = nn.ModuleList(
            nn.Sequential(FoldedAffine(fold_block(projection), dtype), nn.ReLU())
            if isinstance(projection, LinearBlock)
            else nn.Identity()
            for projection in local.projections
        )
        self.extractors = (
            JoinedExtractors(local.extractors, dtype) if isinstance(local.extractors, Extractors) else local.extractors
        )
        activated = isinstance(active, ActiveAUs)
        # In float32: two combinations that nearly tie would flip by rounding, and with them the graph's edges.
        self.classifiers = copy.deepcopy(local.classifiers).float() if activated else NoClassifiers()
        self.active = active

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Make a graph of every frame.

        Args:
            x: Features (F, b, 7, 7).

        Returns:
            Nodes (F, N, b); active AUs (F, N) bool, or (1, N) where all always are; and the likeliest combinations
            (F, R) int32, or None where no edge depends on them.
        """
        slices = [x[:, :, start:stop].flatten(2).mT for start, stop in self.rows]
        regions = [projection(part) for projection, part in zip(self.projections, slices, strict=True)]
        logits = self.classifiers([region.float() for region in regions])
        combinations = torch.stack([x.argmax(dim=-1) for x in logits], dim=-1).int() if logits else None
        return self.extractors(x, regions), self.active(logits), combinations
