"""Comparison of graphs with the PyTorch model, on any backend, and the clip that a bundle carries for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from zipfile import BadZipFile

import numpy as np

from ..backends import DeviceGraph, Tensors
from ..bundle import EXPORT_AGAIN, VERIFICATION, Bundle, Manifest, ParityRecord
from ..contract import CLIP, COMBINATIONS, ENCODER, FRAMES, SCORES, TEMPORAL
from ..errors import BundleError
from .stream import Stream

STREAM_STEPS = (1, 3)
"""Numbers of frames that are pushed at a time when the streaming form is checked."""


@dataclass(frozen=True)
class Tolerance:
    """Largest differences that are allowed between graphs and the PyTorch model.

    Attributes:
        largest: Largest difference of a score on frames that no flipped argmax reaches.
        mean: Mean difference of all scores.
        flips: Fraction of regional argmaxes that may differ.
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
    """A model's output for one clip.

    Attributes:
        scores: (T, N) float32.
        combinations: (T, R), the likeliest combination of each region.
    """

    scores: np.ndarray
    combinations: np.ndarray


@dataclass(frozen=True)
class Reference:
    """A clip with its labels.

    Attributes:
        source: Origin of the labels: "PyTorch", or "ONNX Runtime" where PyTorch is not installed.
        frames: (T, 224, 224, 3) uint8, RGB.
        labels: The right labels.
    """

    source: str
    frames: np.ndarray
    labels: Labels


def bundled_reference(bundle: Bundle) -> Reference | None:
    """Read the clip that a bundle carries, with PyTorch's labels; None if it was exported without one.

    Raises:
        BundleError: It is none.
    """
    if VERIFICATION not in bundle.manifest.files:
        return None
    try:
        with np.load(bundle.path / VERIFICATION) as arrays:
            frames, labels = arrays[FRAMES], Labels(arrays[SCORES], arrays[COMBINATIONS])
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise BundleError(f"{bundle.path / VERIFICATION} is damaged.", f"{error}.", EXPORT_AGAIN) from error
    manifest = bundle.manifest
    rows = manifest.graphs[ENCODER].inputs[FRAMES].row, (len(manifest.layout.aus),), (_regions(manifest),)
    shapes = [array.shape for array in (frames, labels.scores, labels.combinations)]
    if not frames.size or shapes != [(len(frames), *row) for row in rows]:
        raise BundleError(
            f"{bundle.path / VERIFICATION} is damaged.", "Its arrays do not fit the bundle.", EXPORT_AGAIN
        )
    return Reference("PyTorch", frames, labels)


def label_with_graphs(
    load: Callable[[str], DeviceGraph], manifest: Manifest, frames: np.ndarray
) -> Iterator[tuple[str, Labels]]:
    """Label a clip in every form that a bundle offers: one clip, streams with different steps, and the clip graph.

    Args:
        load: Loads a graph by its name, on the backend that is to be checked.
        manifest: The bundle's description of them.
        frames: (T, 224, 224, 3) uint8, RGB.

    Yields:
        The form's name, and its labels.
    """
    encoder, temporal = load(ENCODER), load(TEMPORAL)
    for name, step in (("one clip", len(frames)), *((f"stream, {n} at a time", n) for n in STREAM_STEPS)):
        yield name, label_stream(encoder, temporal, manifest, frames, range(step, len(frames), step))[0]
    if CLIP in manifest.graphs:
        outputs = load(CLIP)({FRAMES: frames[None]})
        none = np.empty((1, len(frames), 0), np.int32)
        yield "clip graph", Labels(outputs[SCORES][0], outputs.get(COMBINATIONS, none)[0])


def label_stream(
    encoder: DeviceGraph, temporal: DeviceGraph, manifest: Manifest, frames: np.ndarray, cuts: Sequence[int]
) -> tuple[Labels, list[float]]:
    """Label a clip as a stream.

    Args:
        encoder: The graph that describes frames.
        temporal: The graph that relates them in time.
        manifest: The bundle's description of them.
        frames: (T, 224, 224, 3) uint8, RGB.
        cuts: Frames before which it is cut into parts, which are pushed one after the other.

    Returns:
        The labels, and the seconds that each part took.
    """
    recorder = _CombinationRecorder(temporal, manifest)
    stream = Stream(encoder, recorder, manifest)
    scores, seconds = [], []
    for part in np.split(frames, cuts):
        begun = perf_counter()
        scores.append(stream.push(part))
        seconds.append(perf_counter() - begun)
    whole = np.concatenate([*scores, stream.flush()])
    return Labels(whole, recorder.take(manifest.radius, len(frames))), seconds


