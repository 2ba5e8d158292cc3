"""From the nodes of frames to scores, with and without the temporal convolution."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from mdhr_runtime.contract import NODES, STATE
from mdhr_train.model import MDHR
from mdhr_train.model.temporal import KERNEL, SimilarityScores, TemporalScores

from .folding import scale_and_shift


class FrameScores(nn.Module):
    """Scores of a network without temporal convolution: those of each frame's nodes, without a state.

    Args:
        model: The trained network.
        dtype: Type that the graph computes in; the scores are computed in float32.
    """

    def __init__(self, model: MDHR, dtype: torch.dtype) -> None:
        super().__init__()
        self.output = copy.deepcopy(model.temporal)

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of one stream's states by name: there are none."""
        return {}

    def forward(
        self, nodes: Tensor, valid: Tensor | None, inputs: Mapping[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Score nodes (B, T, N, b): (B, T, N) float32, and no new states."""
        return self.output(nodes), {}


class ConvolvedScores(nn.Module):
    """Scores of temporally convolved nodes, two frames late.

    Args:
        model: The trained network.
        dtype: Type that the graph computes in; the scores are computed in float32.
    """

    taps: Tensor
    taps_bias: Tensor

    def __init__(self, model: MDHR, dtype: torch.dtype) -> None:
        """Fold BatchNorm, whose features are the AUs, into KERNEL multiplications per AU."""
        super().__init__()
        temporal = model.temporal
        assert isinstance(temporal, TemporalScores)
        convs = cast("list[nn.Conv1d]", list(temporal.convs))
        self.aus = len(model.config.layout.aus)
        self.features = model.config.node_features
        scale, shift = scale_and_shift(temporal.bn)
        taps = torch.stack([conv.weight.detach()[:, 0] for conv in convs])  # (N, b, KERNEL)
        bias = torch.stack([cast(Tensor, conv.bias).detach() for conv in convs])
        self.register_buffer("taps", (taps * scale[:, None, None]).movedim(-1, 0).contiguous().to(dtype))
        self.register_buffer("taps_bias", (bias * scale[:, None] + shift[:, None]).to(dtype))
        self.output = copy.deepcopy(temporal)

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of one stream's states by name."""
        return {NODES: (KERNEL - 1, self.aus, self.features)}

    def forward(self, nodes: Tensor, valid: Tensor, inputs: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Take the nodes of T frames of B streams in.

        Args:
            nodes: (B, T, N, b).
            valid: (B, T), 1 for a frame, 0 for padding.
            inputs: Holds state_nodes (B, 4, N, b), the nodes of the four frames before.

        Returns:
            scores (B, T, N) float32, the first being that of the frame two before the first new one, and new states.
        """
        known = torch.cat([inputs[STATE + NODES], nodes * valid[:, :, None, None]], dim=1)
        scores = self.output.similarity(self.convolve(known, nodes.shape[1]))
        return scores, {NODES: known[:, 1 - KERNEL :]}

    def convolve(self, nodes: Tensor, frames: int) -> Tensor:
        """Temporal convolution, BatchNorm and ReLU of nodes (B, T+4, N, b), to (B, T, N, b) with T = `frames`."""
        mixed = self.taps_bias
        for tap in range(KERNEL):
            mixed = mixed + nodes[:, tap : tap + frames] * self.taps[tap]
        return mixed.relu()


SCORINGS: dict[type[nn.Module], type[FrameScores | ConvolvedScores]] = {
    SimilarityScores: FrameScores,
    TemporalScores: ConvolvedScores,
}
"""The network's module → the one that computes it here."""
