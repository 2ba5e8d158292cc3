import sys
from types import SimpleNamespace

import pytest
import tiny_backbone
import torch

import mdhr_runtime
from mdhr_bench.measures import baselines
from mdhr_bench.measures.baselines import CLIP_FRAMES, COMPARED, Baseline, baseline_cases, clip_case, random_network
from mdhr_bench.measures.timing import Case
from mdhr_bench.results import Missing
from mdhr_export.graphs import TemporalGraph
from mdhr_export.tracing import temporal_spec
from mdhr_runtime.bundle import GraphRecord, TensorRecord
from mdhr_runtime.errors import ExportError
from mdhr_train.checkpoints import load_checkpoint
from mdhr_train.datasets import BP4D
from mdhr_train.model import MDHR, ModelConfig

STEP = {"step", "encoder", "temporal"}
"""Ids of what is the bundle's own."""


@pytest.fixture(scope="module")
def model(tiny_bundle):
    return mdhr_runtime.load(tiny_bundle, "cpu")


def sizes_of(network):
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.mark.slow
def test_every_baseline_can_be_called_and_says_how_many_frames_it_takes(model, tmp_path):
    cases = list(baseline_cases(model, tmp_path))
    assert [(case.id, case.what, case.frames) for case in cases] == [
        ("clip", "baseline", CLIP_FRAMES),
        ("backbone", "baseline", 1),
        ("torch-clip", "baseline", CLIP_FRAMES),
        # It takes a clip for every frame: that is the point.
        ("torch-window", "baseline", 1),
    ]
    found = {case.id: case.call() for case in cases}
    for name in ("torch-clip", "torch-window"):
        assert found[name].shape == (1, CLIP_FRAMES, len(model.aus))


INSTALL = "Run `pip install 'mdhr-edge[export]'` to have it too."


@pytest.mark.parametrize("absent", ["torch", "timm"])
def test_without_pytorch_its_part_is_missing_with_what_is_not_installed(model, tmp_path, monkeypatch, absent):
    monkeypatch.setitem(sys.modules, absent, None)
    clip, backbone, *missing = baseline_cases(model, tmp_path)
    assert (clip.id, backbone.id) == ("clip", "backbone")
    why = f"{absent} is not installed. {INSTALL}"
    assert missing == [Missing("PyTorch on a clip", why), Missing("PyTorch with a sliding window", why)]


def test_a_baseline_that_is_refused_is_missing_and_the_others_are_made(model, tmp_path, monkeypatch):
    def refuse(model, folder):
        raise ExportError("No graph can be traced.", "It is too large.", "Make it smaller.")

    monkeypatch.setattr(baselines, "BASELINES", (Baseline("the first", refuse), Baseline("the second", clip_case)))
    first, second = baseline_cases(model, tmp_path)
    assert first == Missing("the first", "It is too large. Make it smaller.")
    assert isinstance(second, Case)


@pytest.mark.slow
def test_a_bundle_without_a_clip_graph_is_given_one_of_its_sizes(variant, tmp_path):
    _, path = variant()
    model = mdhr_runtime.load(path, "cpu")
    assert "clip" not in model.bundle.manifest.graphs
    case = clip_case(model, tmp_path)
    case.call()
    assert (case.id, case.frames) == ("clip", CLIP_FRAMES)
    assert [each.name for each in tmp_path.iterdir()] == ["clip.onnx"]


def test_the_clip_graph_runs_on_the_backend_of_the_bundle_or_not_at_all(model, tmp_path, monkeypatch):
    def refuse(*_):
        raise ExportError("No engine can be built.", "There is no builder.", "Install one.")

    monkeypatch.setattr(baselines, "open_graph", refuse)
    assert "clip" in model.bundle.manifest.graphs
    first, *_ = baseline_cases(model, tmp_path)
    assert first == Missing("the clip graph", "There is no builder. Install one.")


@pytest.mark.slow
def test_no_clip_graph_can_be_made_without_pytorch(variant, tmp_path, monkeypatch):
    model = mdhr_runtime.load(variant()[1], "cpu")
    monkeypatch.setitem(sys.modules, "torch", None)
    first, *_ = baseline_cases(model, tmp_path)
    assert first == Missing("the clip graph", f"torch is not installed. {INSTALL}")


def test_the_network_in_pytorch_has_the_sizes_of_the_bundles(model, tiny_checkpoint):
    network = random_network(model)
    assert sizes_of(network) == sizes_of(load_checkpoint(tiny_checkpoint).model)
    assert not network.training


@pytest.mark.parametrize("parts", [{"dynamics": False}, {"temporal": False}, {"dynamics": False, "temporal": False}])
def test_parts_that_the_bundle_has_not_are_left_out_of_the_network(parts):
    config = ModelConfig(BP4D, tiny_backbone.NAME, node_features=16, dynamics_channels=8, radius=2, **parts)
    network = MDHR(config)
    inputs = {
        name: TensorRecord("float32", shape)
        for name, (_, shape) in temporal_spec(TemporalGraph(network, torch.float32)).inputs.items()
    }
    manifest = SimpleNamespace(
        layout=BP4D,
        backbone=config.backbone,
        radius=config.node_lookahead,
        graphs={"temporal": GraphRecord("temporal.onnx", inputs, {})},
    )
    found = random_network(SimpleNamespace(bundle=SimpleNamespace(manifest=manifest)))
    assert sizes_of(found) == sizes_of(network)
    assert found.config.lookahead == config.lookahead


def test_ratios_are_of_things_that_are_timed_and_the_step_comes_first(model, tmp_path):
    timed = STEP | {case.id for case in baseline_cases(model, tmp_path)}
    assert {each for pair in COMPARED for each in pair} == timed
    assert {of for of, _ in COMPARED} == timed
    assert COMPARED[0] == ("step", "clip")
    assert len(set(COMPARED)) == len(COMPARED)
