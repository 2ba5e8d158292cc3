"""Frame features from the changes between frames, in each variant of the facial dynamics.

Long rows, one per frame, are combined over time as products with small matrices of zeros and ones. The products say the
same as slices and elementwise operations, exactly: each number is one product by ±1 and zeros, or a sum. But ONNX
Runtime copies a slice with one thread, and a product takes all; that is a fifth of the temporal graph's time for one
frame.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mdhr_runtime.contract import DYNAMICS, MOTION, STATE, STATIC, VALID
from mdhr_train.model import MDHR
from mdhr_train.model.facial_dynamics import (
    GRID,
    WEIGHT_CHANNELS,
    ConcatenatedDynamics,
    FacialDynamics,
    NoDynamics,
    ScaleDynamics,
    SummedDynamics,
    WeightedScale,
)

from .folding import Affine, fold

Shapes = dict[str, tuple[int, ...]]


class StaticFeatures(nn.Module):
    """Frame features of a network without facial dynamics: the static features, at once and without a state.

    Args:
        model: The trained network.
        dtype: Type that the graph computes in.
    """

    def __init__(self, model: MDHR, dtype: torch.dtype) -> None:
        super().__init__()
        self.radius = 0
        self.features = model.config.node_features

    def input_shapes(self) -> Shapes:
        """Shapes of a frame's features by name."""
        return {STATIC: (self.features, GRID, GRID)}

    def state_shapes(self) -> Shapes:
        """Shapes of one stream's states by name: there are none."""
        return {}

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
        """Return the static features (B, T, b, 7, 7), the frames' validity, and no new states."""
        return inputs[STATIC], inputs.get(VALID), {}


class SummedMotion(nn.Module):
    """Frame features with facial dynamics whose scales are added up, with the state of a stream going in and out.

    With k the radius of the facial dynamics, T new frames t … make the features of the frames t − k … complete.

    The last 1×1 convolution of the dynamics is moved in front of the mean over time, with which it commutes, so that
    the state holds its few channels. The divisor 2k of the mean is folded into it.

    Args:
        model: The trained network.
        dtype: Type that the graph computes in.
    """

    offset: Tensor
    project_bias: Tensor
    reduce: Tensor

    def __init__(self, model: MDHR, dtype: torch.dtype) -> None:
        super().__init__()
        dynamics = model.dynamics
        assert isinstance(dynamics, SummedDynamics)
        scales = cast("list[ScaleDynamics]", list(dynamics.scales))
        self.radius = dynamics.radius
        self.window = 2 * self.radius
        self.features = model.config.node_features
        self.channels = scales[0].conv.out_channels
        self.scales = len(scales)
        offsets = torch.stack([fold(scale.conv, scale.bn).bias for scale in scales], dim=1)
        # At its full size, as ONNX Runtime adds short rows one by one.
        offset = offsets.repeat_interleave(GRID * GRID, dim=1).flatten()
        self.register_buffer("offset", offset.to(dtype))
        project = fold(dynamics.project, dynamics.bn)
        self.register_buffer("project_bias", project.bias[:, None].to(dtype))
        self._fold_fusion(dynamics, project, dtype)

    def _fold_fusion(self, dynamics: SummedDynamics, project: Affine, dtype: torch.dtype) -> None:
        """Register the convolution `reduce`, and what else the fusion computes with."""
        self.register_buffer("reduce", (project.weight / self.window).to(dtype))

    def input_shapes(self) -> Shapes:
        """Shapes of a frame's features by name."""
        return {
            MOTION: (self.channels, GRID * self.scales, GRID),
            STATIC: (self.features, GRID, GRID),
        }

    def state_shapes(self) -> Shapes:
        """Shapes of one stream's states by name."""
        return {
            MOTION: (1, self.channels * GRID * self.scales * GRID),
            VALID: (self.radius,),
            DYNAMICS: (self.window - 1, self.reduced_size),
            STATIC: (self.radius, self.features, GRID, GRID),
        }

    @property
    def reduced_size(self) -> int:
        """Numbers that the mean over time needs of each change."""
        return self.features * GRID * GRID

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
        """Take T frames of B streams in.

        Args:
            inputs: All of the floating type of the features.
                motion (B, T, C, 7·L, 7) and static (B, T, b, 7, 7), from the encoder;
                valid (B, T), 1 for a frame, 0 for padding;
                state_motion (B, 1, C·7·L·7), motion of the frame before;
                state_valid (B, k), validity of the k frames before;
                state_dynamics (B, 2k−1, X), reduced changes of the frames before;
                state_static (B, k, b, 7, 7), static features of the k frames before.

        Returns:
            Features (B, T, b, 7, 7) and validity (B, T) of the frames t − k …, then the new states by name.
        """
        motion, valid = inputs[MOTION], inputs[VALID]
        valids = torch.cat([inputs[STATE + VALID], valid], dim=1)
        has_change = valids[:, self.radius - 1 : -1] * valid
        motions = torch.cat([inputs[STATE + MOTION], motion.flatten(2)], dim=1)
        changes = (differences(motions) + self.offset).relu().view(-1, *motion.shape[2:])
        reduced = self.reduced(changes).flatten(1).unflatten(0, valid.shape) * has_change[:, :, None]
        window = torch.cat([inputs[STATE + DYNAMICS], reduced], dim=1)
        statics = torch.cat([inputs[STATE + STATIC], inputs[STATIC]], dim=1)

        fused = self.fused(sums(window, self.window).flatten(0, 1)) + self.project_bias
        dynamics = fused.relu().unflatten(-1, (GRID, GRID)).unflatten(0, valid.shape)
        states = {
            MOTION: last(motions, 1),
            VALID: valids[:, -self.radius :],
            DYNAMICS: last(window, self.window - 1),
            STATIC: statics[:, -self.radius :],
        }
        return statics[:, : -self.radius] + dynamics, valids[:, : -self.radius], states

    def reduced(self, changes: Tensor) -> Tensor:
        """Reduce changes (F, C, 7·L, 7) to what the mean over time needs: F rows of X numbers."""
        return F.conv2d(changes.unflatten(2, (self.scales, GRID)).sum(dim=2), self.reduce)

    def fused(self, pooled: Tensor) -> Tensor:
        """Fuse means over time (F, X) to (F, b, 49), to which a bias and a ReLU remain to be applied."""
        return pooled.unflatten(1, (self.features, GRID * GRID))


