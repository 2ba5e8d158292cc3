"""ONNX files that no bundle holds, such as a part of the encoder, on the bundle's own backend."""

from __future__ import annotations

from pathlib import Path

from mdhr_runtime.backends import DeviceGraph, onnx_runtime
from mdhr_runtime.backends.table import PROVIDERS
from mdhr_runtime.bundle import GraphRecord
from mdhr_runtime.streaming.model import Model


def open_graph(model: Model, path: Path, sizes: dict[str, int]) -> DeviceGraph:
    """Load an ONNX file as the bundle's graphs are loaded.

    Args:
        model: Whose backend is used.
        path: The file.
        sizes: Sizes of its dynamic dimensions by name; an engine takes no others.

    Raises:
        MdhrError: The backend refuses the file; for an engine, also where no builder is installed.
    """
    if not PROVIDERS[model.provider].needs_engines:
        return onnx_runtime.load_graph(path, model.provider)
    return _engine_graph(path, graph_record(path), sizes)


def graph_record(path: Path) -> GraphRecord:
    """Inputs and outputs of an ONNX file."""
    from mdhr_export.records import graph_record

    return graph_record(path, path.parent)


def _engine_graph(path: Path, record: GraphRecord, sizes: dict[str, int]) -> DeviceGraph:
    """Build an engine for one size, and load it."""
    from mdhr_export.tensorrt.builder import BuildSettings, build_engine
    from mdhr_export.tensorrt.product import choose_builder
    from mdhr_runtime.backends.tensorrt.backend import open_device
    from mdhr_runtime.backends.tensorrt.graph import EngineGraph
    from mdhr_runtime.backends.tensorrt.installed import find_gpu, make_logger

    shapes = {name: tuple(sizes.get(n, n) for n in tensor.shape) for name, tensor in record.inputs.items()}
    flavor = choose_builder("auto", find_gpu())
    built = build_engine(path, flavor, ({name: (shape,) * 3 for name, shape in shapes.items()},), BuildSettings())
    device, logger = open_device(), make_logger(flavor)
    runtime = flavor.module.Runtime(logger)
    with device.use():
        engine = runtime.deserialize_cuda_engine(built.data)

    def explain(_alive: object = runtime) -> str:  # the engine's runtime must live as long as the graph
        return logger.last()

    return EngineGraph(path.stem, engine, record, device, explain, "mdhr-bench")
