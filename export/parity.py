"""Whether exported graphs compute what the PyTorch model computes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

from mdhr_runtime.backends import Graph
from mdhr_runtime.backends.onnx_runtime import load_graph
from mdhr_runtime.bundle import Bundle, ParityRecord
from mdhr_runtime.stream import Stream
from mdhr_train.model import MDHR, normalise
from mdhr_train.model.temporal import CONTEXT

from .graphs import EncoderGraph

STREAM_STEPS = (1, 3)
"""Numbers of frames that are pushed at a time when the streaming form is checked."""


@dataclass(frozen=True)
class Tolerance:
    """How much the graphs may differ from the PyTorch model.

    Attributes:
        largest: Largest difference of a score on frames that no flipped argmax reaches.
        mean: Mean difference of all scores.
        flips: Share of regional argmaxes that may differ.
    """

    largest: float
    mean: float
    flips: float


# On the golden vectors (BP4D, ResNet-50, 80 frames) float32 differs by 1e-6 at most, without a flip; float16 by 2.4e-3
# at most on unflipped frames, with 2 of 320 argmaxes flipped.
TOLERANCES = {
    "float32": Tolerance(largest=1e-4, mean=1e-4, flips=0.0),
    "float16": Tolerance(largest=1e-2, mean=2e-3, flips=0.02),
}


@dataclass(frozen=True)
class Labels:
    """What a model says of one clip.

    Attributes:
        scores: (T, N) float32.
        combinations: (T, R), the likeliest combination of each region; (T, 0) where no edge depends on them.
    """

    scores: np.ndarray
    combinations: np.ndarray


def measure_parity(model: MDHR, bundle: Bundle, frames: np.ndarray) -> list[ParityRecord]:
    """Run the PyTorch model and the bundle's graphs on the same clip, and compare.

    Args:
        model: The network, in float32.
        bundle: Its exported graphs.
        frames: (T, 224, 224, 3) uint8, RGB.

    Returns:
        A record per output of the encoder, and one for the scores in every form of the bundle: one clip, streams with
        different steps, and the clip graph if it is there.

    Raises:
        ProviderError: ONNX Runtime is not installed.
        BundleError: ONNX Runtime refuses a graph.
    """
    expected = label_with_torch(model, frames)
    forms = label_with_graphs(bundle, frames)
    context = model.config.context
    records = [compare(form, expected, labels, context) for form, labels in forms]
    return compare_features(model, bundle, frames) + records


def compare_features(model: MDHR, bundle: Bundle, frames: np.ndarray) -> list[ParityRecord]:
    """Measure how far the features of the exported encoder are from those that PyTorch computes."""
    reference = EncoderGraph(model, torch.float32).eval()
    with torch.inference_mode():
        expected = dict(zip(reference.outputs, reference(torch.from_numpy(frames)), strict=True))
    found = load_graph(bundle.graph_path("encoder"))({"frames": frames})
    differences = {name: np.abs(expected[name].numpy() - found[name]) for name in expected}
    return [
        ParityRecord("encoder", name, float(d.max()), float(d.mean()), float(d.max()), flips=0, argmaxes=0)
        for name, d in differences.items()
    ]


def label_with_torch(model: MDHR, frames: np.ndarray) -> Labels:
    """Label a clip (T, 224, 224, 3) uint8 with the network itself."""
    with torch.inference_mode():
        output = model(normalise(torch.from_numpy(frames))[None])
    logits = output.region_logits if model.config.activated else ()
    combinations = [np.empty((len(frames), 0), np.int64), *(x[0].argmax(dim=-1, keepdim=True).numpy() for x in logits)]
    return Labels(output.scores[0].numpy(), np.concatenate(combinations, axis=-1))


def label_with_graphs(bundle: Bundle, frames: np.ndarray) -> Iterator[tuple[str, Labels]]:
    """Label a clip (T, 224, 224, 3) uint8 in every form that a bundle offers; yields the form's name and the labels."""
    encoder = load_graph(bundle.graph_path("encoder"))
    temporal = _Probe(bundle.graph_path("temporal"))
    for name, step in (("one clip", len(frames)), *((f"stream, {n} at a time", n) for n in STREAM_STEPS)):
        stream = Stream(encoder, temporal, bundle.manifest)
        parts = [stream.push(frames[start : start + step]) for start in range(0, len(frames), step)]
        scores = np.concatenate([*parts, stream.flush()])
        yield name, Labels(scores, temporal.take(bundle.manifest.radius, len(frames)))
    if "clip" in bundle.manifest.graphs:
        clip = _Probe(bundle.graph_path("clip"))
        scores = clip({"frames": frames[None]})["scores"][0]
        yield "clip graph", Labels(scores, clip.take(bundle.manifest.radius, len(frames)))


def compare(form: str, expected: Labels, found: Labels, context: int = CONTEXT) -> ParityRecord:
    """Measure differences; those of frames that a flipped argmax reaches are told apart.

    Args:
        form: What was run.
        expected: Labels of the network.
        found: Labels of the graphs.
        context: Frames on either side that a frame's graph reaches through the temporal convolution.
    """
    difference = np.abs(expected.scores - found.scores)
    flipped = expected.combinations != found.combinations
    # A flip changes the graph's edges in its frame, and the temporal convolution carries that to its neighbours.
    reach = np.ones(2 * context + 1)
    reached = np.convolve(flipped.any(axis=1), reach, mode="same") > 0
    unflipped = difference[~reached]
    return ParityRecord(
        form=form,
        output="scores",
        largest=float(difference.max()),
        mean=float(difference.mean()),
        largest_unflipped=float(unflipped.max()) if unflipped.size else 0.0,
        flips=int(flipped.sum()),
        argmaxes=int(flipped.size),
    )


def exceeds(record: ParityRecord, tolerance: Tolerance) -> bool:
    """Whether a record's scores are above the tolerance, or any output is not a number."""
    if record.output != "scores":
        return not np.isfinite(record.largest)
    within = (
        record.largest_unflipped <= tolerance.largest
        and record.flips <= tolerance.flips * record.argmaxes
        # A flip changes scores for a reason other than rounding, so only a clip without any is held to the mean.
        and (record.flips > 0 or record.mean <= tolerance.mean)
        and np.isfinite(record.largest)
    )
    return not within


class _Probe:
    """A graph that also tells its regional argmaxes, which the exported graph keeps inside."""

    def __init__(self, path: Path) -> None:
        model = onnx.load(path)
        self._names = [node.output[0] for node in model.graph.node if node.op_type == "ArgMax"]
        for name in self._names:
            model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, None))
        with tempfile.TemporaryDirectory() as folder:
            probed = Path(folder) / path.name
            onnx.save(model, probed)
            self._graph: Graph = load_graph(probed)
        self._seen: list[np.ndarray] = []

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = self._graph(inputs)
        if self._names:
            self._seen.append(np.stack([outputs.pop(name) for name in self._names], axis=-1))
        return outputs

    def take(self, delay: int, frames: int) -> np.ndarray:
        """Argmaxes (T, R) of the run since the last call; the graph works `delay` frames behind its input.

        A graph without argmaxes has R = 0.
        """
        if not self._names:
            return np.empty((frames, 0), np.int64)
        seen = np.concatenate(self._seen)[delay : delay + frames]
        self._seen.clear()
        return seen
