"""The best that the machine does: large matrix products, a large copy, and copies between host and GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mdhr_runtime.backends import DeviceGraph, onnx_runtime, openvino
from mdhr_runtime.backends.table import PROVIDERS
from mdhr_runtime.contract import ENCODER, FRAMES
from mdhr_runtime.errors import MdhrError, ProviderError
from mdhr_runtime.streaming.model import Model
from mdhr_runtime.threads import thread_count

from ..results import PRODUCT, Ceiling, Missing, Transfer
from .graphs import graph_record, open_graph
from .layers import openvino_layers
from .timing import seconds_of, summarise

PRODUCTS_ON_HOST, PRODUCTS_ON_GPU = ((2048, 1), (1024, 8)), ((8192, 1),)
"""Rows and columns of the matrices, large enough for the product to be limited by arithmetic, and products in a row.

Of a single product in little more than its numbers' conversion to a lower precision and back is a large part.
"""

INT8 = "int8"

MULTIPLYING = frozenset({"FullyConnected", "MatMul"})
"""OpenVINO's kinds of layers that are matrix products."""

COPIED = 256 << 20
"""Bytes of the copy: more than any cache holds."""

ROUNDS = 15

TO_DEVICE, TO_HOST = "host to device", "device to host"

TRANSFER_WARM_UP, TRANSFERS = 10, 200

Call = Callable[[], object]


class Multiplier(NamedTuple):
    """What computes matrix products in a precision.

    Attributes:
        precision: The precision.
        title: Its name.
        written: Precision of the graph's weights.
        load: Loads the graph.
    """

    precision: str
    title: str
    written: str
    load: Callable[[Path], DeviceGraph]


def measure_ceilings(model: Model, folder: Path) -> tuple[list[Ceiling], list[Missing]]:
    """Measure the ceilings where the bundle's graphs run: on a CPU, in every precision that it has.

    Args:
        model: The model, whose backend and precision are used, on a CPU beside all others.
        folder: For temporary files.

    Returns:
        The copy's ceiling, and that of products in each precision: the best by whatever computes them. And the
        precisions that nothing computes here.

    Raises:
        MdhrError: The model's backend refuses a graph.
    """
    best: dict[str, Ceiling] = {}
    refused: dict[str, str] = {}
    for multiplier in _multipliers(model):
        try:
            for ceiling in _product_ceilings(multiplier, model.on_gpu, folder):
                best[ceiling.id] = max(best.get(ceiling.id, ceiling), ceiling, key=lambda each: each.value)
        except MdhrError as error:
            refused[f"{PRODUCT} {multiplier.precision}"] = f"{error.what} {error.why}"
    if model.on_gpu:
        write_negation(folder / "copy.onnx", COPIED // 4)
        copy = _call_on_noise(open_graph(model, folder / "copy.onnx", {}), folder / "copy.onnx")
    else:
        copy = _copy_on_host()
    copied = _ceiling("copy", f"copy of {COPIED >> 20} MiB, read and written", "B/s", 2 * COPIED, copy)
    missing = [Missing(f"ceiling of {name}", why) for name, why in refused.items() if name not in best]
    return [*best.values(), copied], missing


def _multipliers(model: Model) -> Iterator[Multiplier]:
    """The model's own, and on a CPU what else computes there."""
    stored = model.bundle.manifest.precision
    yield Multiplier(model.precision, model.provider, stored, lambda path: open_graph(model, path, {}))
    if not model.on_gpu:
        for precision in ("float32", INT8):
            yield Multiplier(precision, "cpu", precision, onnx_runtime.load_graph)
        for precision in ("float32", "bfloat16", "float16"):
            yield Multiplier(precision, "openvino", "float32", partial(_load_openvino, precision=precision))
        yield Multiplier(INT8, "openvino", INT8, partial(_load_openvino, precision=INT8))


def _load_openvino(path: Path, precision: str) -> DeviceGraph:
    """Load products, and see that they are computed in the precision and not in another that this CPU has.

    Raises:
        ProviderError: They are not.
    """
    hint = "float32" if precision == INT8 else precision
    graph = openvino.load_graph(path, precision=hint)
    used = {layer.precision for layer in openvino_layers(path, hint, {"x": _noise(path)}) if layer.kind in MULTIPLYING}
    if used != {precision}:
        raise ProviderError(
            f"OpenVINO does not compute matrix products in {precision} here.",
            f"It computes them in {', '.join(sorted(map(str, used)))}.",
            "Measure on a processor that has it.",
        )
    return graph


def _product_ceilings(multiplier: Multiplier, on_gpu: bool, folder: Path) -> Iterator[Ceiling]:
    path = folder / "product.onnx"
    for side, count in PRODUCTS_ON_GPU if on_gpu else PRODUCTS_ON_HOST:
        write_product(path, side, count, multiplier.written)
        call = _call_on_noise(multiplier.load(path), path)
        title = f"{count} matrix product{'s' * (count > 1)}, {side} × {side}, {multiplier.precision}, {multiplier.title}"
        yield _ceiling(f"{PRODUCT} {multiplier.precision}", title, "FLOP/s", 2 * count * side**3, call)


def _ceiling(name: str, title: str, unit: str, amount: int, call: Call) -> Ceiling:
    for _ in range(3):
        call()
    rates = [amount / seconds_of(call) for _ in range(ROUNDS)]
    return Ceiling(name, title, unit, max(rates), summarise(rates))


def _call_on_noise(graph: DeviceGraph, path: Path) -> Call:
    """Run a graph from x to y where it runs. Zeros would be faster: they take less power of a GPU."""
    record = graph_record(path)
    x, y = record.inputs["x"], record.outputs["y"]
    rows, *row = x.row
    source, target = (graph.allocate(rows, row, each.dtype).view(0, rows) for each in (x, y))
    # What the graph makes of noise is noise, and stays on its device.
    graph.run({"x": _noise(path)}, {"y": source})
    graph.wait()

    def call() -> None:
        graph.run({"x": source}, {"y": target})
        graph.wait()

    return call


def _noise(path: Path) -> np.ndarray:
    """An input for a graph's x."""
    x = graph_record(path).inputs["x"]
    return np.random.default_rng(1).standard_normal(x.row, np.float32).astype(x.dtype)


def _copy_on_host() -> Call:
    """As many threads as the model has, each with its part: one alone does not reach the memory's limit."""
    threads = thread_count()
    source, target = (np.zeros(COPIED, np.uint8) for _ in range(2))
    source[:] = 1  # zeros that nobody wrote are one page
    parts = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(lambda part: np.copyto(part[1], part[0]), parts))


