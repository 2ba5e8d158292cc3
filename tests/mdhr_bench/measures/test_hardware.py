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
from mdhr_runtime.errors import ProviderError

SIDE, COPIED, TICK = 64, 4 << 20, 0.5


def run(path, **inputs):
    (found,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, inputs)
    return found


@pytest.mark.parametrize(("precision", "error"), [("float32", 1e-4), ("float16", 2e-2), ("int8", 0.2)])
@pytest.mark.parametrize("count", [1, 3])
def test_the_product_is_that_of_its_input_and_its_weights(tmp_path, precision, error, count):
    path = tmp_path / "product.onnx"
    write_product(path, 16, count, precision)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    weights = constants["w"].astype(float) * constants.get("ws", 1)
    assert (weights.shape, constants["w"].dtype) == ((16, 16), precision)
    assert sum("MatMul" in node.op_type for node in model.graph.node) == count
    x = np.random.default_rng(1).standard_normal((16, 16)).astype("float32" if precision == "int8" else precision)
    right = x.astype(float) @ np.linalg.matrix_power(weights, count)
    np.testing.assert_allclose(run(path, x=x), right, rtol=error, atol=error)


def test_the_negation_changes_the_sign_of_every_number(tmp_path):
    path = tmp_path / "copy.onnx"
    write_negation(path, 1000)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    x = np.random.default_rng(1).standard_normal(1000, np.float32)
    np.testing.assert_array_equal(run(path, x=x), -x)


@pytest.fixture
def small(monkeypatch):
    """Small matrices and a small copy."""
    monkeypatch.setattr(hardware, "PRODUCTS_ON_HOST", ((SIDE, 1), (SIDE, 2)))
    monkeypatch.setattr(hardware, "COPIED", COPIED)


@pytest.fixture
def only_its_own(small, monkeypatch):
    """Products by the model's backend alone."""
    monkeypatch.setattr(hardware, "PRODUCTS_ON_HOST", ((SIDE, 1),))
    first = hardware._multipliers
    monkeypatch.setattr(hardware, "_multipliers", lambda model: [next(first(model))])


@pytest.mark.usefixtures("only_its_own")
def test_the_rates_are_operations_and_bytes_per_second(tiny_bundle, tmp_path, monkeypatch):
    ticks = count()
    monkeypatch.setattr(timing, "perf_counter", lambda: TICK * next(ticks))
    (product, copy), missing = measure_ceilings(mdhr_runtime.load(tiny_bundle, "cpu"), tmp_path)
    assert missing == []
    assert (product.id, product.unit) == ("matmul float32", "FLOP/s")
    assert product.title == "1 matrix product, 64 × 64, float32, cpu"
    assert product.value == pytest.approx(2 * SIDE**3 / TICK)
    assert (copy.id, copy.title, copy.unit) == ("copy", "copy of 4 MiB, read and written", "B/s")
    assert copy.value == pytest.approx(2 * COPIED / TICK)
    for each in (product, copy):
        assert each.value == each.summary.largest
        assert each.summary.count == hardware.ROUNDS


@pytest.mark.usefixtures("only_its_own")
def test_the_best_round_is_the_ceiling(tiny_bundle, tmp_path, monkeypatch):
    # Every round begins when the one before has ended, and takes longer.
    moments = iter([moment for _ in range(2) for n in range(hardware.ROUNDS) for moment in (0, 1 + n)])
    monkeypatch.setattr(timing, "perf_counter", lambda: next(moments))
    (product, _), _ = measure_ceilings(mdhr_runtime.load(tiny_bundle, "cpu"), tmp_path)
    assert product.value == 2 * SIDE**3
    assert product.summary.p50 == product.value / (1 + hardware.ROUNDS // 2)


@pytest.mark.usefixtures("small")
def test_every_precision_of_the_processor_has_a_ceiling_by_what_computes_in_it(tiny_bundle, tmp_path):
    pytest.importorskip("openvino")
    ceilings, missing = measure_ceilings(mdhr_runtime.load(tiny_bundle, "cpu"), tmp_path)
    found = {each.id.removeprefix("matmul ") for each in ceilings if each.unit == "FLOP/s"}
    assert {"float32", "int8"} <= found
    left = {each.what.removeprefix("ceilings, matmul "): each.why for each in missing}
    assert found | left.keys() == {"float32", "float16", "bfloat16", "int8"}
    assert found.isdisjoint(left)
    assert all("does not" in why for why in left.values())


def test_a_product_that_another_kernel_computes_has_no_ceiling(tmp_path, monkeypatch):
    pytest.importorskip("openvino")
    path = tmp_path / "product.onnx"
    write_product(path, SIDE, 1, "float32")
    monkeypatch.setattr(hardware, "layer_shares", lambda *_: {"MatMul brgemm_avx512_f32": 1.0})
    assert hardware._load_openvino(path, "float32")
    with pytest.raises(ProviderError, match="does not multiply in int8 here") as caught:
        hardware._load_openvino(path, "int8")
    assert "brgemm_avx512_f32" in caught.value.why


@pytest.mark.usefixtures("only_its_own")
def test_products_are_of_noise_that_keeps_its_size(tiny_bundle, tmp_path, monkeypatch):
    seen = []

    def spied(model, path, sizes):
        graph = open_graph(model, path, sizes)

        def run(inputs, outputs):
            graph.run(inputs, outputs)
            seen.append([getattr(each, "buffer", each) for each in (inputs["x"], outputs["y"])])

        return SimpleNamespace(run=run, wait=graph.wait, allocate=graph.allocate)

    monkeypatch.setattr(hardware, "open_graph", spied)
    measure_ceilings(mdhr_runtime.load(tiny_bundle, "cpu"), tmp_path)
    x, y = (buffer.memory for buffer in seen[-1])
    assert 0.8 < x.std() < 1.2
    assert 0.8 < y.std() < 1.2
