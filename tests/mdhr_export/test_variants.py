"""Every network of the ablations, exported: its graphs compute what PyTorch computes, with the state that it needs."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

import mdhr_runtime
from mdhr_export.exporter import Options, export_bundle, label_with_torch
from mdhr_export.graphs import ClipGraph, EncoderGraph, TemporalGraph
from mdhr_export.tracing import clip_spec, trace
from mdhr_runtime.backends.onnx_runtime import load_graph
from mdhr_runtime.bundle import open_bundle
from mdhr_train.checkpoints import save_checkpoint
from mdhr_train.datasets import DISFA
from mdhr_train.model import INPUT_SIZE, MDHR, ModelConfig
from mdhr_train.model.variants import SUITES, rows

pytestmark = pytest.mark.slow

# Scales differ in their number, so one single and one pair stand for the others of table 4.
SAME = {"scale 1", "scale 3", "scale 4", "scales 1 + 2", "scales 1 + 3", "scales 2 + 3", "scales 2 + 4", "scales 3 + 4"}
ROWS = [
    pytest.param(row.overrides, id=f"{suite}: {row.label}")
    for suite in SUITES
    for row in rows(suite)
    if row.label not in SAME and (suite != "parts" or row.label in ("without AFE", "without Aux"))
]

FULL, BACKBONE = rows("table3")[-1].overrides, rows("table3")[0].overrides
MOTION_STATES = {"motion", "valid", "dynamics", "static"}


def inputs_of(dynamics, temporal):
    """What the temporal graph has to be told."""
    states = (MOTION_STATES if dynamics else set()) | ({"nodes"} if temporal else set())
    features = {"static"} | ({"motion"} if dynamics else set())
    return features | ({"valid"} if states else set()) | {f"state_{name}" for name in states}


@pytest.mark.parametrize("overrides", ROWS)
def test_clip_and_streams_are_those_of_pytorch(variant, face_frames, overrides):
    model, path = variant(**overrides)
    manifest = open_bundle(path).manifest
    scores = {record.form: record for record in manifest.parity if record.output == "scores"}
    assert set(scores) == {
        f"ONNX Runtime: {form}" for form in ("one clip", "stream, 1 at a time", "stream, 3 at a time")
    }
    assert max(record.largest for record in scores.values()) <= 1e-5
    argmaxes = 24 * 4 if model.config.activated else 0
    assert {(record.flips, record.argmaxes) for record in scores.values()} == {(0, argmaxes)}
    # Were the scores those of any face, agreement would say nothing.
    assert np.ptp(label_with_torch(model, face_frames).scores, axis=0).max() > 1e-3


@pytest.mark.parametrize("overrides", ROWS)
def test_the_graphs_have_the_inputs_and_the_lookahead_of_their_parts(variant, overrides):
    model, path = variant(**overrides)
    manifest, config = open_bundle(path).manifest, model.config
    assert manifest.lookahead == 2 * config.dynamics + 2 * config.temporal  # the radius here is 2
    assert manifest.radius == 2 * config.dynamics
    temporal = manifest.graphs["temporal"]
    assert set(temporal.inputs) == inputs_of(config.dynamics, config.temporal)
    labels = {"scores", "combinations"} if config.activated else {"scores"}
    assert set(temporal.outputs) == labels | {f"new_{name}" for name in temporal.inputs if "state_" in name}
    assert set(manifest.graphs["encoder"].outputs) == {"static"} | ({"motion"} if config.dynamics else set())


@pytest.mark.parametrize(
    "overrides",
    [FULL, FULL | {"temporal": False}, FULL | {"dynamics": False}, BACKBONE],
    ids=["full", "no TCN", "no MFD", "neither"],
)
@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_short_clips_are_right_at_both_ends(variant, face_frames, overrides, length):
    model, path = variant(**overrides)
    expected = label_with_torch(model, face_frames[:length]).scores
    found = mdhr_runtime.load(path, "cpu").clip(face_frames[:length])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    "overrides", [FULL | {"dynamics": False}, FULL | {"temporal": False}, BACKBONE], ids=["no MFD", "no TCN", "neither"]
)
def test_the_clip_graph_follows_the_variant(variant, face_frames, tmp_path, overrides):
    model, _ = variant(**overrides)
    clip = ClipGraph(EncoderGraph(model, torch.float32), TemporalGraph(model, torch.float32))
    trace(clip_spec(clip, INPUT_SIZE), tmp_path / "clip.onnx")
    scores = load_graph(tmp_path / "clip.onnx")({"frames": face_frames[None]})["scores"]
    np.testing.assert_allclose(scores[0], label_with_torch(model, face_frames).scores, atol=1e-5)


def test_float16_takes_another_fusion_too(variant, tmp_path):
    _, path = variant(**next(row.overrides for row in rows("table4") if row.label == "all scales, concatenation"))
    half = export_bundle(
        path.with_name("a.pt"), tmp_path / "half.mdhr", Options("float16", identity=False), lambda _: nullcontext()
    ).manifest
    assert {record.dtype for record in half.graphs["temporal"].inputs.values()} == {"float16"}
    assert max(record.largest for record in half.parity if record.output == "scores") <= 1e-2


@pytest.mark.parametrize("name", ["mobilenetv4_conv_small_035", "test_convnext", "test_efficientnet"])
def test_small_backbones_export(tmp_path, name):
    torch.manual_seed(0)
    model = MDHR(ModelConfig(DISFA, name, node_features=16, dynamics_channels=8, radius=2))
    save_checkpoint(tmp_path / "a.pt", model)
    manifest = export_bundle(
        tmp_path / "a.pt", tmp_path / "a.mdhr", Options(identity=False), lambda _: nullcontext()
    ).manifest
    assert manifest.backbone == name
    assert max(record.largest for record in manifest.parity if record.output == "scores") <= 1e-5
