"""Engines in a bundle: built for real by TensorRT-RTX, which needs no GPU for that."""

import json
import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace

import pytest

from mdhr_export.tensorrt import EngineOptions, build_engines, engines
from mdhr_export.tensorrt.builder import BuildSettings
from mdhr_runtime.backends.tensorrt.backend import choose_engines
from mdhr_runtime.backends.tensorrt.installed import Gpu, find_gpu
from mdhr_runtime.bundle import MANIFEST, PORTABLE, open_bundle, read_engine
from mdhr_runtime.errors import BundleError, ConfigError, ExportError, OutputError, ProviderError
from mdhr_runtime.targets import Claim

pytestmark = pytest.mark.slow

OPTIONS = EngineOptions("tensorrt_rtx", max_batch=2, max_frames=8)


def quiet(_):
    return nullcontext()


def tree(path):
    return sorted(str(file.relative_to(path)) for file in path.rglob("*"))


@pytest.fixture
def bundle(tiny_bundle, tmp_path):
    """A copy without engines."""
    return shutil.copytree(tiny_bundle, tmp_path / "copy.mdhr")


@pytest.fixture(scope="module")
def with_engines(flavor, tiny_bundle, tmp_path_factory):
    """A bundle with engines, built on a machine without a GPU. Not to be changed."""
    if find_gpu() is not None:
        pytest.skip("this machine has a GPU, and these tests are of machines without")
    path = shutil.copytree(tiny_bundle, tmp_path_factory.mktemp("engines") / "copy.mdhr")
    build_engines(path, OPTIONS, quiet)
    return path


def test_the_manifest_says_what_was_built(with_engines, flavor):
    bundle = open_bundle(with_engines)
    records = {record.graph: record for record in bundle.manifest.engines}
    assert set(records) == {"encoder", "temporal", "clip"}
    for name, record in records.items():
        assert (record.flavor, record.version) == ("tensorrt_rtx", flavor.version)
        assert (record.gpu, record.compute_capability, record.multiprocessors) == (PORTABLE, "8.0, 8.6, 8.9, 12.0+", 0)
        assert record.precision == "float32"
        assert record.layers["FLOAT"] > 20
        assert "HALF" not in record.layers
        assert record.size == (with_engines / record.file).stat().st_size
        assert record.build_seconds > 0
        assert record.onnx_sha256 == bundle.manifest.files[f"{name}.onnx"]
        assert len(read_engine(bundle, record)) == record.size
    assert len(records["temporal"].profiles) == 2
    assert records["temporal"].profiles[1]["valid"] == ((1, 1), (2, 1), (2, 8))


def test_engines_are_no_files_that_every_user_must_read(with_engines):
    assert not [name for name in open_bundle(with_engines).manifest.files if name.startswith("engines/")]


def test_engines_are_not_run_on_a_gpu_that_their_product_does_not_support(flavor, bundle, monkeypatch):
    """They are portable, so they are worth building on an H100, which TensorRT-RTX refuses to load them on."""
    monkeypatch.setattr(engines, "find_gpu", lambda: Gpu("NVIDIA H100 80GB HBM3", "9.0", 132))
    manifest = build_engines(bundle, OPTIONS, quiet)
    assert {record.gpu for record in manifest.engines} == {PORTABLE}
    assert not [record for record in manifest.parity if "TensorRT" in record.form]


def test_a_new_build_takes_the_place_of_the_old_one(flavor, with_engines, tmp_path):
    path = shutil.copytree(with_engines, tmp_path / "copy.mdhr")
    before = {record.file for record in open_bundle(path).manifest.engines}
    build_engines(path, EngineOptions("tensorrt_rtx", max_batch=1, max_frames=7), quiet)
    after = {record.file for record in open_bundle(path).manifest.engines}
    assert not before & after
    assert {f"engines/{file.name}" for file in (path / "engines").iterdir()} == after


def test_engines_for_other_machines_stay(flavor, with_engines, tmp_path):
    path = shutil.copytree(with_engines, tmp_path / "copy.mdhr")
    manifest = json.loads((path / MANIFEST).read_text())
    for record in manifest["engines"]:
        record |= {"flavor": "tensorrt", "version": "10.3.0", "gpu": "Orin", "compute_capability": "8.7"}
    (path / MANIFEST).write_text(json.dumps(manifest))
    build_engines(path, EngineOptions("tensorrt_rtx", max_batch=1, max_frames=7), quiet)
    assert [record.gpu for record in open_bundle(path).manifest.engines] == ["Orin"] * 3 + [PORTABLE] * 3


@pytest.mark.parametrize("damage", ["missing", "truncated", "altered"])
def test_an_engine_that_is_not_what_the_manifest_says_is_refused(with_engines, tmp_path, damage):
    path = shutil.copytree(with_engines, tmp_path / "copy.mdhr")
    bundle = open_bundle(path)
    record = bundle.manifest.engines[0]
    file = path / record.file
    data = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(data[:-100] if damage == "truncated" else data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BundleError, match=r"not complete|altered or damaged") as error:
        read_engine(bundle, record)
    assert f"mdhr-export --bundle {path} --trt" in error.value.fix


