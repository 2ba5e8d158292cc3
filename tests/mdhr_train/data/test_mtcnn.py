"""MTCNN in PyTorch, and the graphs that are traced from it."""

import sys

import numpy as np
import pytest
from raw_faces import faces

from mdhr_export.tracing import trace_published
from mdhr_runtime.backends.onnx_runtime import load_graph
from mdhr_runtime.contract import DETECTOR
from mdhr_runtime.errors import ConfigError
from mdhr_runtime.faces.mtcnn import Mtcnn
from mdhr_train.data.mtcnn import MtcnnNetwork, as_graph, make_detector


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detector")
    for name in DETECTOR:
        trace_published(name, folder / f"{name}.onnx")
    return {name: load_graph(folder / f"{name}.onnx") for name in DETECTOR}


@pytest.mark.parametrize(("name", "size"), [("pnet", (31, 24)), ("rnet", (24, 24)), ("onet", (48, 48))])
def test_networks_compute_what_the_graphs_of_a_bundle_compute(graphs, name, size):
    images = np.random.default_rng(0).integers(0, 256, (3, *size, 3), np.uint8)
    found, expected = as_graph(MtcnnNetwork(name))({"images": images}), graphs[name]({"images": images})
    assert found.keys() == expected.keys()
    for output, values in expected.items():
        assert found[output].shape == values.shape
        np.testing.assert_allclose(found[output], values, atol=1e-5)


def test_faces_are_those_that_a_bundle_s_detector_finds(graphs):
    image = faces(1)[0]
    ours, theirs = make_detector(48), Mtcnn(*(graphs[name] for name in DETECTOR), 48)
    boxes = ours.detect(image)
    assert len(boxes) == 1
    np.testing.assert_allclose(boxes, theirs.detect(image), atol=0.02)  # pixels
    (_, score, landmarks), (_, expected_score, expected) = ours.refine(image, boxes), theirs.refine(image, boxes)
    np.testing.assert_allclose(landmarks, expected, atol=0.02)
    assert score == pytest.approx(expected_score, abs=1e-5)


@pytest.mark.parametrize("package", ["mtcnn", "joblib"])
def test_a_missing_package_is_named_with_its_extra(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)  # what an import of it now finds
    with pytest.raises(ConfigError, match=package) as error:
        make_detector(48)
    assert "mdhr-edge[train]" in error.value.fix


@pytest.mark.parametrize("arrays", [-1, 1])
def test_weights_of_another_network_are_refused(monkeypatch, arrays):
    import joblib

    stored = joblib.load
    change = {-1: lambda weights: weights[1:], 1: lambda weights: [*weights, weights[-1]]}[arrays]
    monkeypatch.setattr(joblib, "load", lambda file: change(stored(file)))
    with pytest.raises(ConfigError, match="not the expected ones") as error:
        MtcnnNetwork("pnet")
    assert "mtcnn>=1.0,<2" in error.value.fix
