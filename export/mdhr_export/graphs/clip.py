"""The clip graph: whole clips in, scores out, for other runtimes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mdhr_train.model import normalise

from .encoder import EncoderGraph
from .temporal import TemporalGraph


class ClipGraph(nn.Module):
    """The encoder and the temporal graph in one, without a state.

    Args:
        encoder: The encoder.
        temporal: The temporal graph.
    """

    def __init__(self, encoder: EncoderGraph, temporal: TemporalGraph) -> None:
        super().__init__()
        self.encoder = encoder
        self.temporal = temporal

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what `forward` returns."""
        return self.temporal.labels

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """Score clips.

        Args:
            frames: (B, T, 224, 224, 3) uint8, RGB.

        Returns:
            scores (B, T, N) float32, and where edges depend on them combinations (B, T, R) int32, the likeliest
            combination of each region; see `outputs`.
        """
        clips = frames.shape[:2]
        # Normalise before the clips are joined: TensorRT lets an 8-bit input feed nothing but a cast.
        pixels = normalise(frames, self.encoder.dtype).flatten(0, 1)
        features = [x.unflatten(0, clips) for x in self.encoder.describe(pixels)]
        if self.temporal.state_shapes():
            features.append(torch.ones(clips, dtype=pixels.dtype, device=pixels.device))
        states = [
            torch.zeros((clips[0], *shape), dtype=pixels.dtype, device=pixels.device)
            for shape in self.temporal.state_shapes().values()
        ]
        # The clip's end is a stream's end: as many invalid frames as the scores lag behind.
        ahead, delay = self.temporal.lookahead, self.temporal.features.radius
        scores, *others = self.temporal(*(_padded(x, ahead) for x in features), *states)
        combinations = others[: len(self.outputs) - 1]
        return scores[:, ahead:], *(x[:, delay : delay + clips[1]] for x in combinations)


def _padded(x: Tensor, frames: int) -> Tensor:
    """Add zero frames at the end of clips (B, T, …)."""
    return F.pad(x, (0, 0) * (x.dim() - 2) + (0, frames)) if frames else x