class ConcatenatedMotion(SummedMotion):
    """Frame features with facial dynamics whose scales are joined along the channels."""

    def reduced(self, changes: Tensor) -> Tensor:
        """See `SummedMotion`."""
        scales = changes.unflatten(2, (self.scales, GRID)).transpose(1, 2)
        return F.conv2d(scales.flatten(1, 2), self.reduce)


class WeightedMotion(SummedMotion):
    """Frame features with facial dynamics whose scales are fused with adaptive weights (eq. 3–6).

    The weighting of the scales commutes with the last 1×1 convolution too, and the convolutions whose results become
    the weights are moved in front of the mean over time with it: the state is a quarter of what it would else be.
    """

    parts_bias: Tensor

    @property
    def reduced_size(self) -> int:
        """(b+16)·L·49: per scale and position, b features and the 16 that make its weight."""
        return (self.features + WEIGHT_CHANNELS) * self.scales * GRID * GRID

    def _fold_fusion(self, dynamics: SummedDynamics, project: Affine, dtype: torch.dtype) -> None:
        assert isinstance(dynamics, FacialDynamics)
        scales = cast("list[WeightedScale]", list(dynamics.scales))
        parts = [fold(scale.weight_conv, scale.weight_bn) for scale in scales]
        weight = torch.cat([project.weight, *(part.weight for part in parts)]) / self.window
        self.register_buffer("reduce", weight.to(dtype))
        self.register_buffer("parts_bias", torch.stack([part.bias for part in parts], dim=1)[:, :, None].to(dtype))
        self.dynamics = copy.deepcopy(dynamics).to(dtype)

    def reduced(self, changes: Tensor) -> Tensor:
        """See `SummedMotion`."""
        reduced = F.conv2d(changes, self.reduce)
        # Every scale's weight features were computed at every scale's positions; each scale keeps its own.
        parts = [
            reduced[:, self.features + WEIGHT_CHANNELS * n :][:, :WEIGHT_CHANNELS, GRID * n : GRID * (n + 1)]
            for n in range(self.scales)
        ]
        return torch.cat([reduced[:, : self.features], torch.cat(parts, dim=2)], dim=1)

    def fused(self, pooled: Tensor) -> Tensor:
        """See `SummedMotion`."""
        pooled = pooled.view(-1, self.features + WEIGHT_CHANNELS, self.scales, GRID * GRID)
        parts = (pooled[:, self.features :] + self.parts_bias).relu().transpose(1, 2)
        weights = self.dynamics.scale_weights(parts.flatten(1, 2).unsqueeze(-1)).squeeze(-1).unsqueeze(1)
        return (pooled[:, : self.features] * weights).sum(dim=2)


FRAME_FEATURES: dict[type[nn.Module], type[StaticFeatures | SummedMotion]] = {
    NoDynamics: StaticFeatures,
    SummedDynamics: SummedMotion,
    ConcatenatedDynamics: ConcatenatedMotion,
    FacialDynamics: WeightedMotion,
}
"""The network's module → the one that computes it here."""


def differences(rows: Tensor) -> Tensor:
    """Every row less the one before: (B, T+1, X) to (B, T, X)."""
    count = _count(rows)
    before = count[:-1, None]
    return ((count == before + 1).to(rows.dtype) - (count == before).to(rows.dtype)) @ rows


def sums(rows: Tensor, window: int) -> Tensor:
    """Sums over `window` neighbours: (B, T+window−1, X) to (B, T, X)."""
    count = _count(rows)
    first = count[: 1 - window, None]
    return ((count >= first) & (count < first + window)).to(rows.dtype) @ rows


def last(rows: Tensor, number: int) -> Tensor:
    """The last rows: (B, T, X) to (B, `number`, X)."""
    count = _count(rows)
    return (count == count[-number:, None]).to(rows.dtype) @ rows


def _count(rows: Tensor) -> Tensor:
    return torch.arange(rows.shape[1], device=rows.device, dtype=torch.int32)
