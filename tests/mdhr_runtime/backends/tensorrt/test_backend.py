"""Loading engines with the real TensorRT-RTX, which finds no GPU here and says so."""

import dataclasses

import pytest
from host_gpu import HostDevice

from mdhr_export.tensorrt.builder import BuildSettings, build_engine
from mdhr_export.tensorrt.shapes import profiles_of
from mdhr_runtime.backends.tensorrt.backend import EngineSet, TensorRtBackend
from mdhr_runtime.backends.tensorrt.installed import Gpu, find_gpu, load_flavor
from mdhr_runtime.bundle import Bundle, EngineRecord, file_hash, open_bundle
from mdhr_runtime.errors import BundleError, ProviderError


@pytest.fixture
def engines(tiny_bundle, tmp_path):
    """A bundle with an engine of its temporal graph, and the engine in a set."""
    pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX's Python module")
    flavor, manifest = load_flavor("tensorrt_rtx"), open_bundle(tiny_bundle).manifest
    profiles = profiles_of("temporal", manifest, 1, 7)
    path = tiny_bundle / manifest.graphs["temporal"].file
    (tmp_path / "temporal.engine").write_bytes(build_engine(path, flavor, profiles, BuildSettings()).data)
    record = EngineRecord(
        graph="temporal",
        file="temporal.engine",
        flavor=flavor.name,
        version=flavor.version,
        gpu="portable",
        compute_capability="8.0, 8.6, 8.9, 12.0+",
        multiprocessors=0,
        precision="float32",
        layers={},
        profiles=profiles,
        size=0,
        build_seconds=0,
        onnx_sha256="",
        sha256=file_hash(tmp_path / "temporal.engine"),
    )
    return Bundle(tmp_path, manifest), EngineSet(flavor, Gpu("none", "8.0", 1), {"temporal": record})


def test_what_tensorrt_refuses_is_told_as_it_logged_it(engines):
    if find_gpu() is not None:
        pytest.skip("there is a GPU, and TensorRT takes the engine")
    with pytest.raises(ProviderError, match=r"TensorRT-RTX .* refuses temporal\.engine") as error:
        TensorRtBackend(*engines, device=HostDevice()).load("temporal")
    assert "CUDA" in error.value.why
    assert "--trt" in error.value.fix


def test_an_engine_that_was_altered_never_reaches_tensorrt(engines):
    bundle, chosen = engines
    record = dataclasses.replace(chosen.records["temporal"], sha256="0" * 64)
    altered = dataclasses.replace(chosen, records={"temporal": record})
    with pytest.raises(BundleError, match="altered or damaged"):
        TensorRtBackend(bundle, altered, device=HostDevice()).load("temporal")


def test_without_a_driver_there_is_no_device(run):
    if find_gpu() is not None:
        pytest.skip("there is a GPU")
    result = run(
        "from mdhr_runtime.backends.tensorrt.backend import open_device\n"
        "from mdhr_runtime.errors import ProviderError\n"
        "try:\n    open_device()\nexcept ProviderError as error:\n    print(error)"
    )
    assert "fix:" in result.stdout, result.stderr


def test_a_graph_without_an_engine_is_loaded_from_its_onnx_file(engines):
    backend = TensorRtBackend(*engines, load_onnx=lambda name: f"{name}.onnx", device=HostDevice())
    assert [backend.load(name) for name in ("pnet", "embedder")] == ["pnet.onnx", "embedder.onnx"]
    assert backend.reason.startswith("float32 engines of TensorRT-RTX")
