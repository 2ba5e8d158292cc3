"""The work of an ONNX graph: its operations, its weights, and the bytes that go in and out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mdhr_runtime.backends import onnx_runtime
from mdhr_runtime.errors import BundleError

from ..results import Cost
from .operators import UNREAD, Call, TensorSize, operations

if TYPE_CHECKING:
    import onnx

STANDARD = ("", "ai.onnx")
"""ONNX's two names of its own operators' domain."""

EXPORT_AGAIN = "Use a bundle that `mdhr-export` of this version wrote."


def count_graph(name: str, path: Path, sizes: Mapping[str, int]) -> Cost:
    """Count the work of a graph. `operators` tells how operations are counted.

    The traffic is a bound that no runtime comes near: every operator reads its inputs and writes its outputs whole,
    those that move data and those that only rename a shape included. Constants are weights, not operators.

    Args:
        name: What to call the graph in the result.
        path: Its ONNX file. Weights may be in a file beside it; together they must stay below 2 GiB.
        sizes: Dynamic dimensions by their names in the graph, such as {"frames": 1, "streams": 1}. Names that the graph
            does not use are ignored.

    Returns:
        The cost of one run at these sizes. Bytes are those of the types that the graph computes in.

    Raises:
        BundleError: The file cannot be read or run, has a dynamic dimension that is not among the sizes, or operators
            that the counter does not know, such as those with graphs inside them.
        ProviderError: ONNX Runtime is not installed.
    """
    model = read_model(path)
    graph = model.graph
    for node in graph.node:
        _refuse_unknown(node)
    tensors = tensor_sizes(model, sizes)
    constants = {output for node in graph.node if node.op_type == "Constant" for output in node.output}
    constants |= {tensor.name for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.op_type != "Constant"]
    calls = [_call(node, tensors) for node in nodes]
    by_operator: Counter[str] = Counter()
    for call in calls:
        by_operator[call.kind] += operations(call)
    return Cost(
        graph=name,
        flops=by_operator.total(),
        by_operator={kind: count for kind, count in by_operator.most_common() if count},
        weights=_bytes(tensors[each] for each in {each for node in nodes for each in node.input} & constants),
        inputs=_bytes(tensors[value.name] for value in graph.input if value.name not in constants),
        outputs=_bytes(tensors[value.name] for value in graph.output),
        traffic=sum((0 if call.kind in UNREAD else _bytes(call.inputs)) + _bytes(call.outputs) for call in calls),
    )


def read_model(path: Path) -> onnx.ModelProto:
    """Read an ONNX file whole, with its weights, wherever these are.

    Raises:
        BundleError: The file or its external weights cannot be read.
    """
    import onnx

    try:
        return onnx.load(path)
    except Exception as error:  # those of the system, of protobuf and of onnx share no base class
        raise BundleError(
            f"{path} cannot be read as an ONNX file.", str(error), "Export the checkpoint again with `mdhr-export`."
        ) from error


def tensor_sizes(model: onnx.ModelProto, sizes: Mapping[str, int]) -> dict[str, TensorSize]:
    """Sizes of all tensors of a graph: inputs, weights, and results of operators.

    They are read off one run of the graph with inputs of zeros. ONNX's own shape inference, data propagation included,
    leaves every tensor unknown whose shape comes from Shape, Range and Slice together, which in the temporal graph is a
    quarter of them; a run is exact for every operator, and one of the encoder takes a second or two.

    Args:
        model: The graph, with its weights.
        sizes: Dynamic dimensions by their names in the graph; names that the graph does not use are ignored.

    Raises:
        BundleError: A dynamic dimension is not among the sizes, or ONNX Runtime refuses the graph.
        ProviderError: ONNX Runtime is not installed.
    """
    weights = {tensor.name: TensorSize.of(tensor.dims, _dtype(tensor.data_type)) for tensor in model.graph.initializer}
    inputs = {
        value.name: np.zeros(_shape(value, sizes), _dtype(value.type.tensor_type.elem_type))
        for value in model.graph.input
        if value.name not in weights
    }
    arrays = inputs | _run(model, inputs)
    return weights | {name: TensorSize.of(array.shape, array.dtype) for name, array in arrays.items()}


def _run(model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Results of all operators."""
    import onnx

    ort = onnx_runtime.onnxruntime_module()
    names = [name for node in model.graph.node for name in node.output if name]
    outputs = {value.name for value in model.graph.output}
    added = [onnx.ValueInfoProto(name=name) for name in names if name not in outputs]  # ONNX Runtime finds their types
    options = onnx_runtime.session_options(threads=1)
    # The graph runs but once: to optimise it would take longer.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    model.graph.output.extend(added)
    try:
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))
    except Exception as error:  # the exceptions of ONNX Runtime and of protobuf share no base class
        raise BundleError(
            "The sizes of a graph's tensors cannot be found.",
            f"ONNX Runtime does not run it: {(str(error) or repr(error)).splitlines()[0]}",
            "Export the checkpoint again with `mdhr-export`.",
        ) from error
    finally:
        del model.graph.output[len(outputs) :]


def _shape(value: onnx.ValueInfoProto, sizes: Mapping[str, int]) -> tuple[int, ...]:
    dimensions = value.type.tensor_type.shape.dim
    unknown = [each.dim_param or "?" for each in dimensions if not each.HasField("dim_value")]
    if missing := [name for name in unknown if name not in sizes]:
        raise BundleError(
            f"The size of the graph's input {value.name!r} is not known.",
            f"Its dimension {missing[0]!r} is none of {', '.join(sizes) or '(none)'}.",
            EXPORT_AGAIN,
        )
    return tuple(each.dim_value if each.HasField("dim_value") else sizes[each.dim_param] for each in dimensions)


def _dtype(number: int) -> np.dtype[Any]:
    import onnx.helper

    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(number))


def _call(node: onnx.NodeProto, tensors: Mapping[str, TensorSize]) -> Call:
    import onnx.helper

    return Call(
        kind=node.op_type,
        attributes={each.name: onnx.helper.get_attribute_value(each) for each in node.attribute},
        inputs=tuple(tensors[each] for each in node.input if each),
        outputs=tuple(tensors[each] for each in node.output if each),
    )


def _bytes(tensors: Iterable[TensorSize]) -> int:
    return sum(tensor.bytes for tensor in tensors)


def _refuse_unknown(node: onnx.NodeProto) -> None:
    import onnx

    inner = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
    if any(each.type in inner for each in node.attribute):
        why = f"Its operator {node.op_type} has a graph inside it, and how often that runs is not in the file."
    elif node.domain not in STANDARD:
        why = f"Its operator {node.domain}.{node.op_type} is not one of ONNX's own."
    else:
        return
    raise BundleError("The cost of a graph cannot be counted.", why, EXPORT_AGAIN)
