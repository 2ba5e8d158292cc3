"""ONNX files that no bundle holds, on the bundle's own backend, and the backbone cut out of the encoder.

The backbone alone is the least that any network with it computes.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mdhr_runtime.backends import DeviceGraph, openvino
from mdhr_runtime.backends.table import PROVIDERS
from mdhr_runtime.bundle import GraphRecord, TensorRecord
from mdhr_runtime.contract import STATIC
from mdhr_runtime.errors import BundleError, ProviderError
from mdhr_runtime.streaming.model import Model
from mdhr_runtime.threads import thread_count

from ..cost.counting import EXPORT_AGAIN, read_model

if TYPE_CHECKING:
    import onnx


def open_graph(model: Model, path: Path, sizes: dict[str, int]) -> DeviceGraph:
    """Load an ONNX file as the bundle's graphs are loaded.

    Args:
        model: Whose backend is used.
        path: The file.
        sizes: Sizes of its dynamic dimensions by name; an engine takes no others.

    Raises:
        MdhrError: The backend refuses the file; for an engine, also where no builder is installed.
    """
    load_file = PROVIDERS[model.provider].load_file
    if load_file is not None:
        return load_file(path, model.provider, model.precision)
    return _engine_graph(path, graph_record(path), sizes)


def layer_shares(path: Path, precision: str, frames: int = 1) -> dict[str, float]:
    """Share of the time in OpenVINO of layers by kind and kernel, "MatMul brgemm_avx512_amx_bf16", largest first."""
    inputs = {
        name: np.ones([frames if isinstance(size, str) else size for size in each.shape], each.dtype)
        for name, each in graph_record(path).inputs.items()
    }
    options = {"INFERENCE_PRECISION_HINT": openvino.HINTS[precision], "INFERENCE_NUM_THREADS": thread_count()}
    model = openvino.start().compile_model(openvino.read_model(path), openvino.CPU, options | {"PERF_COUNT": True})
    request = model.create_infer_request()
    for _ in range(4):  # the last is told
        request.infer(inputs)
    seconds: Counter[str] = Counter()
    for layer in request.profiling_info:
        seconds[f"{layer.node_type} {layer.exec_type}"] += layer.real_time.total_seconds()
    return {name: each / sum(seconds.values()) for name, each in seconds.most_common() if each}


def graph_record(path: Path) -> GraphRecord:
    """Inputs and outputs of an ONNX file.

    Raises:
        BundleError: The file cannot be read.
    """
    graph = read_model(path).graph
    tensors = ({value.name: _tensor_record(value) for value in values} for values in (graph.input, graph.output))
    return GraphRecord(path.name, *tensors)


def _tensor_record(value: onnx.ValueInfoProto) -> TensorRecord:
    import onnx

    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    return TensorRecord(dtype, tuple(size.dim_param or size.dim_value for size in tensor.shape.dim))


def _engine_graph(path: Path, record: GraphRecord, sizes: dict[str, int]) -> DeviceGraph:
    """Build an engine for one size, and load it."""
    from mdhr_export.tensorrt.builder import BuildSettings, build_engine, choose_builder
    from mdhr_runtime.backends.tensorrt.backend import open_device
    from mdhr_runtime.backends.tensorrt.graph import EngineGraph
    from mdhr_runtime.backends.tensorrt.installed import find_gpu, make_logger, no_collection

    shapes = {
        name: tuple(sizes[size] if isinstance(size, str) else size for size in tensor.shape)
        for name, tensor in record.inputs.items()
    }
    flavor = choose_builder("auto", find_gpu())
    built = build_engine(path, flavor, ({name: (shape,) * 3 for name, shape in shapes.items()},), BuildSettings())
    device, logger = open_device(), make_logger(flavor)
    with device.use(), no_collection():
        runtime = flavor.module.Runtime(logger)
        engine = runtime.deserialize_cuda_engine(built.data)
    if engine is None:
        raise ProviderError(
            f"The engine of {path.name} cannot be loaded.",
            f"{flavor} refuses it: {logger.errors()}",
            "Measure with another --provider, or see docs/tensorrt.md for the GPUs that engines run on.",
        )

    def explain(_alive: object = runtime) -> str:  # the engine's runtime must live as long as the graph
        return logger.errors()

    return EngineGraph(path.stem, engine, record, device, explain, "mdhr-bench")


def backbone_only(encoder: Path, out: Path) -> None:
    """Cut the encoder's graph to its backbone: from the same frames to the backbone's last map.

    The encoder's output "static" is Relu(Conv(last map)). The frames' normalisation stays in the graph; the
    convolutions of the static features and of the facial dynamics do not.

    Args:
        encoder: The encoder's ONNX file.
        out: Where to write the backbone's. Its input is the encoder's, its one output is the map.

    Raises:
        BundleError: The file cannot be read, or the encoder has not this form.
        OSError: `out` cannot be written.
    """
    import onnx
    from onnx.utils import Extractor

    model = read_model(encoder)
    final = _final_map(model.graph)
    try:
        backbone = Extractor(model).extract_model([value.name for value in model.graph.input], [final])
        # The map is an output now, and need not be described twice.
        described = [value for value in backbone.graph.value_info if value.name != final]
        del backbone.graph.value_info[:]
        backbone.graph.value_info.extend(described)
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
        tensor, *weight = node.input
    if weight[0] not in constants:
        raise _refusal(f"The weight {weight[0]!r} of the convolution before {STATIC!r} is not a constant.")
    return tensor


def _maker(makers: dict[str, onnx.NodeProto], tensor: str) -> onnx.NodeProto | None:
    """The operator that makes a tensor, changes of its type left aside."""
    node = makers.get(tensor)
    while node is not None and node.op_type == "Cast":
        node = makers.get(node.input[0])
    return node


def _refusal(why: str) -> BundleError:
    return BundleError("The backbone cannot be cut out of the encoder.", why, EXPORT_AGAIN)
