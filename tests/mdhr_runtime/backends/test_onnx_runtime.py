"""ONNX graphs: running from memory to memory, and the threads that they take."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mdhr_runtime.backends.onnx_runtime import (
    EXECUTION_PROVIDERS,
    OnnxBackend,
    load_graph,
    provider_options,
    session_options,
)
from mdhr_runtime.bundle import MANIFEST, TensorRecord, open_bundle
from mdhr_runtime.errors import BundleError


@pytest.fixture
def encoder(model):
    return model.graph("encoder")


@pytest.fixture
def outputs(model, encoder):
    """Memory for the encoder's outputs, 4 frames."""
    records = model.bundle.manifest.graphs["encoder"].outputs
    return {name: encoder.allocate(4, record.shape[1:], record.dtype, zeros=True) for name, record in records.items()}


def values(buffer):
    return buffer.memory if isinstance(buffer.memory, np.ndarray) else buffer.memory.numpy()


def test_results_are_written_where_they_belong_and_nowhere_else(encoder, outputs, face_frames):
    expected = encoder({"frames": face_frames[:2]})
    encoder.run({"frames": face_frames[:2]}, {name: buffer.view(1, 2) for name, buffer in outputs.items()})
    for name, buffer in outputs.items():
        found = values(buffer)
        np.testing.assert_allclose(found[1:3], expected[name], atol=1e-5)
        assert not found[0].any()
        assert not found[3].any()


def test_rows_can_be_arranged(outputs):
    buffer = outputs["static"]
    view = buffer.view(0, 2, 2)
    assert view.shape == (2, 2, *buffer.row)
    assert view.pointer == buffer.pointer


@pytest.mark.parametrize(("first", "counts"), [(0, (5,)), (3, (2,)), (-1, (1,)), (1, (2, 2))])
def test_memory_beyond_the_buffer_is_refused(outputs, first, counts):
    with pytest.raises(IndexError):
        outputs["static"].view(first, *counts)


def test_arrays_that_are_not_contiguous_are_refused(encoder, outputs, face_frames):
    views = {name: buffer.view(0, 2) for name, buffer in outputs.items()}
    with pytest.raises(ValueError, match="contiguous"):
        encoder.run({"frames": face_frames[:4:2]}, views)


@pytest.mark.parametrize("provider", ["cuda", "ort-tensorrt"])
def test_float32_is_computed_as_float32_on_a_gpu(provider):
    """ONNX Runtime's default is TF32, with which the golden vectors are missed."""
    options = dict(provider_options(provider, Path("a.mdhr/encoder.onnx")))
    assert options["CUDAExecutionProvider"] == {"use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT"}
    assert next(iter(options)) == EXECUTION_PROVIDERS[provider].name


def test_cuda_is_found_in_the_packages_of_pip_before_a_session_asks_for_it(tiny_bundle, monkeypatch, capsys):
    """ONNX Runtime looks for them only when it is told to, and prints what it misses."""
    import onnxruntime

    order = []
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: (order.append("libraries"), print("Failed to load")))
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: order.append("session"))
    with pytest.raises(AttributeError):  # of the session that is none
        load_graph(tiny_bundle / "encoder.onnx", "cuda")
    assert order == ["libraries", "session"]
    assert not capsys.readouterr().out


def test_engines_of_onnx_runtime_are_kept_beside_the_bundle():
    options = dict(provider_options("ort-tensorrt", Path("a.mdhr/encoder.onnx")))
    assert options["TensorrtExecutionProvider"]["trt_engine_cache_path"] == "a.mdhr.ort-tensorrt"


@pytest.mark.parametrize(
    ("graph", "side", "changes"),
    [
        ("encoder", "outputs", {"spare": TensorRecord("float32", (1,))}),
        ("temporal", "inputs", {"state_dynamics": TensorRecord("float32", ("streams", 9, 1))}),
        ("pnet", "inputs", {"images": TensorRecord("float32", ("N", "H", "W", 3))}),
        ("embedder", "inputs", {"images": TensorRecord("uint8", ("N", 112, 112, 3))}),
    ],
)
def test_a_graph_that_is_not_as_its_manifest_says_is_refused(misdescribed, graph, side, changes):
    with pytest.raises(BundleError, match="not the graph"):
        OnnxBackend("cpu", misdescribed(graph, side, changes), None, "float32", "").load(graph)


def test_an_edited_lookahead_is_refused(tiny_bundle, tmp_path):
    """It would move all scores by some frames. What the graph says of itself cannot be edited along."""
    path = shutil.copytree(tiny_bundle, tmp_path / "edited.mdhr")
    manifest = json.loads((path / MANIFEST).read_text())
    manifest["lookahead"] += 1
    (path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="lookahead is 8; it must be 7"):
        open_bundle(path)
    graph = manifest["graphs"]["temporal"]
    for state in (graph["inputs"]["state_nodes"], graph["outputs"]["new_state_nodes"]):
        state["shape"][1] += 2
    (path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="not the graph"):
        OnnxBackend("cpu", open_bundle(path), None, "float32", "").load("temporal")


BESIDE = """
import sys
import numpy, onnxruntime, mdhr_runtime
model = mdhr_runtime.load(sys.argv[1], "cpu")
assert model.clip(numpy.zeros((2, 224, 224, 3), numpy.uint8)).shape == (2, 12)
onnxruntime.InferenceSession(str(model.bundle.graph_path("temporal")))
"""


def test_sessions_of_the_host_program_start_beside_the_runtime(tiny_bundle):
    result = subprocess.run([sys.executable, "-c", BESIDE, tiny_bundle], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_threads_sleep_when_a_run_is_over():
    options = session_options(threads=1)
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert options.intra_op_num_threads == 1


COUNT = """
import os, sys, mdhr_runtime
model = mdhr_runtime.load(sys.argv[1], "cpu", threads=int(sys.argv[2]))
before = len(os.listdir("/proc/self/task"))
model.graph(sys.argv[3])
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
@pytest.mark.parametrize(
    ("graph", "threads", "further"), [("temporal", 1, 0), ("temporal", 3, 2), ("pnet", 3, 0), ("embedder", 3, 0)]
)
def test_a_model_takes_as_many_threads_as_it_is_given(tiny_bundle, graph, threads, further):
    command = [sys.executable, "-c", COUNT, tiny_bundle, str(threads), graph]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.stdout.strip() == str(further), result.stderr


ONE_CPU = """
import os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
import mdhr_runtime
model = mdhr_runtime.load(sys.argv[1], "cpu")
before = len(os.listdir("/proc/self/task"))
for name in ("encoder", "temporal"):
    model.graph(name)
print(len(os.listdir("/proc/self/task")) - before, "1 thread;" in model.reason)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no process")
def test_where_one_cpu_is_allowed_no_thread_is_added(tiny_bundle, monkeypatch):
    monkeypatch.delenv("MDHR_THREADS", raising=False)
    result = subprocess.run([sys.executable, "-c", ONE_CPU, tiny_bundle], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("0 True\n", "")


def test_a_bundles_folder_may_have_any_bytes(tiny_bundle, tmp_path):
    folder = tmp_path / os.fsdecode(b"M\xfcller.mdhr")
    folder.symlink_to(tiny_bundle)
    graph = load_graph(folder / "detector" / "onet.onnx")
    assert graph({"images": np.zeros((1, 48, 48, 3), np.uint8)})["offsets"].shape == (1, 4)
