"""What runs a bundle, and what is said about it."""

import json
import shutil
import sys

import pytest

import mdhr_runtime
from mdhr_runtime.backends import onnx_runtime
from mdhr_runtime.backends.table import PROVIDERS, open_backend
from mdhr_runtime.backends.tensorrt.backend import ENGINE_GRAPHS
from mdhr_runtime.backends.tensorrt.installed import Flavor, Gpu, find_gpu
from mdhr_runtime.bundle import MANIFEST, PORTABLE, open_bundle
from mdhr_runtime.errors import ConfigError, ProviderError
from mdhr_runtime.streaming.choosing import choose_backend

ORIN = {
    "graph": "encoder",
    "file": "engines/encoder.engine",
    "flavor": "tensorrt",
    "version": "10.3.0",
    "gpu": "Orin",
    "compute_capability": "8.7",
    "multiprocessors": 16,
    "precision": "float32",
    "layers": {"FLOAT": 30},
    "profiles": [],
    "size": 1,
    "build_seconds": 1.0,
    "onnx_sha256": "0" * 64,
    "sha256": "0" * 64,
}


@pytest.fixture
def for_orin(tiny_bundle, tmp_path):
    """A bundle whose engines were built on another machine."""
    path = shutil.copytree(tiny_bundle, tmp_path / "copy.mdhr")
    manifest = json.loads((path / MANIFEST).read_text())
    engines = [ORIN | {"graph": name, "onnx_sha256": manifest["files"][f"{name}.onnx"]} for name in ("encoder",)]
    (path / MANIFEST).write_text(json.dumps(manifest | {"engines": engines}))
    return open_bundle(path)


def test_a_bundle_without_engines_runs_in_onnx_runtime_or_openvino_and_says_why(tiny_bundle):
    model = mdhr_runtime.load(tiny_bundle)
    assert model.reason.startswith(("ONNX Runtime ", "OpenVINO "))
    assert "; the bundle has no TensorRT engines" in model.reason


def test_threads_are_told_and_nonsense_is_refused_before_anything_is_loaded(tiny_bundle, monkeypatch):
    bundle = open_bundle(tiny_bundle)
    assert "float32, 1 thread;" in open_backend(bundle, "cpu", 1).reason
    monkeypatch.setenv("MDHR_THREADS", "3")
    assert "float32, 3 threads;" in open_backend(bundle, "cpu").reason
    monkeypatch.setenv("MDHR_THREADS", "none")
    with pytest.raises(ConfigError, match="MDHR_THREADS"):
        open_backend(bundle, "cpu")


def test_auto_says_why_engines_are_not_used(for_orin):
    backend = choose_backend(for_orin)
    assert backend.provider in ("cpu", "openvino", "cuda")
    assert "no engine can be used" in backend.reason


def test_engines_that_were_asked_for_are_used_or_refused(for_orin, tiny_bundle, monkeypatch):
    with pytest.raises(ProviderError):
        open_backend(for_orin, "tensorrt")
    monkeypatch.setattr("mdhr_runtime.backends.tensorrt.backend.find_gpu", lambda: Gpu("Thor", "11.0", 20))
    with pytest.raises(ProviderError, match="no engines for this machine") as error:
        open_backend(open_bundle(tiny_bundle), "tensorrt")
    assert f"mdhr-export --bundle {tiny_bundle} --trt" in error.value.fix


def test_without_a_gpu_engines_are_refused_in_words(for_orin):
    if find_gpu() is not None:
        pytest.skip("there is a GPU")
    with pytest.raises(ProviderError, match="cannot run here") as error:
        open_backend(for_orin, "tensorrt")
    assert "--provider cpu" in error.value.fix


def test_a_gpu_without_tensorrt_is_told(for_orin, monkeypatch):
    monkeypatch.setattr("mdhr_runtime.backends.tensorrt.backend.find_gpu", lambda: object())
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ProviderError) as error:
        open_backend(for_orin, "tensorrt")
    assert "Neither TensorRT nor TensorRT-RTX is installed" in error.value.why


@pytest.fixture
def portable(tiny_bundle, tmp_path):
    """A bundle with engines that TensorRT-RTX built for any GPU that it supports."""
    rtx = pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX's Python module")
    path = shutil.copytree(tiny_bundle, tmp_path / "portable.mdhr")
    manifest = json.loads((path / MANIFEST).read_text())
    product = {"flavor": "tensorrt_rtx", "version": rtx.__version__, "gpu": PORTABLE}
    engines = [
        ORIN | product | {"graph": name, "onnx_sha256": manifest["files"][f"{name}.onnx"]} for name in ENGINE_GRAPHS
    ]
    (path / MANIFEST).write_text(json.dumps(manifest | {"engines": engines}))
    return open_bundle(path)


def test_auto_passes_over_engines_of_a_product_that_does_not_support_the_gpu(portable, monkeypatch):
    """TensorRT-RTX 1.7 refuses an H100 when it loads an engine, which is too late to choose another provider."""
    h100 = Gpu("NVIDIA H100 80GB HBM3", "9.0", 132)
    monkeypatch.setattr("mdhr_runtime.backends.tensorrt.backend.find_gpu", lambda: h100)
    backend = choose_backend(portable)
    assert backend.provider in ("cpu", "openvino", "cuda")
    assert "does not support this machine's NVIDIA H100" in backend.reason
    with pytest.raises(ProviderError, match="no engines for this machine") as error:
        open_backend(portable, "tensorrt")
    assert "compute capability 9.0" in error.value.why


def test_the_gpus_that_tensorrt_rtx_supports_are_those_that_it_names():
    capabilities = ("7.5", "8.0", "8.6", "8.7", "8.9", "9.0", "10.0", "12.0", "12.1", "13.0")
    gpus = [Gpu("some GPU", capability, 100) for capability in capabilities]
    supported = [gpu.compute_capability for gpu in gpus if Flavor("tensorrt_rtx", "1.7.1", sys).supports(gpu)]
    assert supported == ["8.0", "8.6", "8.9", "12.0", "12.1", "13.0"]
    assert all(Flavor("tensorrt", "10.16", sys).supports(gpu) for gpu in gpus)


@pytest.mark.parametrize("name", ["TensorRT", "gpu", ""])
def test_an_unknown_provider_is_refused_with_the_known_ones(tiny_bundle, name):
    with pytest.raises(ProviderError, match="There is no provider") as error:
        mdhr_runtime.load(tiny_bundle, name)
    assert all(provider in error.value.why for provider in PROVIDERS)


@pytest.mark.parametrize("name", ["cuda", "ort-tensorrt"])
def test_a_provider_that_is_not_installed_is_refused(tiny_bundle, name):
    import onnxruntime

    if onnx_runtime.EXECUTION_PROVIDERS[name].name in onnxruntime.get_available_providers():
        pytest.skip("it is installed")
    with pytest.raises(ProviderError, match="is not installed"):
        mdhr_runtime.load(tiny_bundle, name)


def test_a_provider_that_starts_slowly_is_not_chosen_unasked(tiny_bundle, monkeypatch):
    import onnxruntime

    providers = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    bundle = open_bundle(tiny_bundle)
    assert choose_backend(bundle).provider == "cuda"
    assert open_backend(bundle, "ort-tensorrt").provider == "ort-tensorrt"
