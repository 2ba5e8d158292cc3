"""Nodes and active AUs from a frame's features, all AUs of a region in one matrix product."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mdhr_train.model.cross_regional import ActiveAUs
from mdhr_train.model.local_relations import LocalRelations

from .folding import Affine, fold_block


class RegionNodes(nn.Module):
    """Computes what `LocalRelations` and `ActiveAUs` compute, without the auxiliary outputs (eq. 7 and 8).

    Args:
        local: The trained local relations.
        active: The network's rule for active AUs.
        dtype: Type to compute in.
    """

    def __init__(self, local: LocalRelations, active: ActiveAUs, dtype: torch.dtype) -> None:
        super().__init__()
        self.rows = local.rows
        self.active = active
        self.projected = [not isinstance(projection, nn.Identity) for projection in local.projections]
        members = [[n for n, of in enumerate(local.region_of) if of == region] for region in range(len(local.rows))]
        grouped = [n for group in members for n in group]
        self.register_buffer("order", torch.tensor([grouped.index(n) for n in range(len(grouped))]))
        for region, group in enumerate(members):
            if self.projected[region]:
                self._register(f"projection_{region}", fold_block(local.projections[region]), dtype)
            blocks = [fold_block(local.extractors[n]) for n in group]
            joined = Affine(torch.cat([b.weight for b in blocks]), torch.cat([b.bias for b in blocks]))
            self._register(f"extractors_{region}", joined, dtype)
            classifier = local.classifiers[region]
            self._register(f"classifier_{region}", Affine(classifier.weight.detach(), classifier.bias.detach()), dtype)

    def _register(self, name: str, affine: Affine, dtype: torch.dtype) -> None:
        self.register_buffer(f"{name}_weight", affine.weight.mT.contiguous().to(dtype))
        self.register_buffer(f"{name}_bias", affine.bias.to(dtype))

    def _apply_affine(self, name: str, x: Tensor) -> Tensor:
        return x @ getattr(self, f"{name}_weight") + getattr(self, f"{name}_bias")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map features (F, b, 7, 7) to nodes (F, N, b), active AUs (F, N) bool, and combinations (F, R) int32."""
        nodes, logits = [], []
        for index, (start, stop) in enumerate(self.rows):
            region = x[:, :, start:stop].flatten(2).mT
            if self.projected[index]:
                region = self._apply_affine(f"projection_{index}", region).relu()
            logits.append(self._apply_affine(f"classifier_{index}", region.mean(dim=1)))
            joined = self._apply_affine(f"extractors_{index}", region).relu().mean(dim=1)
            nodes.append(joined.unflatten(-1, (-1, x.shape[1])))
        combinations = torch.stack([x.argmax(dim=-1) for x in logits], dim=-1).int()
        return torch.cat(nodes, dim=1).index_select(1, self.order), self.active(tuple(logits)), combinations