def compare_clip(
    backend: str, load: Callable[[str], DeviceGraph], manifest: Manifest, frames: np.ndarray, expected: Labels
) -> list[ParityRecord]:
    """Label a clip in every form that a bundle offers, and compare the scores.

    Args:
        backend: Name of the backend, for the records.
        load: Loads a graph by its name there.
        manifest: The bundle's description of the graphs.
        frames: (T, 224, 224, 3) uint8, RGB.
        expected: The right labels.
    """
    reach = manifest.lookahead - manifest.radius
    forms = label_with_graphs(load, manifest, frames)
    return [compare(f"{backend}: {form}", expected, labels, reach) for form, labels in forms]


def compare(form: str, expected: Labels, found: Labels, reach: int) -> ParityRecord:
    """Measure differences, with those of frames that no flipped argmax reaches apart.

    Args:
        form: The form that was run, for the record.
        expected: The right labels.
        found: Those of the form.
        reach: Frames on either side of its own whose scores a flip changes, as the temporal convolution carries it.
    """
    difference = np.abs(expected.scores - found.scores)
    flipped = expected.combinations != found.combinations
    reached = np.convolve(flipped.any(axis=1), np.ones(2 * reach + 1))[reach:][: len(flipped)] > 0
    unflipped = difference[~reached]
    return ParityRecord(
        form=form,
        output=SCORES,
        largest=float(difference.max()),
        mean=float(difference.mean()),
        largest_unflipped=float(unflipped.max()) if unflipped.size else 0.0,
        flips=int(flipped.sum()),
        argmaxes=int(flipped.size),
    )


def exceeds(record: ParityRecord, tolerance: Tolerance) -> bool:
    """Whether a record's scores are above the tolerance, or any output is not a number."""
    if record.output != SCORES:
        return not np.isfinite(record.largest)
    within = (
        record.largest_unflipped <= tolerance.largest
        and record.flips <= tolerance.flips * record.argmaxes
        # A flip changes scores for a reason other than rounding, so only a clip without any is held to the mean.
        and (record.flips > 0 or record.mean <= tolerance.mean)
        and np.isfinite(record.largest)
    )
    return not within


def excess(record: ParityRecord, tolerance: Tolerance) -> str:
    """What a record that exceeds a tolerance has, and what it may have."""
    return (
        f"{record.form}: {record.output} by up to {record.largest_unflipped:.1e} (at most {tolerance.largest:.0e}), "
        f"{record.mean:.1e} on average (at most {tolerance.mean:.0e}), {record.flips} of {record.argmaxes} regional "
        f"argmaxes (at most {tolerance.flips:.0%})"
    )


def _regions(manifest: Manifest) -> int:
    """Number R of regional argmaxes: where no edge depends on them, they are no output of the graph."""
    return len(manifest.layout.regions) if COMBINATIONS in manifest.graphs[TEMPORAL].outputs else 0


class _CombinationRecorder:
    """A temporal graph that keeps the regional argmaxes of its runs."""

    def __init__(self, graph: DeviceGraph, manifest: Manifest) -> None:
        self._graph = graph
        self.limits, self.allocate, self.wait = graph.limits, graph.allocate, graph.wait
        self._regions = _regions(manifest)
        self._kept: list[np.ndarray] = []

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return self._graph(inputs)

    def run(self, inputs: Tensors, outputs: Tensors) -> None:
        combinations = np.empty((*outputs[SCORES].shape[:2], self._regions), np.int32)
        self._graph.run(inputs, {**outputs, COMBINATIONS: combinations} if self._regions else outputs)
        self._kept.append(combinations[0])

    def take(self, delay: int, frames: int) -> np.ndarray:
        """Return the argmaxes (T, R); the graph works `delay` frames behind its input."""
        return np.concatenate(self._kept)[delay : delay + frames]
