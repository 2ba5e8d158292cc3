"""The temporal graph: what relates frames to each other, with the state of a stream going in and out."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mdhr_train.model import MDHR
from mdhr_train.model.facial_dynamics import GRID, WEIGHT_CHANNELS
from mdhr_train.model.temporal import KERNEL

from .folding import fold, scale_and_shift
from .regions import RegionNodes


class TemporalGraph(nn.Module):
    """Turns the encoder's features of T new frames per stream into scores of T earlier frames.

    With k the radius of the facial dynamics, the T new frames t … make the dynamics of the frames t − k … complete,
    and so the scores of the frames t − k − 2 …: the lookahead is k + 2. Invalid frames, those before the first and
    after the last, count as the zero padding of the network.

    Two linear maps are moved in front of the mean over time, and the state is a quarter of what it would else be: the
    last 1×1 convolution of the dynamics, which commutes with the weighting of the scales too, and the convolutions
    whose results become the weights. The divisor 2k of the mean is folded into both.

    Args:
        model: The trained network.
        dtype: Type that the graph computes in, float32 or float16.
    """

    def __init__(self, model: MDHR, dtype: torch.dtype) -> None:
        super().__init__()
        dynamics = model.dynamics
        self.radius = dynamics.radius
        self.window = 2 * self.radius
        self.lookahead = model.config.lookahead
        self.features = model.config.node_features
        self.aus = len(model.config.layout.aus)
        self.scales = len(dynamics.scales)
        self._fold_dynamics(model, dtype)
        self.dynamics = copy.deepcopy(dynamics).to(dtype)
        self.nodes = RegionNodes(model.local, model.active, dtype)
        self.cross = copy.deepcopy(model.cross).to(dtype)
        self._fold_convolution(model, dtype)
        self.output = copy.deepcopy(model.temporal)

    def _fold_dynamics(self, model: MDHR, dtype: torch.dtype) -> None:
        dynamics = model.dynamics
        project = fold(dynamics.project, dynamics.bn)
        parts = [fold(scale.weight_conv, scale.weight_bn) for scale in dynamics.scales]
        weight = torch.cat([project.weight, *(part.weight for part in parts)]) / self.window
        offsets = torch.stack([fold(scale.conv, scale.bn).bias for scale in dynamics.scales], dim=1)
        self.register_buffer("offset", offsets.repeat_interleave(GRID, dim=1)[:, :, None].to(dtype))
        self.register_buffer("reduce", weight.to(dtype))
        self.register_buffer("project_bias", project.bias[:, None].to(dtype))
        self.register_buffer("parts_bias", torch.stack([part.bias for part in parts], dim=1)[:, :, None].to(dtype))

    def _fold_convolution(self, model: MDHR, dtype: torch.dtype) -> None:
        """The temporal convolutions of all AUs as KERNEL multiplications; BatchNorm's features are the AUs."""
        scale, shift = scale_and_shift(model.temporal.bn)
        taps = torch.stack([conv.weight.detach()[:, 0] for conv in model.temporal.convs])  # (N, b, KERNEL)
        bias = torch.stack([conv.bias.detach() for conv in model.temporal.convs])
        self.register_buffer("taps", (taps * scale[:, None, None]).movedim(-1, 0).contiguous().to(dtype))
        self.register_buffer("taps_bias", (bias * scale[:, None] + shift[:, None]).to(dtype))

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of one stream's states by name: zeros start a stream."""
        reduced = self.features + WEIGHT_CHANNELS
        channels = self.reduce.shape[1]
        return {
            "motion": (channels, GRID * self.scales, GRID),
            "valid": (self.radius,),
            "dynamics": (self.window - 1, reduced * self.scales * GRID * GRID),
            "static": (self.radius, self.features, GRID, GRID),
            "nodes": (KERNEL - 1, self.aus, self.features),
        }

    def forward(
        self,
        motion: Tensor,
        static: Tensor,
        valid: Tensor,
        state_motion: Tensor,
        state_valid: Tensor,
        state_dynamics: Tensor,
        state_static: Tensor,
        state_nodes: Tensor,
    ) -> tuple[Tensor, ...]:
        """Advance B streams by T frames each.

        Args:
            motion: (B, T, C, 7·L, 7), from the encoder.
            static: (B, T, b, 7, 7), from the encoder.
            valid: (B, T), 1 for a frame, 0 for padding; of the type of the features, like all tensors here.
            state_motion: (B, C, 7·L, 7), motion of the frame before.
            state_valid: (B, k), validity of the k frames before.
            state_dynamics: (B, 2k−1, (b+16)·L·49), reduced changes of the frames before.
            state_static: (B, k, b, 7, 7), static features of the k frames before.
            state_nodes: (B, 4, N, b), nodes of the frames t − k − 4 … t − k − 1.

        Returns:
            scores (B, T, N) float32 of the frames t − k − 2 …; combinations (B, T, R) int32, the likeliest combination
            of each region in the frames t − k …, by which an engine can be checked; then the new states in the order
            of the arguments.
        """
        valids = torch.cat([state_valid, valid], dim=1)
        has_change = valids[:, self.radius - 1 : -1] * valid
        motions = torch.cat([state_motion.unsqueeze(1), motion], dim=1)
        changes = self.reduced_changes(motion, motions[:, :-1]) * has_change[:, :, None]
        window = torch.cat([state_dynamics, changes], dim=1)
        statics = torch.cat([state_static, static], dim=1)

        frames = self.frame_features(window, statics[:, : -self.radius].flatten(0, 1))
        nodes, active, combinations = self.nodes(frames)
        nodes = self.cross(nodes, active).unflatten(0, valid.shape)
        nodes = torch.cat([state_nodes, nodes * valids[:, : -self.radius, None, None]], dim=1)
        scores = self.output.similarity(self.convolve(nodes, valid.shape[1]))
        return (
            scores,
            combinations.unflatten(0, valid.shape),
            motion[:, -1],
            valids[:, -self.radius :],
            window[:, 1 - self.window :],
            statics[:, -self.radius :],
            nodes[:, 1 - KERNEL :],
        )

    def reduced_changes(self, motion: Tensor, previous: Tensor) -> Tensor:
        """Changes between neighbouring frames, reduced to what the mean over time needs.

        Args:
            motion: (B, T, C, 7·L, 7).
            previous: The same of the frame before each.

        Returns:
            (B, T, (b+16)·L·49): per scale and position, b features and the 16 that make its weight.
        """
        changes = (motion - previous + self.offset).relu()
        reduced = F.conv2d(changes.flatten(0, 1), self.reduce)
        # Every scale's weight features were computed at every scale's positions; each scale keeps its own.
        parts = [
            reduced[:, self.features + WEIGHT_CHANNELS * n :][:, :WEIGHT_CHANNELS, GRID * n : GRID * (n + 1)]
            for n in range(self.scales)
        ]
        reduced = torch.cat([reduced[:, : self.features], torch.cat(parts, dim=2)], dim=1)
        return reduced.flatten(1).unflatten(0, changes.shape[:2])

    def frame_features(self, window: Tensor, static: Tensor) -> Tensor:
        """Static features plus fused dynamics of every frame (eq. 3–6).

        Args:
            window: (B, T+2k−1, (b+16)·L·49), reduced changes.
            static: (B·T, b, 7, 7).

        Returns:
            (B·T, b, 7, 7).
        """
        pooled = self.sum_over_time(window).view(-1, self.features + WEIGHT_CHANNELS, self.scales, GRID * GRID)
        parts = (pooled[:, self.features :] + self.parts_bias).relu().transpose(1, 2)
        weights = self.dynamics.scale_weights(parts.flatten(1, 2).unsqueeze(-1)).squeeze(-1).unsqueeze(1)
        fused = (pooled[:, : self.features] * weights).sum(dim=2) + self.project_bias
        return static + fused.relu().unflatten(-1, (GRID, GRID))

    def sum_over_time(self, window: Tensor) -> Tensor:
        """Sums over 2k neighbours, as the product with a band matrix: (B, T+2k−1, X) to (B, T, X)."""
        inputs = torch.arange(window.shape[1], device=window.device, dtype=torch.int32)
        outputs = inputs[: 1 - self.window, None]
        band = (inputs >= outputs) & (inputs < outputs + self.window)
        return band.to(window.dtype) @ window

    def convolve(self, nodes: Tensor, frames: int) -> Tensor:
        """Temporal convolution, BatchNorm and ReLU of nodes (B, T+4, N, b), to (B, T, N, b) with T = `frames`."""
        mixed = self.taps_bias
        for tap in range(KERNEL):
            mixed = mixed + nodes[:, tap : tap + frames] * self.taps[tap]
        return mixed.relu()
