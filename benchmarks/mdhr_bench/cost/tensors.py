"""Shapes and sizes of all tensors of a graph.

They are read off one run of the graph. ONNX's own shape inference, data propagation included, leaves every tensor
unknown whose shape comes from Shape, Range and Slice together, which in the temporal graph is a quarter of them; a run
is exact for every operator, and one of the encoder takes a second or two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mdhr_runtime.backends import onnx_runtime
from mdhr_runtime.errors import BundleError

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class TensorSize:
    """What a tensor takes.

    Attributes:
        shape: Its sizes.
        bytes: Bytes of its elements.
        floating: Whether its elements are floating point numbers.
    """

    shape: tuple[int, ...]
    bytes: int
    floating: bool

    @property
    def elements(self) -> int:
        """Number of its elements."""
        return math.prod(self.shape)


def tensor_sizes(model: onnx.ModelProto, sizes: Mapping[str, int]) -> dict[str, TensorSize]:
    """Sizes of all tensors of a graph: inputs, weights, and results of operators.

    Where a shape depends on values, it is that for inputs of zeros.

    Args:
        model: The graph, with its weights.
        sizes: Dynamic dimensions by their names in the graph; names that the graph does not use are ignored.

    Raises:
        BundleError: A dynamic dimension is not among the sizes, or ONNX Runtime refuses the graph.
        ProviderError: ONNX Runtime is not installed.
    """
    weights = {tensor.name: _size(tensor.dims, _dtype(tensor.data_type)) for tensor in model.graph.initializer}
    inputs = {
        value.name: np.zeros(_shape(value, sizes), _dtype(value.type.tensor_type.elem_type))
        for value in model.graph.input
        if value.name not in weights
    }
    known = {name: _size(array.shape, array.dtype) for name, array in inputs.items()}
    return weights | known | _results(model, inputs)


def _results(model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> dict[str, TensorSize]:
    """Sizes of the results of all operators."""
    names = [name for node in model.graph.node for name in node.output if name]
    ort = onnx_runtime.onnxruntime_module()
    try:
        session = ort.InferenceSession(_with_outputs(model, names), _options(), providers=["CPUExecutionProvider"])
        arrays = session.run(names, dict(inputs))
    except Exception as error:  # the exceptions of ONNX Runtime and of protobuf share no base class
        raise BundleError(
            "The sizes of a graph's tensors cannot be found.",
            f"ONNX Runtime does not run it: {(str(error) or repr(error)).splitlines()[0]}",
            "Export the checkpoint again with `mdhr-export`.",
        ) from error
    return {name: _size(array.shape, array.dtype) for name, array in zip(names, arrays, strict=True)}


def _with_outputs(model: onnx.ModelProto, names: list[str]) -> bytes:
    """The model with all these tensors among its outputs; ONNX Runtime finds their types."""
    import onnx

    given = {value.name for value in model.graph.output}
    added = [onnx.ValueInfoProto(name=name) for name in names if name not in given]
    model.graph.output.extend(added)
    try:
        return model.SerializeToString()
    finally:
        del model.graph.output[len(model.graph.output) - len(added) :]


def _options() -> Any:
    options = onnx_runtime.session_options(threads=1)
    # The graph runs but once: to optimise it would take longer.
    options.graph_optimization_level = onnx_runtime.onnxruntime_module().GraphOptimizationLevel.ORT_DISABLE_ALL
    return options


def _shape(value: onnx.ValueInfoProto, sizes: Mapping[str, int]) -> tuple[int, ...]:
    dimensions = value.type.tensor_type.shape.dim
    unknown = [each.dim_param or "?" for each in dimensions if not each.HasField("dim_value")]
    if missing := [name for name in unknown if name not in sizes]:
        raise BundleError(
            f"The size of the graph's input {value.name!r} is not known.",
            f"Its dimension {missing[0]!r} is none of {', '.join(sizes) or '(none)'}.",
            "Use a bundle that `mdhr-export` of this version wrote.",
        )
    return tuple(each.dim_value if each.HasField("dim_value") else sizes[each.dim_param] for each in dimensions)


def _dtype(number: int) -> np.dtype:
    import onnx.helper

    return onnx.helper.tensor_dtype_to_np_dtype(number)


def _size(shape: Any, dtype: np.dtype) -> TensorSize:
    sizes = tuple(int(size) for size in shape)
    return TensorSize(sizes, math.prod(sizes) * dtype.itemsize, np.issubdtype(dtype, np.floating))
