"""The best that the machine does: large matrix products, a large copy, and copies between host and GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from mdhr_runtime.backends import DeviceGraph, onnx_runtime, openvino
from mdhr_runtime.backends.table import PROVIDERS
from mdhr_runtime.contract import ENCODER, FRAMES
from mdhr_runtime.errors import MdhrError, ProviderError
from mdhr_runtime.streaming.model import Model
from mdhr_runtime.threads import thread_count

from ..results import Ceiling, Missing, Transfer
from .graphs import graph_record, layer_shares, open_graph
from .timing import seconds_of, summarise

PRODUCTS_ON_HOST, PRODUCTS_ON_GPU = ((2048, 1), (1024, 8)), ((8192, 1),)
"""Rows and columns of the matrices, large enough for the product to be limited by arithmetic, and products in a row: of
a single one, the conversion of its numbers to a lower precision and back is a large part."""

COPIED = 256 << 20
"""Bytes of the copy: more than any cache holds."""

ROUNDS = 15

TO_DEVICE, TO_HOST = "host to device", "device to host"

TRANSFER_WARM_UP, TRANSFERS = 10, 200

Call = Callable[[], object]


def measure_ceilings(model: Model, folder: Path) -> tuple[list[Ceiling], list[Missing]]:
    """Measure the ceilings where the bundle's graphs run: on a CPU, of products in every precision that it has.

    Args:
        model: The model, whose backend and precision are used, on a CPU beside all others.
        folder: For temporary files.

    Returns:
        The ceilings, that of a precision by whatever computes it fastest; and the precisions that nothing computes.
    """
    path, best, refused = folder / "product.onnx", dict[str, Ceiling](), dict[str, str]()
    for precision, by, written, load in _multipliers(model):
        name = f"matmul {precision}"
        try:
            for side, count in PRODUCTS_ON_GPU if model.on_gpu else PRODUCTS_ON_HOST:
                write_product(path, side, count, written)
                title = f"{count} matrix product{'s' * (count > 1)}, {side} × {side}, {precision}, {by}"
                found = _ceiling(name, title, "FLOP/s", 2 * count * side**3, _call_on_noise(load(path), path))
                best[name] = max(best.get(name, found), found, key=lambda each: each.value)
        except MdhrError as error:
            refused[name] = f"{error.what} {error.why}"
    if model.on_gpu:
        write_negation(folder / "copy.onnx", COPIED // 4)
        copy = _call_on_noise(open_graph(model, folder / "copy.onnx", {}), folder / "copy.onnx")
    else:
        copy = _copy_on_host()
    copied = _ceiling("copy", f"copy of {COPIED >> 20} MiB, read and written", "B/s", 2 * COPIED, copy)
    missing = [Missing(f"ceilings, {name}", why) for name, why in refused.items() if name not in best]
    return [*best.values(), copied], missing


def _multipliers(model: Model) -> Iterator[tuple[str, str, str, Callable[[Path], DeviceGraph]]]:
    """What computes products here: the precision, the provider, the precision of the file, and what loads it."""
    yield model.precision, model.provider, model.bundle.manifest.precision, lambda path: open_graph(model, path, {})
    if not model.on_gpu:
        for precision in ("float32", "int8"):
            yield precision, "cpu", precision, onnx_runtime.load_graph
        for precision in (*openvino.HINTS, "int8"):
            written = "int8" if precision == "int8" else "float32"
            yield precision, "openvino", written, partial(_load_openvino, precision=precision)


def _load_openvino(path: Path, precision: str) -> DeviceGraph:
    """Load products, and see that no kernel of another precision computes them."""
    asked = "float32" if precision == "int8" else precision
    graph = openvino.load_graph(path, precision=asked)
    kernels = [name for name in layer_shares(path, asked) if name.startswith(("FullyConnected ", "MatMul "))]
    end = "i8" if precision == "int8" else openvino.HINTS[precision]
    if not all(kernel.lower().endswith(f"_{end}") for kernel in kernels):
        why = f"It takes {', '.join(kernels)}."
        raise ProviderError(f"OpenVINO does not multiply in {precision} here.", why, "Use another processor for it.")
    return graph


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
    graph.run({"x": np.random.default_rng(1).standard_normal(x.row, np.float32).astype(x.dtype)}, {"y": source})
    graph.wait()

    def call() -> None:
        graph.run({"x": source}, {"y": target})
        graph.wait()

    return call


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
    numbers = ["x", *(f"x{index}" for index in range(1, count)), "y"]
    if precision != "int8":
        steps = [("MatMul", [x, "w"], y) for x, y in pairwise(numbers)]
        return _write(path, steps, (side, side), precision, w=weights.astype(precision))
    # The kernels for unsigned numbers and signed weights are the fastest; in ONNX Runtime, others are slow.
    scale = np.abs(weights).max() / np.float32(127)
    constants = {"w": np.round(weights / scale).astype(np.int8), "ws": scale, "wz": np.int8(0)}
    constants |= {"s": np.float32(5 / 127), "z": np.uint8(128)}
    weighted = ("s", "z", "w", "ws", "wz", "s", "z")
    steps = [("QLinearMatMul", [f"{x} int8", *weighted], f"{y} int8") for x, y in pairwise(numbers)]
    steps = [("QuantizeLinear", ["x", "s", "z"], "x int8"), *steps, ("DequantizeLinear", ["y int8", "s", "z"], "y")]
    return _write(path, steps, (side, side), "float32", **constants)


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
