from itertools import count
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

import mdhr_runtime
from mdhr_bench.measures import hardware, timing
from mdhr_bench.measures.graphs import open_graph
from mdhr_bench.measures.hardware import measure_ceilings, write_negation, write_product

SIDE, COPIED, TICK = 64, 4 << 20, 0.5


def run(path, **inputs):
    (found,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, inputs)
    return found


@pytest.mark.parametrize(("precision", "error"), [("float32", 1e-4), ("float16", 2e-2)])
def test_the_product_is_that_of_its_input_and_its_weights(tmp_path, precision, error):
    path = tmp_path / "product.onnx"
    write_product(path, 16, precision)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    (weights,) = map(numpy_helper.to_array, model.graph.initializer)
    assert (weights.shape, weights.dtype) == ((16, 16), precision)
    x = np.random.default_rng(1).standard_normal((16, 16)).astype(precision)
    np.testing.assert_allclose(run(path, x=x), x.astype(float) @ weights.astype(float), rtol=error, atol=error)


def test_the_negation_changes_the_sign_of_every_number(tmp_path):
    path = tmp_path / "copy.onnx"
    write_negation(path, 1000)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    x = np.random.default_rng(1).standard_normal(1000, np.float32)
    np.testing.assert_array_equal(run(path, x=x), -x)


@pytest.fixture
def small(monkeypatch):
    """Small matrices and a small copy, on a clock by which every call takes a tick."""
    monkeypatch.setattr(hardware, "SIDE_ON_HOST", SIDE)
    monkeypatch.setattr(hardware, "COPIED", COPIED)
    ticks = count()
    monkeypatch.setattr(timing, "perf_counter", lambda: TICK * next(ticks))


@pytest.mark.usefixtures("small")
def test_the_rates_are_operations_and_bytes_per_second(tiny_bundle, tmp_path):
    product, copy = measure_ceilings(mdhr_runtime.load(tiny_bundle, "cpu"), tmp_path)
    assert (product.id, product.title, product.unit) == ("matmul", "matrix product, 64 × 64, float32", "FLOP/s")
    assert product.value == pytest.approx(2 * SIDE**3 / TICK)
    assert (copy.id, copy.title, copy.unit) == ("copy", "copy of 4 MiB, read and written", "B/s")
    assert copy.value == pytest.approx(2 * COPIED / TICK)
    for each in (product, copy):
        assert each.value == each.summary.largest
        assert each.summary.count == hardware.ROUNDS


def test_the_best_round_is_the_ceiling(tiny_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "SIDE_ON_HOST", SIDE)
    monkeypatch.setattr(hardware, "COPIED", COPIED)
    # Every round begins when the one before has ended, and takes longer.
    moments = iter([moment for _ in range(2) for n in range(hardware.ROUNDS) for moment in (0, 1 + n)])
    monkeypatch.setattr(timing, "perf_counter", lambda: next(moments))
    product, _ = measure_ceilings(mdhr_runtime.load(tiny_bundle, "cpu"), tmp_path)
    assert product.value == 2 * SIDE**3
    assert product.summary.p50 == product.value / (1 + hardware.ROUNDS // 2)


def test_products_are_of_noise_that_keeps_its_size(tiny_bundle, tmp_path, monkeypatch):
    seen = []

    def spied(model, path, sizes):
        graph = open_graph(model, path, sizes)

        def run(inputs, outputs):
            graph.run(inputs, outputs)
            seen.append([getattr(each, "buffer", each) for each in (inputs["x"], outputs["y"])])

        return SimpleNamespace(run=run, wait=graph.wait, allocate=graph.allocate)

    monkeypatch.setattr(hardware, "SIDE_ON_HOST", SIDE)
    monkeypatch.setattr(hardware, "COPIED", COPIED)
    monkeypatch.setattr(hardware, "open_graph", spied)
    measure_ceilings(mdhr_runtime.load(tiny_bundle, "cpu"), tmp_path)
    x, y = (buffer.memory for buffer in seen[-1])
    assert 0.8 < x.std() < 1.2
    assert 0.8 < y.std() < 1.2
