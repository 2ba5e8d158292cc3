"""The bundle's own graphs as things to time: the step of a live stream, and its two parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mdhr_runtime.backends import Buffer, DeviceGraph, TensorView
from mdhr_runtime.bundle import TensorRecord
from mdhr_runtime.streaming.model import Model

from .sampling import Way


def some_frames(model: Model, count: int) -> np.ndarray:
    """Frames (count, 224, 224, 3) uint8 of noise: the time of a run does not depend on what they show."""
    shape = model.bundle.manifest.graphs["encoder"].inputs["frames"].shape[1:]
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def step_ways(model: Model) -> list[Way]:
    """One frame of one stream: the whole step, the encoder alone, and the temporal graph alone."""
    frame = some_frames(model, 1)
    push = model.stream().push
    return [
        Way("step", "step: a frame in, a frame's scores out", "whole", 1, lambda: push(frame)),
        Way("encoder", "encoder", "part", 1, encoder_call(model, 1)),
        Way("temporal", "temporal graph", "part", 1, temporal_call(model)),
    ]


def encoder_call(model: Model, frames: int) -> Callable[[], None]:
    """Frames from the host, features left where the graph runs, as in a stream."""
    record = model.bundle.manifest.graphs["encoder"]
    return graph_call(model.graph("encoder"), {"frames": some_frames(model, frames)}, record.outputs, frames)


def temporal_call(model: Model) -> Callable[[], None]:
    """One frame's features and a stream's state in, scores and the new state out; only scores come to the host."""
    graph, record = model.graph("temporal"), model.bundle.manifest.graphs["temporal"]
    shapes = {name: tuple(1 if isinstance(n, str) else n for n in each.shape) for name, each in record.inputs.items()}
    inputs = {
        name: graph.allocate(1, shapes[name][1:], each.dtype, zeros=True).view(0, 1)
        for name, each in record.inputs.items()
    }
    states = {name: each for name, each in record.outputs.items() if name.startswith("new_state_")}
    outputs: dict[str, np.ndarray | TensorView] = {
        name: graph.allocate(1, each.shape[1:], each.dtype).view(0, 1) for name, each in states.items()
    }
    outputs["scores"] = np.empty((1, 1, *record.outputs["scores"].shape[2:]), np.float32)
    return lambda: graph.run(inputs, outputs)


def graph_call(
    graph: DeviceGraph, inputs: dict[str, np.ndarray], outputs: dict[str, TensorRecord], rows: int
) -> Callable[[], None]:
    """Run a graph from the host's memory to memory where it runs."""
    regions = {name: buffer.view(0, rows) for name, buffer in _buffers(graph, outputs, rows).items()}

    def call() -> None:
        graph.run(inputs, regions)
        graph.wait()

    return call


def batch_call(model: Model, streams: int) -> Callable[[], object]:
    """One frame each of several streams that are in step."""
    batch, frame = model.batch(), some_frames(model, 1)
    lanes: Sequence = [batch.open() for _ in range(streams)]
    crops = [frame] * streams
    return lambda: batch.push(lanes, crops)


def chunk_call(model: Model, frames: int) -> Callable[[], object]:
    """Several frames of one stream at once."""
    push, many = model.stream().push, some_frames(model, frames)
    return lambda: push(many)


def _buffers(graph: DeviceGraph, outputs: dict[str, TensorRecord], rows: int) -> dict[str, Buffer]:
    return {name: graph.allocate(rows, each.shape[1:], each.dtype) for name, each in outputs.items()}
