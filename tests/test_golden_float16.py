"""Float16 graphs beside the golden vectors, and where float16 could go wrong."""

from contextlib import nullcontext

import golden as vectors
import numpy as np
import pytest
import torch

import mdhr_runtime
from mdhr_export.exporter import Options, export_bundle
from mdhr_export.graphs import TemporalGraph
from mdhr_export.tracing import temporal_spec, trace
from mdhr_runtime.backends.onnx_runtime import load_graph
from mdhr_runtime.streaming.parity import Labels, compare, label_with_graphs
from mdhr_runtime.streaming.stream import Stream
from mdhr_train.checkpoints import load_checkpoint

pytestmark = pytest.mark.slow

FRAMES = 16


@pytest.fixture(scope="module")
def checkpoint(golden, tmp_path_factory):
    path = tmp_path_factory.mktemp("golden") / "best.pth"
    vectors.save_published(golden, "BP4D_resnet", path)
    return path


@pytest.fixture(scope="module")
def model(checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "half.mdhr"
    export_bundle(checkpoint, path, Options("float16", verify=False, identity=False), lambda _: nullcontext())
    return mdhr_runtime.load(path, "cpu")


@pytest.fixture(scope="module")
def clips(golden):
    with np.load(golden / "frames.npz") as frames:
        return {clip: frames[clip] for clip in "ab"}


def test_scores_and_argmaxes_are_close_to_the_published_ones(golden, model, clips):
    with np.load(golden / "BP4D_resnet.npz") as data:
        scores = data["prob40"]
        logits = [data[key] for key in data.files if key.startswith("aux40/")]
    records = []
    for index, clip in enumerate("ab"):
        wanted = Labels(scores[index], np.stack([each[index].argmax(-1) for each in logits], axis=-1))
        _, found = next(label_with_graphs(model.graph, model.bundle.manifest, clips[clip]))
        records.append(compare(clip, wanted, found, reach=2))
    assert np.mean([record.mean for record in records]) <= 2e-3
    assert sum(record.flips for record in records) <= 0.01 * sum(record.argmaxes for record in records)
    assert max(record.largest_unflipped for record in records) <= 1e-2


@pytest.mark.parametrize("value", [0, 128, 255])
def test_constant_frames_give_numbers(model, value):
    scores = model.clip(np.full((FRAMES, 224, 224, 3), value, np.uint8))
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()
    assert (scores <= 1 + 1e-6).all()


def test_saturated_frames_give_numbers(model, clips):
    # Every pixel black or white, and changing from frame to frame: the largest differences that there are.
    noise = np.random.default_rng(0).random((FRAMES, 224, 224, 3)) < 0.5
    for frames in (noise, clips["a"][:FRAMES] > 127):
        assert np.isfinite(model.clip(frames.astype(np.uint8) * 255)).all()


@pytest.mark.parametrize("active", [False, True], ids=["all AUs inactive", "all AUs active"])
def test_graphs_without_edges_and_with_all_edges_give_numbers(checkpoint, model, clips, tmp_path, active):
    network = load_checkpoint(checkpoint).model
    with torch.no_grad():
        for classifier in network.local.classifiers:
            classifier.bias[-1 if active else 0] = 1e3  # the combination of all, or of none
    trace(temporal_spec(TemporalGraph(network, torch.float16)), tmp_path / "temporal.onnx")
    graph = load_graph(tmp_path / "temporal.onnx")
    _, labels = next(
        label_with_graphs(
            {"encoder": model.graph("encoder"), "temporal": graph}.__getitem__,
            model.bundle.manifest,
            clips["a"][:FRAMES],
        )
    )
    combinations = [region.combinations - 1 if active else 0 for region in model.layout.regions]
    assert (labels.combinations == combinations).all()
    assert np.isfinite(labels.scores).all()
    stream = Stream(model.graph("encoder"), graph, model.bundle.manifest)
    assert np.isfinite(np.concatenate([stream.push(clips["a"][:FRAMES]), stream.flush()])).all()