def test_a_failed_build_leaves_the_bundle_as_it_was(flavor, with_engines, tmp_path):
    path = shutil.copytree(with_engines, tmp_path / "copy.mdhr")
    before = tree(path), (path / MANIFEST).read_text()
    with pytest.raises(ConfigError, match="too small"):
        build_engines(path, EngineOptions("tensorrt_rtx", max_frames=3), quiet)
    assert (tree(path), (path / MANIFEST).read_text()) == before


def test_a_full_disk_leaves_the_bundle_as_it_was(flavor, bundle, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    before = tree(bundle)
    monkeypatch.setattr(engines, "write_manifest", full)
    with pytest.raises(ExportError, match="cannot be written") as error:
        build_engines(bundle, OPTIONS, quiet)
    assert "No space left" in error.value.why
    assert tree(bundle) == before


BUILD = """
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from mdhr_export.tensorrt import EngineOptions, build_engines
build_engines(Path(sys.argv[1]), EngineOptions("tensorrt_rtx", 1, 7), lambda _: nullcontext())
"""


def test_two_processes_do_not_build_into_one_bundle(flavor, bundle):
    with Claim(bundle, lambda _: True):
        result = subprocess.run([sys.executable, "-c", BUILD, bundle], capture_output=True, text=True)
    assert "Another process is writing it" in result.stderr
    assert subprocess.run([sys.executable, "-c", BUILD, bundle]).returncode == 0  # the lock is gone with its holder
    assert len(open_bundle(bundle).manifest.engines) == 3


def test_a_file_that_is_no_timing_cache_is_not_overwritten(flavor, bundle, tmp_path):
    (tmp_path / "x.timing").write_text("mine")
    options = replace(OPTIONS, settings=BuildSettings(timing_cache=tmp_path / "x.timing"))
    before = tree(bundle)
    with pytest.raises(OutputError, match="not overwritten"):
        build_engines(bundle, options, quiet)
    assert tree(bundle) == before
    assert (tmp_path / "x.timing").read_text() == "mine"


def test_a_build_removes_no_file_of_others(flavor, bundle):
    (bundle / "engines").mkdir()
    (bundle / "engines" / "yolo.engine").write_text("mine")
    (bundle / "notes.txt").write_text("mine")
    build_engines(bundle, OPTIONS, quiet)
    assert (bundle / "engines" / "yolo.engine").read_text() == "mine"
    assert "notes.txt" not in open_bundle(bundle).manifest.files


def test_a_killed_build_leaves_the_bundle_usable(flavor, bundle):
    process = subprocess.Popen([sys.executable, "-c", BUILD, bundle])
    while process.poll() is None and not list(bundle.glob("engines/*.engine")):
        pass
    process.kill()
    process.wait()
    assert open_bundle(bundle).manifest.engines == ()
    build_engines(bundle, OPTIONS, quiet)
    assert {f"engines/{file.name}" for file in bundle.glob("engines/*")} == {
        record.file for record in open_bundle(bundle).manifest.engines
    }


GPU = Gpu("NVIDIA A100-SXM4-80GB", "8.0", 108)


def test_engines_are_chosen_where_they_were_built_for(with_engines, monkeypatch, flavor):
    monkeypatch.setattr("mdhr_runtime.backends.tensorrt.backend.find_gpu", lambda: GPU)
    chosen = choose_engines(open_bundle(with_engines))
    assert set(chosen.records) == {"encoder", "temporal", "clip"}
    assert str(chosen) == f"float32 engines of TensorRT-RTX {flavor.version} for portable"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "1.2.0"}, "built by TensorRT-RTX 1.2.0, and this machine has TensorRT-RTX"),
        ({"flavor": "tensorrt", "version": "10.3.0"}, "built by TensorRT 10.3.0, and this machine has TensorRT-RTX"),
        (
            {"gpu": "Orin", "compute_capability": "8.7", "multiprocessors": 16},
            "built for Orin (16 multiprocessors, compute capability 8.7), and this machine has NVIDIA A100",
        ),
        (
            {"gpu": GPU.name, "compute_capability": "8.0", "multiprocessors": 98},
            "98 multiprocessors",
        ),
        ({"onnx_sha256": "0" * 64}, "was built from another"),
    ],
)
def test_engines_for_another_machine_or_bundle_are_refused(
    with_engines, tmp_path, monkeypatch, flavor, changes, reason
):
    path = shutil.copytree(with_engines, tmp_path / "copy.mdhr")
    manifest = json.loads((path / MANIFEST).read_text())
    for record in manifest["engines"]:
        record |= changes
    (path / MANIFEST).write_text(json.dumps(manifest))
    monkeypatch.setattr("mdhr_runtime.backends.tensorrt.backend.find_gpu", lambda: GPU)
    with pytest.raises(ProviderError, match="no engines for this machine") as error:
        choose_engines(open_bundle(path))
    assert reason in error.value.why
    assert f"mdhr-export --bundle {path} --trt" in error.value.fix
