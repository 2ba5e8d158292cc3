"""The whole chain against the golden vectors: published checkpoint → network → bundle → clip and streams.

Golden vectors are outputs of the authors' implementation; they lie in the folder shared/ beside the repository.
"""

import importlib.util
from contextlib import nullcontext

import golden as vectors
import numpy as np
import pytest
import torch

import mdhr_runtime
from mdhr_export.exporter import Options, export_bundle, label_with_torch
from mdhr_runtime.backends.table import open_backend
from mdhr_runtime.streaming.parity import compare, label_with_graphs
from mdhr_train.checkpoints import load_checkpoint
from mdhr_train.model import normalise

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4

# How many frames are pushed at a time concerns no backbone and no layout, and one frame takes Swin-B a quarter second.
STEPS = {"BP4D_resnet": (1, 3, 16), "DISFA_resnet": (3,), "BP4D_swin_transformer": (16,)}
"""The configurations with vectors, and how many frames their streams are given at a time."""


@pytest.fixture(scope="module", params=STEPS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def clips(golden):
    with np.load(golden / "frames.npz") as frames:
        return {clip: frames[clip] for clip in "ab"}


@pytest.fixture(scope="module")
def expected(golden, name):
    with np.load(golden / f"{name}.npz") as data:
        return dict(data)


@pytest.fixture(scope="module")
def checkpoint(golden, name, tmp_path_factory):
    path = tmp_path_factory.mktemp(name) / "best.pth"
    vectors.save_published(golden, name, path)
    return path


@pytest.fixture(scope="module")
def model(checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "best.mdhr"
    export_bundle(checkpoint, path, Options(verify=False, identity=False), lambda _: nullcontext())
    return mdhr_runtime.load(path, "cpu")


def test_network_reproduces_scores_and_argmaxes(checkpoint, clips, expected):
    network = load_checkpoint(checkpoint).model
    with torch.inference_mode():
        output = network(normalise(torch.from_numpy(clips["a"]))[None])
    np.testing.assert_allclose(output.scores[0], expected["prob40"][0], atol=TOLERANCE)
    logits = [expected[key][0] for key in expected if key.startswith("aux40/")]
    for found, wanted in zip(output.region_logits, logits, strict=True):
        np.testing.assert_array_equal(found[0].argmax(-1), wanted.argmax(-1))


def test_a_short_clip_reproduces_scores(model, clips, expected):
    for index, clip in enumerate("ab"):
        np.testing.assert_allclose(model.clip(clips[clip][:16]), expected["prob16"][index], atol=TOLERANCE)


def test_streams_reproduce_scores(name, model, clips, expected):
    for step in STEPS[name]:
        stream = model.stream()
        parts = [stream.push(clips["a"][start : start + step]) for start in range(0, 40, step)]
        assert sum(map(len, parts)) == 40 - model.lookahead
        scores = np.concatenate([*parts, stream.flush()])
        np.testing.assert_allclose(scores, expected["prob40"][0], atol=TOLERANCE, err_msg=f"{step} at a time")


def test_a_long_clip_reproduces_scores_and_argmaxes(model, clips, expected):
    _, labels = next(label_with_graphs(model.graph, model.bundle.manifest, clips["b"]))
    np.testing.assert_allclose(labels.scores, expected["prob40"][1], atol=TOLERANCE)
    wanted = [expected[key][1].argmax(-1) for key in expected if key.startswith("aux40/")]
    np.testing.assert_array_equal(labels.combinations, np.stack(wanted, axis=-1))


def test_the_configuration_without_vectors_exports_to_what_pytorch_computes(golden, clips, tmp_path):
    vectors.save_published(golden, "DISFA_swin_transformer", tmp_path / "best.pth")
    export_bundle(
        tmp_path / "best.pth", tmp_path / "best.mdhr", Options(verify=False, identity=False), lambda _: nullcontext()
    )
    model = mdhr_runtime.load(tmp_path / "best.mdhr", "cpu")
    assert model.layout.name == "DISFA"
    network = load_checkpoint(tmp_path / "best.pth").model
    frames = clips["a"][:16]
    _, labels = next(label_with_graphs(model.graph, model.bundle.manifest, frames))
    record = compare("clip", label_with_torch(network, frames), labels, reach=2)
    assert record.flips == 0
    assert record.largest <= TOLERANCE


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="needs OpenVINO: pip install '.[openvino]'")
@pytest.mark.parametrize("name", ["BP4D_resnet"], indirect=True)
def test_openvino_reproduces_scores_and_argmaxes(model, clips, expected):
    """As one clip, and as streams of 1 and 3 frames at a time."""
    load = open_backend(model.bundle, "openvino").load
    wanted = [expected[key][0].argmax(-1) for key in expected if key.startswith("aux40/")]
    for _, labels in label_with_graphs(load, model.bundle.manifest, clips["a"]):
        np.testing.assert_allclose(labels.scores, expected["prob40"][0], atol=TOLERANCE)
        np.testing.assert_array_equal(labels.combinations, np.stack(wanted, axis=-1))
