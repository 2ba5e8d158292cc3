"""What the machine reaches in the best case: a large matrix product, and a large copy."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mdhr_runtime.streaming.model import Model

from ..results import Ceiling
from .graphs import graph_record, open_graph
from .sampling import seconds_of, summarise

if TYPE_CHECKING:
    import onnx

SIDES = {"cpu": 2048}
"""Provider → rows and columns of the matrices; large enough for the product to be limited by arithmetic."""

SIDE = 8192
"""Rows and columns on a GPU."""

COPIED = 256 << 20
"""Bytes of the copy: more than any cache holds."""

ROUNDS = 15


def measure_ceilings(model: Model, folder: Path) -> list[Ceiling]:
    """Measure both ceilings where the bundle's graphs run.

    Args:
        model: The model, whose backend and precision are used.
        folder: For temporary files.

    Raises:
        MdhrError: The backend refuses the product's graph.
    """
    side = SIDES.get(model.provider, SIDE)
    precision = model.bundle.manifest.precision
    product = _product_call(model, folder, side, precision)
    copy = _copy_call(model, folder)
    return [
        _ceiling("matmul", f"matrix product, {side} × {side}, {precision}", "FLOP/s", 2 * side**3, product),
        _ceiling("copy", f"copy of {COPIED >> 20} MiB, read and written", "B/s", 2 * COPIED, copy),
    ]


def _ceiling(name: str, title: str, unit: str, amount: int, call: Callable[[], object]) -> Ceiling:
    for _ in range(3):
        call()
    rates = [amount / seconds_of(call) for _ in range(ROUNDS)]
    return Ceiling(name, title, unit, max(rates), summarise(rates))


def _product_call(model: Model, folder: Path, side: int, precision: str) -> Callable[[], object]:
    """Compute x · W with W among the weights, as the bundle's own products are."""
    path = folder / "product.onnx"
    write_product(path, side, precision)
    graph, record = open_graph(model, path, {}), graph_record(path)
    inputs = {"x": graph.allocate(side, (side,), precision, zeros=True).view(0, side)}
    outputs = {"y": graph.allocate(side, (side,), record.outputs["y"].dtype).view(0, side)}

    def call() -> None:
        graph.run(inputs, outputs)
        graph.wait()

    return call


def write_product(path: Path, side: int, precision: str) -> None:
    """Write the ONNX graph y = x · W of square matrices.

    Args:
        path: The file.
        side: Rows and columns.
        precision: "float32" or "float16".
    """
    from onnx import helper, numpy_helper

    weights = np.random.default_rng(0).standard_normal((side, side), np.float32).astype(precision)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(precision))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", kind, (side, side))],
        [helper.make_tensor_value_info("y", kind, (side, side))],
        [numpy_helper.from_array(weights, "weights")],
    )
    _save(graph, path)


def _copy_call(model: Model, folder: Path) -> Callable[[], object]:
    return _copy_on_host() if model.provider == "cpu" else _copy_on_device(model, folder)


def _copy_on_host() -> Callable[[], object]:
    """As many threads as there are cores, each with its part: one alone does not reach the memory's limit."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    source, target = (np.zeros(COPIED, np.uint8) for _ in range(2))
    source[:] = 1  # zeros that nobody wrote are one page
    parts = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(lambda part: np.copyto(part[1], part[0]), parts))


def _copy_on_device(model: Model, folder: Path) -> Callable[[], object]:
    """A graph that negates all numbers: no backend can leave that out, and memory is what limits it."""
    numbers = COPIED // 4
    path = folder / "copy.onnx"
    write_negation(path, numbers)
    graph = open_graph(model, path, {})
    source, target = (graph.allocate(1, (numbers,), "float32", zeros=True).view(0) for _ in range(2))

    def call() -> None:
        graph.run({"x": source}, {"y": target})
        graph.wait()

    return call


def write_negation(path: Path, numbers: int) -> None:
    """Write the ONNX graph y = −x of a row of float32 numbers."""
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (numbers,)) for name in ("x", "y")]
    _save(helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "copy", values[:1], values[1:]), path)


def _save(graph: onnx.GraphProto, path: Path) -> None:
    import onnx

    opset = onnx.helper.make_opsetid("", 18)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10), path)
