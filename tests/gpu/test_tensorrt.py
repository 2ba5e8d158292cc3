"""The whole way on a GPU: engines are built, verified, loaded and run. `make gpu-test` sets a machine up for it."""

import ctypes
import gc
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest

import mdhr_runtime
from mdhr_export.exporter import Options, export_bundle
from mdhr_export.tensorrt import EngineOptions, build_engines
from mdhr_runtime.backends.tensorrt.backend import open_device
from mdhr_runtime.backends.tensorrt.installed import installed_flavors
from mdhr_runtime.bundle import open_bundle
from mdhr_runtime.errors import FramesError, ProviderError

pytestmark = pytest.mark.gpu

FLAVORS = [flavor.name for flavor in installed_flavors()]
TOLERANCE = {"float32": 1e-3, "float16": 1e-2}


@pytest.fixture(scope="module", params=FLAVORS or [pytest.param("", marks=pytest.mark.skip("needs TensorRT"))])
def flavor(request):
    return request.param


@pytest.fixture(scope="module", params=["float32", "float16"])
def with_engines(request, flavor, tiny_checkpoint, tmp_path_factory):
    """A bundle whose engines were built here, and verified against PyTorch."""
    path = tmp_path_factory.mktemp("gpu") / "best.mdhr"
    export_bundle(tiny_checkpoint, path, Options(request.param, clip_graph=True), lambda _: nullcontext())
    build_engines(path, EngineOptions(flavor, max_batch=4, max_frames=16), lambda _: nullcontext())
    return path


@pytest.fixture(scope="module")
def model(with_engines):
    return mdhr_runtime.load(with_engines, "tensorrt")


@pytest.fixture(scope="module")
def on_cpu(with_engines):
    return mdhr_runtime.load(with_engines, "cpu")


def test_the_build_was_verified_in_every_form(with_engines):
    manifest = open_bundle(with_engines).manifest
    forms = {record.form.split(": ")[1] for record in manifest.parity if record.form.startswith("TensorRT")}
    assert forms == {"one clip", "stream, 1 at a time", "stream, 3 at a time", "clip graph"}


def test_auto_takes_the_engines_and_says_so(with_engines):
    model = mdhr_runtime.load(with_engines)
    assert model.provider == "tensorrt"
    assert "engines of TensorRT" in model.reason


@pytest.mark.parametrize("step", [1, 3, 24])
def test_streams_give_the_scores_of_onnx_runtime(model, on_cpu, face_frames, step):
    stream = model.stream()
    parts = [stream.push(face_frames[start : start + step]) for start in range(0, len(face_frames), step)]
    found = np.concatenate([*parts, stream.flush()])
    precision = model.bundle.manifest.precision
    np.testing.assert_allclose(found, on_cpu.clip(face_frames), atol=TOLERANCE[precision])


def test_many_streams_share_the_gpu(model, on_cpu, face_frames):
    batch = model.batch()
    clips = [face_frames[start : start + 10] for start in range(6)]
    slots = [batch.open() for _ in clips]
    found = [[] for _ in clips]
    for frame in range(10):
        scores = batch.push(slots, [clip[frame : frame + 1] for clip in clips])
        for part, each in zip(found, scores, strict=True):
            part.append(each)
    precision = model.bundle.manifest.precision
    for part, rest, clip in zip(found, batch.close(slots), clips, strict=True):
        np.testing.assert_allclose(np.concatenate([*part, rest]), on_cpu.clip(clip), atol=TOLERANCE[precision])


def test_threads_take_turns(model, face_frames):
    expected = model.clip(face_frames)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(model.clip, [face_frames] * 8):
            np.testing.assert_allclose(found, expected, atol=1e-4)


def test_more_frames_than_the_engine_takes_are_refused(model, face_frames):
    with pytest.raises(FramesError, match="does not take"):
        model.graph("encoder")({"frames": face_frames[:17]})


def test_other_libraries_of_the_process_keep_their_context(model, face_frames):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("PyTorch has no CUDA here")
    before = torch.arange(1000, device="cuda").sum()
    model.clip(face_frames[:8])
    after = torch.arange(1000, device="cuda").sum()
    assert before == after


def test_memory_does_not_grow_with_the_number_of_streams(with_engines, face_frames):
    driver = ctypes.CDLL("libcuda.so.1")
    model = mdhr_runtime.load(with_engines, "tensorrt")

    def free():
        gc.collect()
        left, total = ctypes.c_size_t(), ctypes.c_size_t()
        with open_device().use():  # the context that the model uses too
            assert driver.cuMemGetInfo_v2(ctypes.byref(left), ctypes.byref(total)) == 0
        return left.value

    model.clip(face_frames[:8])
    before = free()
    for _ in range(20):
        model.clip(face_frames[:8])
    assert before - free() < 32 << 20


def test_an_engine_of_another_gpu_is_refused_by_name(with_engines, tmp_path):
    path = shutil.copytree(with_engines, tmp_path / "best.mdhr")
    manifest = json.loads((path / "manifest.json").read_text())
    for record in manifest["engines"]:
        record |= {"gpu": "Orin", "compute_capability": "8.7", "multiprocessors": 16}
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ProviderError, match="no engines for this machine") as error:
        mdhr_runtime.load(path, "tensorrt")
    assert "built for Orin" in error.value.why
    assert "no engine can be used" in mdhr_runtime.load(path).reason
