"""The graphs of the face detector: what TensorFlow computes with the same weights."""

import sys

import numpy as np
import onnx
import pytest

from mdhr_export.tracing import OPSET, trace_published
from mdhr_runtime.backends.onnx_runtime import load_graph
from mdhr_runtime.contract import DETECTOR

# What the networks of mtcnn 1.0 give in TensorFlow 2.21 for `pattern`; of P-Net's map, the cell in row 1, column 2.
TENSORFLOW = {
    "pnet": {"offsets": [0.176075, 0.230953, -0.289193, -0.015299], "scores": [0.000672]},
    "rnet": {"offsets": [0.149186, -0.038277, -0.001895, 0.020851], "scores": [0.002966]},
    "onet": {
        "offsets": [0.053003, 0.025935, -0.078967, 0.071629],
        "landmarks": [
            *(0.255055, 0.648238, 0.435912, 0.334742, 0.658006),
            *(0.348229, 0.306662, 0.546312, 0.904564, 0.881783),
        ],
        "scores": [0.002895],
    },
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detector")
    paths = {name: folder / f"{name}.onnx" for name in DETECTOR}
    for name, path in paths.items():
        trace_published(name, path)
    return paths


def pattern(*shape):
    """Images whose pixels follow a rule."""
    count = np.arange(np.prod(shape))
    return (count * count // 7 % 256).astype(np.uint8).reshape(shape)


@pytest.mark.parametrize(("name", "size"), [("rnet", 24), ("onet", 48)])
def test_values_are_those_of_tensorflow(files, name, size):
    found = load_graph(files[name])({"images": pattern(1, size, size, 3)})
    assert set(found) == set(TENSORFLOW[name])
    for output, values in TENSORFLOW[name].items():
        np.testing.assert_allclose(found[output][0], values, atol=2e-6)


def test_values_of_the_proposal_network_are_those_of_tensorflow(files):
    found = load_graph(files["pnet"])({"images": pattern(1, 20, 18, 3)})
    assert found["scores"].shape == (1, 1, 5, 4)
    for output, values in TENSORFLOW["pnet"].items():
        np.testing.assert_allclose(found[output][0, :, 1, 2], values, atol=2e-6)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("pnet", (3, 12, 12, 3)), ("pnet", (1, 61, 90, 3)), ("pnet", (1, 62, 91, 3)), ("rnet", (5, 24, 24, 3))],
)
def test_sizes_are_free_where_they_should_be(files, name, shape):
    found = load_graph(files[name])({"images": pattern(*shape)})
    assert found["scores"].shape[:2] == (shape[0], 1)
    assert all(np.isfinite(output).all() for output in found.values())


@pytest.mark.parametrize("name", DETECTOR)
def test_graphs_keep_to_what_every_backend_takes(files, name):
    model = onnx.load(files[name])
    assert [opset.version for opset in model.opset_import] == [OPSET]
    (images,) = model.graph.input
    assert images.name == "images"
    assert images.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert {output.type.tensor_type.elem_type for output in model.graph.output} == {onnx.TensorProto.FLOAT}
    # TensorRT lets 8-bit inputs feed nothing but a cast.
    assert {node.op_type for node in model.graph.node if "images" in node.input} == {"Cast"}


def test_tensorflow_is_not_needed(files):
    assert "tensorflow" not in sys.modules
