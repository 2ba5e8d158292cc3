import sys
from types import SimpleNamespace

import numpy as np
import pytest

import mdhr_runtime
from mdhr_bench.measures.ceilings import write_negation
from mdhr_bench.measures.graphs import graph_record, open_graph
from mdhr_runtime.backends.tensorrt.installed import TITLES
from mdhr_runtime.bundle import TensorRecord
from mdhr_runtime.errors import BundleError, MdhrError


@pytest.fixture(scope="module")
def model(tiny_bundle):
    return mdhr_runtime.load(tiny_bundle, "cpu")


@pytest.fixture
def negation(tmp_path):
    path = tmp_path / "negation.onnx"
    write_negation(path, 6)
    return path


def test_an_onnx_file_is_described_by_name_type_and_sizes(negation):
    record = graph_record(negation)
    assert record.file == "negation.onnx"
    assert record.inputs == {"x": TensorRecord("float32", (6,))}
    assert record.outputs == {"y": TensorRecord("float32", (6,))}


@pytest.mark.parametrize("name", ["encoder", "temporal", "clip"])
def test_a_bundles_graphs_are_described_as_its_manifest_describes_them(model, name):
    told, found = model.bundle.manifest.graphs[name], graph_record(model.bundle.graph_path(name))
    assert (found.inputs, found.outputs) == (told.inputs, told.outputs)


def test_a_file_runs_on_the_models_backend(model, negation):
    graph = open_graph(model, negation, {})
    x = np.arange(6, dtype=np.float32)
    np.testing.assert_array_equal(graph({"x": x})["y"], -x)
    assert isinstance(graph, type(model.graph("encoder")))


def test_a_file_that_is_no_graph_is_refused(model, tmp_path):
    path = tmp_path / "noise.onnx"
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(BundleError, match="ONNX Runtime refuses"):
        open_graph(model, path, {})


def test_an_engine_cannot_be_had_without_a_builder(negation, monkeypatch):
    for product in TITLES:
        monkeypatch.setitem(sys.modules, product, None)
    with pytest.raises(MdhrError, match="No TensorRT is installed") as caught:
        open_graph(SimpleNamespace(provider="tensorrt"), negation, {})
    assert caught.value.why
    assert "pip install" in caught.value.fix
