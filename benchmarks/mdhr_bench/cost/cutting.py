"""The backbone alone, cut out of the encoder's graph: the least that any network with this backbone computes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mdhr_runtime.errors import BundleError

from .counting import read_model

if TYPE_CHECKING:
    import onnx

STATIC, FINAL = "static", "final"


def backbone_only(encoder: Path, out: Path) -> None:
    """Cut the encoder's graph to its backbone: from the same frames to the backbone's last map.

    The encoder's output "static" is Relu(Conv(last map)). The frames' normalisation stays in the graph; the
    convolutions of the static features and of the facial dynamics do not.

    Args:
        encoder: The encoder's ONNX file.
        out: Where to write the backbone's. Its input is the encoder's, its one output is "final".

    Raises:
        BundleError: The file cannot be read, or the encoder has not this form.
        OSError: `out` cannot be written.
    """
    model = read_model(encoder)
    import onnx
    from onnx.utils import Extractor

    final = _final_map(model.graph)
    try:
        backbone = Extractor(model).extract_model([value.name for value in model.graph.input], [final])
        _rename(backbone.graph, final, FINAL)
        onnx.checker.check_model(backbone)
    except (ValueError, KeyError, onnx.checker.ValidationError) as error:  # onnx 1.18 raises KeyError without shapes
        raise _refusal(f"The graph up to {final!r} is not valid by itself ({error}).") from error
    onnx.save(backbone, out)


def _final_map(graph: onnx.GraphProto) -> str:
    """Name of the map that the static features are computed from."""
    makers = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {name for name, node in makers.items() if node.op_type == "Constant"}
    tensor = STATIC
    for kind in ("Relu", "Conv"):
        node = _maker(makers, tensor)
        if node is None or node.op_type != kind:
            found = "no operator" if node is None else f"the operator {node.op_type}"
            raise _refusal(f"{tensor!r} is made by {found}, not by {kind}.")
        tensor = node.input[0]
    if node.input[1] not in constants:
        raise _refusal(f"The weight {node.input[1]!r} of the convolution before {STATIC!r} is not a constant.")
    return tensor


def _maker(makers: dict[str, onnx.NodeProto], tensor: str) -> onnx.NodeProto | None:
    """The operator that makes a tensor, changes of its type left aside."""
    node = makers.get(tensor)
    while node is not None and node.op_type == "Cast":
        node = makers.get(node.input[0])
    return node


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    # The map is an output now, and need not be described twice.
    kept = [value for value in graph.value_info if value.name != old]
    del graph.value_info[:]
    graph.value_info.extend(kept)
    graph.output[0].name = new


def _refusal(why: str) -> BundleError:
    return BundleError(
        "The backbone cannot be cut out of the encoder.",
        why,
        "Use a bundle that `mdhr-export` of this version wrote.",
    )
