"""From PyTorch modules to ONNX files."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .graphs import ClipGraph, EncoderGraph, TemporalGraph

OPSET = 18
"""ONNX operator set: has LayerNormalization (17), and every TensorRT since 10.0 reads it."""

FRAMES, STREAMS = "frames", "streams"

# Dynamic sizes must not be 1 in the example, or the tracer takes them for constants.
EXAMPLE = {STREAMS: 2, FRAMES: 3}


@dataclass(frozen=True)
class GraphSpec:
    """A graph to trace.

    Attributes:
        module: Computes the graph.
        inputs: Per input its element type and sizes; dynamic sizes are given by name.
        outputs: Names of the outputs.
    """

    module: nn.Module
    inputs: Mapping[str, tuple[torch.dtype, tuple[int | str, ...]]]
    outputs: tuple[str, ...]


def encoder_spec(encoder: EncoderGraph, size: int) -> GraphSpec:
    """Frames to per-frame features."""
    return GraphSpec(encoder, {"frames": (torch.uint8, (FRAMES, size, size, 3))}, encoder.outputs)


def temporal_spec(temporal: TemporalGraph) -> GraphSpec:
    """Per-frame features and states to scores and new states."""
    shapes = [(STREAMS, FRAMES, *shape) for shape in temporal.frame_shapes().values()]
    shapes += [(STREAMS, *shape) for shape in temporal.state_shapes().values()]
    inputs = {name: (temporal.dtype, shape) for name, shape in zip(temporal.inputs, shapes, strict=True)}
    return GraphSpec(temporal, inputs, temporal.outputs)


def clip_spec(clip: ClipGraph, size: int) -> GraphSpec:
    """Whole clips to scores."""
    return GraphSpec(clip, {"frames": (torch.uint8, (STREAMS, FRAMES, size, size, 3))}, clip.outputs)


def trace(spec: GraphSpec, path: Path) -> None:
    """Write a graph as an ONNX file.

    Args:
        spec: The graph.
        path: The file.

    Raises:
        OSError: The file cannot be written.
    """
    dims = {name: torch.export.Dim(name, min=1, max=65536) for name in EXAMPLE}
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
    model = program.model
    for node in model.graph.all_nodes():
        node.metadata_props.clear()  # stack traces, with the paths of the machine that traced
    model.producer_name = "mdhr-edge"
    program.save(path, external_data=False)


class _Positional(nn.Module):
    """A graph whose inputs are one tuple, as the tracer wants their dynamic sizes."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Run the graph."""
        return self.module(*inputs)


def _example(dtype: torch.dtype, shape: tuple[int | str, ...]) -> Tensor:
    return torch.zeros([EXAMPLE[size] if isinstance(size, str) else size for size in shape], dtype=dtype)
