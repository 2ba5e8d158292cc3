"""The contract between the graphs of a bundle and the programs that run them.

Exporter, verification, runtime, benchmarks and servers take the names of graphs, tensors and dimensions from here, and
the meaning of the model's output. The manifest of a bundle records shapes and element types.

| graph | inputs | outputs |
|---|---|---|
| encoder | frames | static, motion¹ |
| temporal | motion¹, static, valid², `state_…` | scores, combinations³, `new_state_…` |
| clip | frames | scores, combinations³ |
| pnet, rnet, onet | images | offsets, scores; onet also landmarks |
| embedder⁴ | images | embeddings |

¹ If the network has facial dynamics. ² If the graph has a state. ³ If edges depend on them. ⁴ If the bundle can
recognise people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .records import Text

# Graphs of a bundle. Those in the last lines are published networks, the same in every bundle: the face detector,
# MTCNN, and the embedder, dlib's face recognition.
ENCODER, TEMPORAL, CLIP = "encoder", "temporal", "clip"
PNET, RNET, ONET = "pnet", "rnet", "onet"
DETECTOR = (PNET, RNET, ONET)
EMBEDDER = "embedder"

# Dynamic dimensions. Frames are those of a run of the encoder, or of each stream in a run of the temporal graph.
STREAMS_DIM, FRAMES_DIM = "streams", "frames"

# Tensors of the model's graphs.
FRAMES = "frames"
"""uint8 (F, 224, 224, 3), of the clip graph (B, T, 224, 224, 3); RGB."""

MOTION, STATIC = "motion", "static"
"""Features of a frame: maps whose changes are the facial dynamics, and the static ones."""

VALID = "valid"
"""1 for frames, 0 for the padding before the first and after the last."""

SCORES = "scores"
"""float32 (B, T, N), described by `SCORE`; of the detector's graphs, the probability of a face."""

COMBINATIONS = "combinations"
"""int32 (B, T, R): the likeliest on/off combination of each facial region, by which an engine can be checked."""

STATE, NEW_STATE = "state_", "new_state_"
"""Prefixes of the temporal graph's states: what goes in under one comes out under the other. Zeros start a stream."""

DYNAMICS, NODES = "dynamics", "nodes"
"""States besides those that are called like a feature: frame features before their mean over time, and AU nodes."""

# Tensors of the published networks.
IMAGES = "images"
"""uint8 (N, H, W, 3), RGB; the embedder's are aligned faces, (N, 150, 150, 3)."""

OFFSETS, LANDMARKS = "offsets", "landmarks"
"""float32: corrections of a box in fractions of its sides, and five points as five x, then five y."""

EMBEDDINGS = "embeddings"
"""float32 (N, 128), not normalised: the less the Euclidean distance of two, the likelier they are of one person."""

FACES = {SCORES: ("float32", 1), OFFSETS: ("float32", 4)}
PUBLISHED = {
    PNET: {IMAGES: ("uint8", 3), **FACES},
    RNET: {IMAGES: ("uint8", 24, 24, 3), **FACES},
    ONET: {IMAGES: ("uint8", 48, 48, 3), **FACES, LANDMARKS: ("float32", 10)},
    EMBEDDER: {IMAGES: ("uint8", 150, 150, 3), EMBEDDINGS: ("float32", 128)},
}
"""The tensors of the published networks: element type and fixed sizes of each."""


@dataclass(frozen=True)
class OutputRecord:
    """Meaning of the number that the model gives per action unit.

    Attributes:
        name: Its name in words.
        lowest: The least value.
        highest: The largest value.
        threshold: The value from which an action unit counts as occurring.

    Raises:
        ValueError: The threshold is not within the range.
    """

    name: Text
    lowest: float
    highest: float
    threshold: float

    def __post_init__(self) -> None:
        if not self.lowest <= self.threshold <= self.highest:
            bounds = (self.lowest, self.threshold, self.highest)
            raise ValueError(f"the output {self.name!r} has the range and threshold {bounds}")

    def occurs(self, values: np.ndarray) -> np.ndarray:
        """Whether each value says that its action unit occurs, as bool of the same shape."""
        return np.asarray(values >= self.threshold)


SCORE = OutputRecord("occurrence", lowest=0.0, highest=1.0, threshold=0.5)
"""The published model's output: the similarity of a node to its AU's vector. It is no intensity."""


def state_names(tensors: Iterable[str]) -> tuple[str, ...]:
    """Names of the states among a temporal graph's inputs, without the prefix and in the graph's order.

    The input of a state `name` is `STATE + name`, its output `NEW_STATE + name`.
    """
    return tuple(name.removeprefix(STATE) for name in tensors if name.startswith(STATE))