def write_product(path: Path, side: int, count: int, precision: str) -> None:
    """Write the ONNX graph y = x · W · W · … of square matrices, W among the weights as in the bundle's own products.

    It leaves the variance of x as it is.

    Args:
        path: The file.
        side: Rows and columns.
        count: Products.
        precision: "float32", "float16", or "int8": x and y are float32 then, and all between them is of 8 bits.
    """
    weights = np.random.default_rng(0).standard_normal((side, side), np.float32) / np.float32(side**0.5)
    shape, between = (side, side), ["x", *(f"x{index}" for index in range(1, count)), "y"]
    if precision != INT8:
        steps = [("MatMul", [x, "w"], y) for x, y in pairwise(between)]
        return _write(path, steps, shape, precision, w=weights.astype(precision))
    # The kernels for unsigned inputs and signed weights are the fastest, and in ONNX Runtime the others are slow.
    scale, x_scale = np.abs(weights).max() / np.float32(127), np.float32(5 / 127)
    steps = [
        ("QuantizeLinear", ["x", "xs", "xz"], "x as int8"),
        *(
            ("QLinearMatMul", [f"{x} as int8", "xs", "xz", "w", "ws", "wz", "xs", "xz"], f"{y} as int8")
            for x, y in pairwise(between)
        ),
        ("DequantizeLinear", ["y as int8", "xs", "xz"], "y"),
    ]
    constants = {"xs": x_scale, "xz": np.uint8(128), "ws": scale, "wz": np.int8(0)}
    _write(path, steps, shape, "float32", w=np.round(weights / scale).astype(np.int8), **constants)


def write_negation(path: Path, numbers: int) -> None:
    """Write the ONNX graph y = −x of float32 numbers: no backend can leave it out, and memory is what limits it."""
    _write(path, [("Neg", ["x"], "y")], (numbers,), "float32")


def _write(
    path: Path, steps: Sequence[tuple[str, Sequence[str], str]], shape: Sequence[int], dtype: str, **constants: Any
) -> None:
    """Write a graph from x to y of a shape and type, from its operators with their inputs and output."""
    import onnx
    from onnx import helper, numpy_helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    x, y = (helper.make_tensor_value_info(name, kind, shape) for name in ("x", "y"))
    nodes = [helper.make_node(operator, inputs, [output]) for operator, inputs, output in steps]
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "graph", [x], [y], weights)
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), path)


def measure_transfers(model: Model) -> list[Transfer]:
    """Time the copy of a frame to the GPU, and of a frame's scores back.

    Args:
        model: One that runs on a GPU.
    """
    frame = prod(model.bundle.manifest.graphs[ENCODER].inputs[FRAMES].row)
    scores = 4 * len(model.aus)
    open_copies = _pinned_copies if PROVIDERS[model.provider].needs_engines else _onnxruntime_copies
    transfers = []
    for direction, size, call in (
        (TO_DEVICE, frame, open_copies(frame)[0]),
        (TO_HOST, scores, open_copies(scores)[1]),
    ):
        samples = [1e3 * seconds_of(call) for _ in range(TRANSFER_WARM_UP + TRANSFERS)]
        transfers.append(Transfer(direction, size, summarise(samples[TRANSFER_WARM_UP:])))
    return transfers


def _pinned_copies(size: int) -> tuple[Call, Call]:
    """Copies from and to pinned memory, as engines are fed."""
    from mdhr_runtime.backends.tensorrt.backend import open_device
    from mdhr_runtime.backends.tensorrt.device import DeviceMemory

    device = open_device()
    memory = DeviceMemory(device, size)
    with device.use():
        host = device.pinned(size)

    def to_device() -> None:
        with device.use():
            device.to_device(memory.pointer, host[:size])
            device.wait()

    def to_host() -> None:
        with device.use():
            device.to_host(host[:size], memory.pointer)
            device.wait()

    return to_device, to_host


def _onnxruntime_copies(size: int) -> tuple[Call, Call]:
    from mdhr_runtime.backends.onnx_runtime import onnxruntime_module

    host = np.zeros(size, np.uint8)
    value = onnxruntime_module().OrtValue.ortvalue_from_numpy(host, "cuda", 0)
    return lambda: value.update_inplace(host), value.numpy
