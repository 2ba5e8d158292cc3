"""Whether graphs compute what the PyTorch model computes, on any backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mdhr_runtime.backends import DeviceGraph, Tensors
from mdhr_runtime.bundle import Manifest, ParityRecord
from mdhr_runtime.errors import ExportError
from mdhr_runtime.streaming.stream import Stream

COMBINATIONS = "combinations"
"""Output of the temporal and the clip graph: the regional argmaxes, if edges depend on them."""

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


# On the golden vectors (80 frames) float32 differs by 1e-6 at most, without a flip. Float16 differs by 2.0e-3 at most
# on unflipped frames (BP4D, ResNet-50); up to 4 of 240 argmaxes flip (DISFA, ResNet-50), which of the 72 to 96
# argmaxes of a verification may by chance be three.
TOLERANCES = {
    "float32": Tolerance(largest=1e-4, mean=1e-4, flips=0.0),
    "float16": Tolerance(largest=1e-2, mean=2e-3, flips=0.05),
}


@dataclass(frozen=True)
class Labels:
    """What a model says of one clip.

    Attributes:
        scores: (T, N) float32.
        combinations: (T, R), the likeliest combination of each region.
    """

    scores: np.ndarray
    combinations: np.ndarray


def label_with_graphs(
    load: Callable[[str], DeviceGraph], manifest: Manifest, frames: np.ndarray
) -> Iterator[tuple[str, Labels]]:
    """Label a clip in every form that a bundle offers: one clip, streams with different steps, and the clip graph.

    Args:
        load: Loads a graph by its name, on the backend that is to be checked.
        manifest: What the bundle says of them.
        frames: (T, 224, 224, 3) uint8, RGB.

    Yields:
        The form's name, and its labels.
    """
    encoder, temporal = load("encoder"), _Listener(load("temporal"), manifest)
    for name, step in (("one clip", len(frames)), *((f"stream, {n} at a time", n) for n in STREAM_STEPS)):
        stream = Stream(encoder, temporal, manifest)
        parts = [stream.push(frames[start : start + step]) for start in range(0, len(frames), step)]
        scores = np.concatenate([*parts, stream.flush()])
        yield name, Labels(scores, temporal.take(manifest.radius, len(frames)))
    if "clip" in manifest.graphs:
        outputs = load("clip")({"frames": frames[None]})
        none = np.empty((1, len(frames), 0), np.int32)
        yield "clip graph", Labels(outputs["scores"][0], outputs.get(COMBINATIONS, none)[0])


def compare_clip(
    backend: str, load: Callable[[str], DeviceGraph], manifest: Manifest, frames: np.ndarray, expected: Labels
) -> list[ParityRecord]:
    """Label a clip in every form that a bundle offers, and compare the scores.

    Args:
        backend: What the graphs run on, for the records.
        load: Loads a graph by its name there.
        manifest: What the bundle says of the graphs.
        frames: (T, 224, 224, 3) uint8, RGB.
        expected: What is right.
    """
    reach = manifest.lookahead - manifest.radius
    forms = label_with_graphs(load, manifest, frames)
    return [compare(f"{backend}: {form}", expected, labels, reach) for form, labels in forms]


def compare(form: str, expected: Labels, found: Labels, reach: int) -> ParityRecord:
    """Measure differences; those of frames that a flipped argmax reaches are told apart.

    Args:
        form: What was run, for the record.
        expected: What is right.
        found: What it gave.
        reach: Frames on either side of its own whose scores a flip changes, as the temporal convolution carries it.
    """
    difference = np.abs(expected.scores - found.scores)
    flipped = expected.combinations != found.combinations
    reached = np.convolve(flipped.any(axis=1), np.ones(2 * reach + 1), mode="same") > 0
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


def check_parity(records: Sequence[ParityRecord], tolerance: Tolerance) -> None:
    """Refuse graphs that do not compute what the model computes.

    Raises:
        ExportError: A record is above the tolerance.
    """
    failed = [record for record in records if exceeds(record, tolerance)]
    if failed:
        raise ExportError(
            "The exported graphs differ from the PyTorch model.",
            "; ".join(
                f"{record.form}: {record.output} by up to {record.largest_unflipped:.1e} "
                f"(at most {tolerance.largest:.0e}), {record.flips} of {record.argmaxes} regional argmaxes "
                f"(at most {tolerance.flips:.0%})"
                for record in failed
            ),
            "Nothing was written. Export in float32, or with --no-verify to look at the graphs.",
        )


class _Listener:
    """A temporal graph that keeps the regional argmaxes that it finds on the way."""

    def __init__(self, graph: DeviceGraph, manifest: Manifest) -> None:
        self._graph = graph
        self.limits, self.allocate, self.wait = graph.limits, graph.allocate, graph.wait
        # Where no edge depends on the regional argmaxes, the graph does not tell them, and R is 0.
        self._told = COMBINATIONS in manifest.graphs["temporal"].outputs
        self._regions = len(manifest.layout.regions) if self._told else 0
        self._seen: list[np.ndarray] = []

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return self._graph(inputs)

    def run(self, inputs: Tensors, outputs: Tensors) -> None:
        combinations = np.empty((*outputs["scores"].shape[:2], self._regions), np.int32)
        self._graph.run(inputs, {**outputs, COMBINATIONS: combinations} if self._told else outputs)
        self._seen.append(combinations[0])

    def take(self, delay: int, frames: int) -> np.ndarray:
        """Argmaxes (T, R) of the run since the last call; the graph works `delay` frames behind its input."""
        seen = np.concatenate(self._seen)[delay : delay + frames]
        self._seen.clear()
        return seen
