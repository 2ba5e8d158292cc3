import numpy as np
import pytest
from raw_faces import faces

from mdhr_export.detector import write_detector
from mdhr_runtime.backends.onnx_runtime import load_graph
from mdhr_runtime.errors import ConfigError
from mdhr_runtime.faces.mtcnn import FaceDetector
from mdhr_train.data.mtcnn import TRUNKS, Network, make_detector


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    files = write_detector(tmp_path_factory.mktemp("detector"))
    return {name: load_graph(path) for name, path in files.items()}


@pytest.mark.parametrize(("name", "size"), [("pnet", (31, 24)), ("rnet", (24, 24)), ("onet", (48, 48))])
def test_networks_compute_what_the_graphs_of_a_bundle_compute(graphs, name, size):
    images = np.random.default_rng(0).integers(0, 256, (3, *size, 3), np.uint8)
    found, expected = Network(name)({"images": images}), graphs[name]({"images": images})
    assert found.keys() == expected.keys()
    for output, values in expected.items():
        assert found[output].shape == values.shape
        np.testing.assert_allclose(found[output], values, atol=1e-5)


def test_faces_are_those_that_a_bundle_s_detector_finds(graphs):
    image = faces(1)[0]
    (face,) = make_detector(48).detect(image)
    (expected,) = FaceDetector(*(graphs[name] for name in TRUNKS), 48).detect(image)
    np.testing.assert_allclose(face.landmarks, expected.landmarks, atol=0.02)  # pixels
    assert face.score == pytest.approx(expected.score, abs=1e-5)


def test_the_package_with_the_weights_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr("mdhr_train.data.detector_weights.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="mtcnn") as error:
        make_detector(48)
    assert "mdhr-edge[train]" in error.value.fix
