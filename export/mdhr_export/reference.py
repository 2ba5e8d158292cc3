"""What the PyTorch model itself says, for exported graphs to be compared with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from mdhr_runtime.bundle import ParityRecord
from mdhr_train.model import MDHR, normalise

from .graphs import EncoderGraph
from .parity import Labels


def label_with_torch(model: MDHR, frames: np.ndarray) -> Labels:
    """Label a clip (T, 224, 224, 3) uint8 with the network itself, in float32."""
    with torch.inference_mode():
        output = model(normalise(torch.from_numpy(frames))[None])
    # Where no edge depends on the regional argmaxes, they are no part of what is computed.
    logits = output.region_logits if model.config.activated else ()
    none = np.empty((len(frames), 0), np.int32)
    combinations = [x[0].argmax(dim=-1, keepdim=True).int().numpy() for x in logits]
    return Labels(output.scores[0].numpy(), np.concatenate([none, *combinations], axis=-1))


def compare_features(model: MDHR, found: Mapping[str, np.ndarray], frames: np.ndarray) -> list[ParityRecord]:
    """Measure how far features are from those that PyTorch computes.

    Args:
        model: The network, in float32.
        found: Outputs of an exported encoder.
        frames: (T, 224, 224, 3) uint8, what it was given.

    Returns:
        A record per output.
    """
    reference = EncoderGraph(model, torch.float32).eval()
    with torch.inference_mode():
        expected = dict(zip(reference.outputs, reference(torch.from_numpy(frames)), strict=True))
    differences = {name: np.abs(expected[name].numpy() - found[name]) for name in expected}
    return [
        ParityRecord(
            "ONNX Runtime: encoder", name, float(d.max()), float(d.mean()), float(d.max()), flips=0, argmaxes=0
        )
        for name, d in differences.items()
    ]
