"""The bundle's own graphs as cases to time: the step of a live stream and its two parts, batches and chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mdhr_runtime.backends import DeviceGraph, TensorView
from mdhr_runtime.bundle import TensorRecord
from mdhr_runtime.contract import ENCODER, FRAMES, NEW_STATE, SCORES, TEMPORAL
from mdhr_runtime.streaming.model import Model

from .timing import Case


def some_frames(model: Model, count: int) -> np.ndarray:
    """Frames (count, 224, 224, 3) uint8 of noise: the time of a run does not depend on what they show."""
    row = model.bundle.manifest.graphs[ENCODER].inputs[FRAMES].row
    return np.random.default_rng(0).integers(0, 256, (count, *row), np.uint8)


def step_cases(model: Model) -> list[Case]:
    """One frame of one stream: the whole step, the encoder alone, and the temporal graph alone."""
    frame = some_frames(model, 1)
    push = model.stream().push
    return [
        Case("step", "step: a frame in, a frame's scores out", "whole", 1, lambda: push(frame)),
        Case("encoder", "encoder", "part", 1, encoder_call(model, 1)),
        Case("temporal", "temporal graph", "part", 1, temporal_call(model)),
    ]


def encoder_call(model: Model, frames: int) -> Callable[[], None]:
    """Frames from the host, features left where the graph runs, as in a stream."""
    outputs = model.bundle.manifest.graphs[ENCODER].outputs
    return graph_call(model.graph(ENCODER), {FRAMES: some_frames(model, frames)}, outputs, frames)


def temporal_call(model: Model) -> Callable[[], None]:
    """One frame's features and a stream's state in, scores and the new state out; only scores come to the host."""
    graph, record = model.graph(TEMPORAL), model.bundle.manifest.graphs[TEMPORAL]
    inputs = {
        name: graph.allocate(
            1, [1 if isinstance(size, str) else size for size in each.shape[1:]], each.dtype, zeros=True
        )
        for name, each in record.inputs.items()
    }
    views = {name: buffer.view(0, 1) for name, buffer in inputs.items()}
    outputs: dict[str, np.ndarray | TensorView] = {
        name: graph.allocate(1, each.row, each.dtype).view(0, 1)
        for name, each in record.outputs.items()
        if name.startswith(NEW_STATE)
    }
    outputs[SCORES] = np.empty((1, 1, *record.outputs[SCORES].row), np.float32)
    return lambda: graph.run(views, outputs)


def graph_call(
    graph: DeviceGraph, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, TensorRecord], rows: int
) -> Callable[[], None]:
    """Run a graph from the host's memory to memory where it runs."""
    views = {name: graph.allocate(rows, each.row, each.dtype).view(0, rows) for name, each in outputs.items()}

    def call() -> None:
        graph.run(inputs, views)
        graph.wait()

    return call


def batch_call(model: Model, streams: int) -> Callable[[], object]:
    """One frame each of several streams that are in step."""
    batch, frame = model.batch(), some_frames(model, 1)
    slots = [batch.open() for _ in range(streams)]
    crops = [frame] * streams
    return lambda: batch.push(slots, crops)


def chunk_call(model: Model, frames: int) -> Callable[[], object]:
    """Several frames of one stream at once."""
    push, many = model.stream().push, some_frames(model, frames)
    return lambda: push(many)
