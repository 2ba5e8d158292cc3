"""The clip graph: whole clips in, scores out, for people who bring their own runtime."""

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

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Score clips.

        Args:
            frames: (B, T, 224, 224, 3) uint8, RGB.

        Returns:
            scores (B, T, N) float32, and combinations (B, T, R) int32, the likeliest combination of each region.
        """
        clips = frames.shape[:2]
        # Normalise before the clips are joined: TensorRT lets an 8-bit input feed nothing but a cast.
        pixels = normalise(frames, self.encoder.dtype).flatten(0, 1)
        motion, static = (x.unflatten(0, clips) for x in self.encoder.describe(pixels))
        ahead = self.temporal.lookahead
        valid = torch.ones(clips, dtype=motion.dtype, device=motion.device)
        states = [
            torch.zeros((clips[0], *shape), dtype=motion.dtype, device=motion.device)
            for shape in self.temporal.state_shapes().values()
        ]
        # The clip's end is a stream's end: as many invalid frames as the scores lag behind.
        scores, combinations, *_ = self.temporal(
            F.pad(motion, (0, 0, 0, 0, 0, 0, 0, ahead)),
            F.pad(static, (0, 0, 0, 0, 0, 0, 0, ahead)),
            F.pad(valid, (0, ahead)),
            *states,
        )
        delay = self.temporal.radius
        return scores[:, ahead:], combinations[:, delay : delay + clips[1]]
