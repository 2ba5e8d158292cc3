"""The forms of OpenVINO's models: the same results under the same names, for any number of frames."""

import importlib.util

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mdhr_runtime.backends import onnx_runtime, openvino
from mdhr_runtime.backends.openvino_forms import patches_as_rows
from mdhr_runtime.bundle import open_bundle

if importlib.util.find_spec("openvino") is None:  # importing it here would let it report
    pytest.skip("needs OpenVINO: pip install '.[openvino]'", allow_module_level=True)


@pytest.fixture
def converted(monkeypatch):
    """Read a model as it is in its file."""
    read = openvino.read_model

    def as_it_is(path):
        with monkeypatch.context() as context:
            context.setattr(openvino, "patches_as_rows", lambda model: model)
            return read(path)

    return as_it_is


def kinds(model):
    return [node.get_type_name() for node in model.get_ordered_ops()]


@pytest.fixture
def patches(tmp_path):
    """Write a graph of (N, 3, 15, 10) maps whose patches of 5×5 make 4 channels, and one of its users adds to them."""
    random = np.random.default_rng(0)
    weight = numpy_helper.from_array(random.standard_normal((4, 75, 1, 1), dtype=np.float32), "weight")
    bias = numpy_helper.from_array(random.standard_normal((4, 1, 1), dtype=np.float32), "bias")
    maps = helper.make_tensor_value_info("maps", TensorProto.FLOAT, ("N", 3, 15, 10))
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("N", 4, 3, 2)) for name in ("plain", "more")]
    nodes = [
        helper.make_node("SpaceToDepth", ["maps"], ["patches"], blocksize=5),
        helper.make_node("Conv", ["patches", "weight"], ["plain"]),
        helper.make_node("Add", ["plain", "bias"], ["more"]),
    ]
    graph = helper.make_graph(nodes, "patches", [maps], outputs, [weight, bias])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "p.onnx")
    return tmp_path / "p.onnx"


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_products_have_the_results_and_names_of_the_convolutions(patches, converted, frames):
    assert "Convolution" not in kinds(patches_as_rows(converted(patches)))
    maps = np.random.default_rng(1).standard_normal((frames, 3, 15, 10), dtype=np.float32)
    found = openvino.load_graph(patches, 1)({"maps": maps})
    expected = onnx_runtime.load_graph(patches, threads=1)({"maps": maps})
    assert found.keys() == expected.keys() == {"plain", "more"}
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name], atol=1e-6 * np.abs(expected[name]).max(initial=0))


def test_the_dynamics_of_every_scale_are_products(tiny_bundle, converted):
    model = converted(open_bundle(tiny_bundle).graph_path("encoder"))
    before = kinds(model)
    after = kinds(patches_as_rows(model))
    assert before.count("SpaceToDepth") == 3
    assert after.count("MatMul") == 3
    assert after.count("Convolution") == before.count("Convolution") - 3


def test_a_convolution_of_more_patches_than_weights_stays(patches, converted):
    graph = onnx.load(patches)
    for value in (*graph.graph.input, *graph.graph.output):
        for dimension in value.type.tensor_type.shape.dim[2:]:
            dimension.dim_value *= 4
    onnx.save(graph, patches)
    assert "Convolution" in kinds(patches_as_rows(converted(patches)))
