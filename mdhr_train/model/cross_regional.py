"""Cross-regional relations (CRM): active AUs speak to AUs of other regions (HSR, eq. 9), and variants of that.

Table 5 of the paper compares which AUs are connected; `CONNECTED` says what each of its rows means here.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mdhr_runtime.layout import Layout

from .config import ACTIVATED, CROSS, FULL, LOCAL
from .local_relations import combination_bits

MASKED = -1e4
"""Score of an edge that does not exist: finite, as −inf breeds NaNs in lower precision."""

CONNECTED = {  # relation → whether AUs of one region are connected, and AUs of different regions
    ACTIVATED: (False, True),
    CROSS: (False, True),
    FULL: (True, True),
    LOCAL: (True, False),
}
"""Pairs of AUs that may be connected (table 5). In all of them every node also has an edge to itself.

- `activated`: the published edges, between AUs of different regions. Only active AUs send; without Aux nothing tells
  which AUs are active, so that all send.
- `cross`: AUs of different regions, active or not ("cross-regional fully-connected").
- `full`: all AUs ("fully-connected").
- `local`: AUs of one region ("locally connected").
"""


class ActiveAUs(nn.Module):
    """The AUs that are active: those set in the likeliest combination of their region.

    Args:
        layout: AUs and regions.
    """

    order: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        for index, region in enumerate(layout.regions):
            self.register_buffer(f"bits_{index}", combination_bits(len(region.aus)), persistent=False)
        grouped = [au for region in layout.regions for au in region.aus]
        self.register_buffer("order", torch.tensor([grouped.index(au) for au in layout.aus]), persistent=False)

    def forward(self, region_logits: tuple[Tensor, ...]) -> Tensor:
        """Map per region (F, 2^n) logits to (F, N) bool in the layout's order of AUs.

        The bits come from a constant table: ONNX parsers of TensorRT know no bitwise operators.
        """
        tables = (getattr(self, f"bits_{index}") for index in range(len(region_logits)))
        bits = [
            table.index_select(0, logits.argmax(dim=-1)) for table, logits in zip(tables, region_logits, strict=True)
        ]
        return torch.cat(bits, dim=-1).index_select(1, self.order)


class EveryAU(nn.Module):
    """All AUs, as active ones: for graphs whose edges do not depend on the frame.

    Args:
        layout: AUs.
    """

    everyone: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.register_buffer("everyone", torch.ones(1, len(layout.aus), dtype=torch.bool), persistent=False)

    def forward(self, region_logits: tuple[Tensor, ...]) -> Tensor:
        """Return (1, N) bool, the same for every frame, whatever the logits are."""
        return self.everyone


class CrossRegionalRelations(nn.Module):
    """One-head graph attention over the AUs of a frame (eq. 9).

    Args:
        layout: AUs and regions.
        features: Features b of a node.
        relations: Which AUs may be connected, a key of `CONNECTED`.
    """

    pairs: Tensor
    itself: Tensor

    def __init__(self, layout: Layout, features: int, relations: str = ACTIVATED) -> None:
        super().__init__()
        self.linear = nn.Linear(features, features, bias=False)
        self.source = nn.Parameter(torch.empty(features))
        self.target = nn.Parameter(torch.empty(features))
        self.bias = nn.Parameter(torch.zeros(features))
        for parameter in (self.source, self.target):
            nn.init.normal_(parameter, std=features**-0.5)
        nn.init.xavier_uniform_(self.linear.weight)
        region = torch.tensor(layout.region_of)
        within, across = CONNECTED[relations]
        pairs = torch.where(region[:, None] == region[None, :], torch.tensor(within), torch.tensor(across))
        self.register_buffer("pairs", pairs, persistent=False)
        self.register_buffer("itself", torch.eye(len(layout.aus), dtype=torch.bool), persistent=False)

    def edges(self, active: Tensor) -> Tensor:
        """Edges of each frame's graph.

        Args:
            active: (F, N) bool; (1, N) where it is the same for all frames.

        Returns:
            (F, N, N) bool: [f, n, m] is the edge m→n, which exists if m is active and may be connected with n, or if m
            is n.
        """
        return (self.pairs & active[:, None, :]) | self.itself

    def forward(self, nodes: Tensor, active: Tensor) -> Tensor:
        """Let nodes (F, N, b) exchange features along the edges of `active` (F or 1, N) bool; returns (F, N, b)."""
        values = self.linear(nodes)
        return F.elu(self.attention(values, active).to(values.dtype) @ values + nodes + self.bias)

    def attention(self, values: Tensor, active: Tensor) -> Tensor:
        """Weigh the edges of each frame's graph.

        Args:
            values: (F, N, b), the nodes W v.
            active: (F, N) bool; (1, N) where it is the same for all frames.

        Returns:
            (F, N, N) float32, computed in it: [f, n, m] is the weight α of the edge m→n, 0 where there is no edge; the
            weights into a node sum to one.
        """
        ends = values @ torch.stack([self.source, self.target], dim=1)
        scores = F.leaky_relu(ends[:, :, :1] + ends[:, :, 1:].mT, 0.2)
        return scores.float().masked_fill(~self.edges(active), MASKED).softmax(dim=-1)


class NoRelations(nn.Module):
    """No cross-regional relations (table 3 without CRM): every node stays what it is."""

    def forward(self, nodes: Tensor, active: Tensor) -> Tensor:
        """Return the nodes (F, N, b)."""
        return nodes
