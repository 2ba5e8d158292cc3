"""What mdhr-bench measures on a GPU only: copies, ceilings, baselines as engines. Speed itself is not tested."""

from contextlib import nullcontext

import pytest

import mdhr_runtime
from mdhr_bench.measures.baselines import CLIP, backbone_way, clip_way
from mdhr_bench.measures.ceilings import measure_ceilings
from mdhr_bench.measures.transfers import TO_DEVICE, TO_HOST, measure_transfers
from mdhr_bench.measures.ways import step_ways
from mdhr_export.exporter import Options, export_bundle
from mdhr_export.tensorrt import EngineOptions, build_engines
from mdhr_runtime.backends.tensorrt.installed import installed_flavors

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def model(tiny_checkpoint, tmp_path_factory):
    if not installed_flavors():
        pytest.skip("needs TensorRT")
    path = tmp_path_factory.mktemp("gpu") / "best.mdhr"
    export_bundle(tiny_checkpoint, path, Options("float16", clip_graph=True), lambda _: nullcontext())
    build_engines(path, EngineOptions(max_batch=4, max_frames=16), lambda _: nullcontext())
    return mdhr_runtime.load(path, "tensorrt")


def test_copies_are_timed_in_both_directions(model):
    found = measure_transfers(model)
    assert [each.direction for each in found] == [TO_DEVICE, TO_HOST]
    assert [each.size for each in found] == [224 * 224 * 3, 4 * len(model.aus)]
    assert all(each.summary.p50 > 0 for each in found)


def test_the_ceilings_are_those_of_the_gpu(model, tmp_path):
    product, copy = measure_ceilings(model, tmp_path)
    assert product.value > 1e12
    assert copy.value > 1e10


@pytest.mark.parametrize(("make", "name", "frames"), [(clip_way, "clip", CLIP), (backbone_way, "backbone", 1)])
def test_baselines_run_as_engines(model, tmp_path, make, name, frames):
    way = make(model, tmp_path)
    way.call()
    assert (way.id, way.frames) == (name, frames)


def test_the_step_gives_a_frames_scores_and_its_parts_run(model):
    step, *parts = step_ways(model)
    shapes = [step.call().shape for _ in range(model.lookahead + 1)]
    assert shapes == [(0, len(model.aus))] * model.lookahead + [(1, len(model.aus))]
    for part in parts:
        part.call()
