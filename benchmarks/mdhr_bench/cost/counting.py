"""What an ONNX graph has to do: its operations, its weights, and the bytes that go in and out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mdhr_runtime.errors import BundleError

from ..results import Cost
from .operators import UNREAD, Call, operations
from .reading import read_model
from .tensors import TensorSize, tensor_sizes

if TYPE_CHECKING:
    import onnx

STANDARD = ("", "ai.onnx")
"""ONNX's two names of its own operators' domain."""


def count_graph(name: str, path: Path, sizes: Mapping[str, int]) -> Cost:
    """Count what a graph has to do. `operators` tells how operations are counted.

    The traffic is a bound that no runtime comes near: every operator reads its inputs and writes its outputs whole,
    those that move data and those that only rename a shape included. Constants are weights, not operators.

    Args:
        name: What to call the graph in the result.
        path: Its ONNX file. Weights may lie in a file beside it; together they must stay below 2 GiB.
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
        traffic=sum(map(_traffic, calls)),
    )


def _call(node: onnx.NodeProto, tensors: Mapping[str, TensorSize]) -> Call:
    import onnx.helper

    return Call(
        kind=node.op_type,
        attributes={each.name: onnx.helper.get_attribute_value(each) for each in node.attribute},
        inputs=tuple(tensors[each] for each in node.input if each),
        outputs=tuple(tensors[each] for each in node.output if each),
    )


def _traffic(call: Call) -> int:
    return (0 if call.kind in UNREAD else _bytes(call.inputs)) + _bytes(call.outputs)


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
    raise BundleError(
        "The cost of a graph cannot be counted.", why, "Use a bundle that `mdhr-export` of this version wrote."
    )
