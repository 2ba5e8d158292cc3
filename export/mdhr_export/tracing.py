"""From PyTorch modules to ONNX files."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch
from onnxscript import ir
from torch import Tensor, nn

from mdhr_runtime.bundle import TensorRecord
from mdhr_runtime.contract import EMBEDDER, FRAMES, FRAMES_DIM, IMAGES, PNET, STREAMS_DIM
from mdhr_train.data.mtcnn import SIDES, MtcnnNetwork

from .graphs import ClipGraph, EmbedderGraph, EncoderGraph, TemporalGraph
from .graphs.embedder import SIDE

OPSET = 18
"""ONNX operator set: has LayerNormalization (17), and every TensorRT since 10.0 reads it."""

DIMENSIONS = {STREAMS_DIM: (2, 1), FRAMES_DIM: (3, 1), "N": (2, 1), "H": (24, 12), "W": (33, 12)}
"""Dynamic dimensions: size in the example, and least size. An example of 1 would be taken for a constant."""

Shape = tuple[int | str, ...]
"""Sizes of a tensor; dynamic ones are given by name."""

TensorRecords = dict[str, TensorRecord]


@dataclass(frozen=True)
class GraphSpec:
    """A graph to trace.

    Attributes:
        module: Computes the graph.
        inputs: Element types and shapes of the inputs, by name.
        outputs: Names of the outputs.
        cells: Names of the outputs' sizes that are computed from the inputs', by axis.
    """

    module: nn.Module
    inputs: Mapping[str, tuple[torch.dtype, Shape]]
    outputs: tuple[str, ...]
    cells: Mapping[int, str] = field(default_factory=dict)


def encoder_spec(encoder: EncoderGraph, size: int) -> GraphSpec:
    """Frames to per-frame features."""
    return GraphSpec(encoder, {FRAMES: (torch.uint8, (FRAMES_DIM, size, size, 3))}, encoder.outputs)


def temporal_spec(temporal: TemporalGraph) -> GraphSpec:
    """Per-frame features and states to scores and new states."""
    shapes: list[Shape] = [(STREAMS_DIM, FRAMES_DIM, *shape) for shape in temporal.frame_shapes().values()]
    shapes += [(STREAMS_DIM, *shape) for shape in temporal.state_shapes().values()]
    inputs = {name: (temporal.dtype, shape) for name, shape in zip(temporal.inputs, shapes, strict=True)}
    return GraphSpec(temporal, inputs, temporal.outputs)


def clip_spec(clip: ClipGraph, size: int) -> GraphSpec:
    """Whole clips to scores."""
    return GraphSpec(clip, {FRAMES: (torch.uint8, (STREAMS_DIM, FRAMES_DIM, size, size, 3))}, clip.outputs)


def detector_spec(name: str) -> GraphSpec:
    """A network of MTCNN, by the name of its graph: images to offsets, scores and landmarks.

    Raises:
        ConfigError: The package that carries the weights is not installed, or is another version.
    """
    network, side = MtcnnNetwork(name), SIDES[name]
    inputs = {IMAGES: (torch.uint8, ("N", side or "H", side or "W", 3))}
    return GraphSpec(network, inputs, network.outputs, {2: "h", 3: "w"} if name == PNET else {})


def embedder_spec() -> GraphSpec:
    """The face recognition network of dlib: aligned faces to embeddings.

    Raises:
        ExportError: The package that carries the weights is not installed, or carries others.
    """
    embedder = EmbedderGraph()
    return GraphSpec(embedder, {IMAGES: (torch.uint8, ("N", SIDE, SIDE, 3))}, embedder.outputs)


def trace(spec: GraphSpec, path: Path) -> tuple[TensorRecords, TensorRecords]:
    """Write a graph as an ONNX file.

    Args:
        spec: The graph.
        path: The file.

    Returns:
        The graph's inputs, and its outputs.

    Raises:
        OSError: The file cannot be written.
    """
    return _save(_trace(spec), path)


def trace_published(name: str, path: Path) -> tuple[TensorRecords, TensorRecords]:
    """Write a network of MTCNN or the embedder as an ONNX file; see `detector_spec`, `embedder_spec` and `trace`."""
    return _save(_published(name), path)


@cache
def _published(name: str) -> ir.Model:
    """Trace a published network, once per process: its weights are always the same."""
    return _trace(embedder_spec() if name == EMBEDDER else detector_spec(name))


def _trace(spec: GraphSpec) -> ir.Model:
    dims = {name: torch.export.Dim(name, min=least, max=65536) for name, (_, least) in DIMENSIONS.items()}
    shapes = tuple(
        {axis: dims[size] for axis, size in enumerate(shape) if isinstance(size, str)}
        for _, shape in spec.inputs.values()
    )
    with warnings.catch_warnings(), torch.no_grad():
        # The tracer warns that inputs share the dimension names that they are meant to share.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Positional(spec.module).eval(),
            tuple(_example(dtype, shape) for dtype, shape in spec.inputs.values()),
            input_names=list(spec.inputs),
            output_names=list(spec.outputs),
            dynamic_shapes=(shapes,),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # it is what `dynamo` asks for
    model: ir.Model = program.model
    for node in model.graph.all_nodes():
        node.metadata_props.clear()  # stack traces, with the paths of the machine that traced
    for output in model.graph.outputs:
        output.shape = ir.Shape(spec.cells.get(axis, size) for axis, size in enumerate(output.shape or ()))
    model.producer_name = "mdhr-edge"
    return model


def _save(model: ir.Model, path: Path) -> tuple[TensorRecords, TensorRecords]:
    ir.save(model, path)
    graph = model.graph
    return {str(x.name): _record(x) for x in graph.inputs}, {str(x.name): _record(x) for x in graph.outputs}


def _record(value: ir.Value) -> TensorRecord:
    assert value.dtype is not None  # the tracer gives every tensor a type and a shape
    assert value.shape is not None
    sizes = tuple(size if isinstance(size, int) else str(size) for size in value.shape)
    return TensorRecord(value.dtype.numpy().name, sizes)


class _Positional(nn.Module):
    """A graph whose inputs are one tuple, as the tracer wants their dynamic sizes."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the graph."""
        outputs: tuple[Tensor, ...] = self.module(*inputs)
        return outputs


def _example(dtype: torch.dtype, shape: Shape) -> Tensor:
    return torch.zeros([DIMENSIONS[size][0] if isinstance(size, str) else size for size in shape], dtype=dtype)
