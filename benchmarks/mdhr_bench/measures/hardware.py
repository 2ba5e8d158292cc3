"""The best that the machine does: a large matrix product, a large copy, and copies between host and GPU."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import prod
from pathlib import Path

import numpy as np

from mdhr_runtime.backends.table import PROVIDERS
from mdhr_runtime.contract import ENCODER, FRAMES
from mdhr_runtime.streaming.model import Model
from mdhr_runtime.threads import thread_count

from ..results import Ceiling, Transfer
from .graphs import graph_record, open_graph
from .timing import seconds_of, summarise

SIDE_ON_HOST, SIDE_ON_GPU = 2048, 8192
"""Rows and columns of the matrices; large enough for the product to be limited by arithmetic."""

COPIED = 256 << 20
"""Bytes of the copy: more than any cache holds."""

ROUNDS = 15

TO_DEVICE, TO_HOST = "host to device", "device to host"

TRANSFER_WARM_UP, TRANSFERS = 10, 200

Call = Callable[[], object]


def measure_ceilings(model: Model, folder: Path) -> list[Ceiling]:
    """Measure both ceilings where the bundle's graphs run.

    Args:
        model: The model, whose backend and precision are used.
        folder: For temporary files.

    Raises:
        MdhrError: The backend refuses a graph.
    """
    side = SIDE_ON_GPU if model.on_gpu else SIDE_ON_HOST
    precision = model.bundle.manifest.precision
    write_product(folder / "product.onnx", side, precision)
    product = _call_on_noise(model, folder / "product.onnx")
    if model.on_gpu:
        write_negation(folder / "copy.onnx", COPIED // 4)
        copy = _call_on_noise(model, folder / "copy.onnx")
    else:
        copy = _copy_on_host()
    return [
        _ceiling("matmul", f"matrix product, {side} × {side}, {precision}", "FLOP/s", 2 * side**3, product),
        _ceiling("copy", f"copy of {COPIED >> 20} MiB, read and written", "B/s", 2 * COPIED, copy),
    ]


def _ceiling(name: str, title: str, unit: str, amount: int, call: Call) -> Ceiling:
    for _ in range(3):
        call()
    rates = [amount / seconds_of(call) for _ in range(ROUNDS)]
    return Ceiling(name, title, unit, max(rates), summarise(rates))


def _call_on_noise(model: Model, path: Path) -> Call:
    """Run a graph from x to y where it runs. Zeros would be faster: they take less power of a GPU."""
    graph, record = open_graph(model, path, {}), graph_record(path)
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


def write_product(path: Path, side: int, precision: str) -> None:
    """Write the ONNX graph y = x · W of square matrices, W among the weights as in the bundle's own products.

    It leaves the variance of x as it is.

    Args:
        path: The file.
        side: Rows and columns.
        precision: "float32" or "float16".
    """
    from onnx import numpy_helper

    weights = np.random.default_rng(0).standard_normal((side, side), np.float32) / np.float32(side**0.5)
    _write(path, "MatMul", (side, side), precision, [numpy_helper.from_array(weights.astype(precision), "weights")])


def write_negation(path: Path, numbers: int) -> None:
    """Write the ONNX graph y = −x of float32 numbers: no backend can leave it out, and memory is what limits it."""
    _write(path, "Neg", (numbers,), "float32", [])


def _write(path: Path, operator: str, shape: tuple[int, ...], dtype: str, constants: list) -> None:
    import onnx
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    x, y = (helper.make_tensor_value_info(name, kind, shape) for name in ("x", "y"))
    node = helper.make_node(operator, ["x", *(each.name for each in constants)], ["y"])
    graph = helper.make_graph([node], operator, [x], [y], constants)
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
