"""OpenVINO: the scores of ONNX Runtime and PyTorch, memory, precision, and what it cannot run."""

import importlib.util
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

import mdhr_runtime
from mdhr_runtime.backends import openvino
from mdhr_runtime.bundle import TensorRecord, open_bundle
from mdhr_runtime.contract import DETECTOR, EMBEDDER
from mdhr_runtime.errors import BundleError, ProviderError
from mdhr_runtime.faces.mtcnn import Mtcnn
from mdhr_runtime.streaming.parity import bundled_reference, compare_clip

if importlib.util.find_spec("openvino") is None:  # importing it here would let it report
    pytest.skip("needs OpenVINO: pip install '.[openvino]'", allow_module_level=True)


@pytest.fixture(scope="module")
def model(tiny_bundle):
    return mdhr_runtime.load(tiny_bundle, "openvino", 2)


@pytest.fixture(scope="module")
def reference(tiny_bundle):
    """The same bundle in ONNX Runtime."""
    return mdhr_runtime.load(tiny_bundle, "cpu")


@pytest.fixture
def started_anew():
    """Let OpenVINO be imported and started again, before and after."""
    for once in (openvino.openvino_module, openvino.start):
        once.cache_clear()
    yield
    for once in (openvino.openvino_module, openvino.start):
        once.cache_clear()


@pytest.mark.parametrize("step", [1, 3, 16])
def test_clips_and_streams_are_those_of_onnx_runtime(model, reference, face_frames, step):
    expected = reference.clip(face_frames)
    stream = model.stream()
    parts = [stream.push(face_frames[start : start + step]) for start in range(0, len(face_frames), step)]
    np.testing.assert_allclose(np.concatenate([*parts, stream.flush()]), expected, atol=1e-5)
    np.testing.assert_allclose(model.clip(face_frames), expected, atol=1e-5)


def test_many_streams_that_come_and_go_are_those_of_onnx_runtime(model, reference, face_frames):
    """Runs of 1 to 9 streams, of 1 to 3 frames, in blocks of states that are read and written in turns."""
    found, expected = model.batch(), reference.batch()
    streams = [[batch.open() for _ in range(9)] for batch in (found, expected)]
    for turn in range(6):
        chosen = range(turn % 3, 9, 1 + turn % 2)
        crops = [face_frames[number + turn :][: 1 + turn % 3] for number in chosen]
        results = [
            [*batch.push([slots[number] for number in chosen], crops), *batch.provisional([slots[8]])]
            for batch, slots in zip((found, expected), streams, strict=True)
        ]
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)
    ends = [batch.close(slots) for batch, slots in zip((found, expected), streams, strict=True)]
    for ours, theirs in zip(*ends, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_clip_that_a_bundle_carries_is_labelled_as_by_pytorch(model):
    bundle = model.bundle
    clip = bundled_reference(bundle)
    records = compare_clip("OpenVINO", model.graph, bundle.manifest, clip.frames, clip.labels)
    assert len(records) >= 2
    assert max(record.largest for record in records) <= 1e-5
    assert sum(record.flips for record in records) == 0


def test_faces_are_found_and_described_as_by_onnx_runtime(model, reference, photo):
    detectors = [Mtcnn(*(each.graph(name) for name in DETECTOR), min_face=48) for each in (model, reference)]
    boxes, theirs = (detector.detect(photo) for detector in detectors)
    assert len(boxes) == 1
    np.testing.assert_allclose(boxes, theirs, atol=0.01)
    chip = np.ascontiguousarray(photo[None, 60:210, 150:300])
    embedding, theirs = (each.graph(EMBEDDER)({"images": chip})["embeddings"] for each in (model, reference))
    np.testing.assert_allclose(embedding, theirs, atol=1e-4)


def test_results_are_written_where_they_belong_and_nowhere_else(model, face_frames):
    encoder = model.graph("encoder")
    expected = encoder({"frames": face_frames[:2]})
    records = model.bundle.manifest.graphs["encoder"].outputs
    outputs = {name: encoder.allocate(4, record.row, record.dtype, zeros=True) for name, record in records.items()}
    encoder.run({"frames": face_frames[:2]}, {name: buffer.view(1, 2) for name, buffer in outputs.items()})
    for name, buffer in outputs.items():
        np.testing.assert_array_equal(buffer.memory[1:3], expected[name])
        assert not buffer.memory[0].any()
        assert not buffer.memory[3].any()


def test_memory_that_a_run_is_not_given_stays_as_it_is(model, face_frames):
    """A request keeps the tensors of the run before."""
    encoder = model.graph("encoder")
    shapes = {name: array.shape for name, array in encoder({"frames": face_frames[:1]}).items()}
    before = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    encoder.run({"frames": face_frames[:1]}, before)
    kept, static = before["motion"].copy(), np.zeros_like(before["static"])
    encoder.run({"frames": face_frames[5:6]}, {"static": static})
    np.testing.assert_array_equal(before["motion"], kept)
    assert np.abs(static - before["static"]).max() > 0


def test_arrays_may_be_read_only_and_must_be_contiguous(model, face_frames):
    encoder = model.graph("encoder")
    frames = face_frames[:2].copy()
    outputs = {name: np.zeros_like(array) for name, array in encoder({"frames": frames}).items()}
    expected = encoder({"frames": frames})["static"]
    frames.flags.writeable = False
    encoder.run({"frames": frames}, outputs)
    np.testing.assert_array_equal(outputs["static"], expected)
    with pytest.raises(ValueError, match="contiguous"):
        encoder.run({"frames": face_frames[:4:2]}, outputs)


def test_a_small_graph_runs_for_several_callers_at_once(tiny_bundle, photo):
    """OpenVINO lets a compiled model run once at a time; the others would wait."""
    bundle = open_bundle(tiny_bundle)
    graph = openvino.load_graph(bundle.graph_path(EMBEDDER), 1, side_by_side=True)
    chips = [np.ascontiguousarray(photo[None, top : top + 150, 150:300]) for top in range(0, 60, 10)]
    expected = [graph({"images": chip})["embeddings"] for chip in chips]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda chip: graph({"images": chip})["embeddings"], chips))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("graph", "side", "changes"),
    [
        ("encoder", "outputs", {"spare": TensorRecord("float32", (1,))}),
        ("encoder", "outputs", {"static": TensorRecord("float32", ("frames", 32, 7))}),
        ("temporal", "inputs", {"state_dynamics": TensorRecord("float32", ("streams", 9, 1))}),
        ("temporal", "inputs", {"state_nodes": TensorRecord("float32", ("streams", 4, "any", 32))}),
        ("temporal", "outputs", {"new_state_motion": TensorRecord("float32", ("streams", 2, 4704))}),
        ("pnet", "inputs", {"images": TensorRecord("float32", ("N", "H", "W", 3))}),
        ("pnet", "inputs", {"images": TensorRecord("uint8", ("N", 12, 12, 3))}),
    ],
)
def test_a_graph_that_is_not_as_its_manifest_says_is_refused(misdescribed, graph, side, changes):
    with pytest.raises(BundleError, match="not the graph") as error:
        openvino.OpenVinoBackend("openvino", misdescribed(graph, side, changes), 1, "float32", "").load(graph)
    assert next(iter(changes)) in error.value.why


def test_its_version_its_threads_and_the_bundles_precision_are_told(model, tiny_bundle):
    assert model.reason.startswith(f"OpenVINO {openvino.installed_version()}, float32, 2 threads; as asked for")
    assert not model.on_gpu
    assert ", 1 thread;" in mdhr_runtime.load(tiny_bundle, "openvino", 1).reason


def test_a_float16_bundle_is_said_to_be_computed_in_float32(tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    half = replace(bundle, manifest=replace(bundle.manifest, precision="float16"))
    backend = openvino.OpenVinoBackend("openvino", half, 1, "float32", "")
    assert "float16 computed in float32, 1 thread;" in backend.reason


def test_it_computes_in_float32_with_the_threads_that_it_is_given(tiny_bundle):
    """Where the processor has bfloat16 or float16, OpenVINO would take that by itself."""
    compiled = openvino.load_graph(open_bundle(tiny_bundle).graph_path("temporal"), 2)._compiled
    assert compiled.get_property("INFERENCE_PRECISION_HINT").to_dtype() == np.float32
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 2
    assert compiled.get_property("NUM_STREAMS") == 1
    assert not compiled.get_property("ENABLE_CPU_PINNING")


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_a_lower_precision_is_computed_in_and_nothing_else_in_its_place(tiny_bundle, precision, face_frames):
    """Where a processor has no float16, OpenVINO takes bfloat16 for it without a word."""
    bundle = open_bundle(tiny_bundle)
    if precision not in openvino.precisions():  # some such processors compute in it all the same, slowly
        refusal = None
        try:
            openvino.load_graph(bundle.graph_path("encoder"), 1, precision)
        except ProviderError as error:
            refusal = error
        if refusal is not None:
            assert f"does not compute in {precision} here" in refusal.what
            pytest.skip(f"the rest needs a processor with {precision}")
    backend = openvino.OpenVinoBackend("openvino", bundle, 1, precision, "")
    assert f"float32 computed in {precision}" in backend.reason
    assert [backend.load(name).precision for name in ("encoder", "temporal")] == [precision] * 2
    assert [backend.load(name).precision for name in ("onet", EMBEDDER)] == ["float32"] * 2
    exact = openvino.load_graph(bundle.graph_path("encoder"), 1)({"frames": face_frames[:4]})
    for name, found in backend.load("encoder")({"frames": face_frames[:4]}).items():
        noise = np.square(found - exact[name]).mean() / np.square(exact[name]).mean()
        assert 35 <= -10 * np.log10(noise) <= 100, name


def test_without_openvino_the_extra_is_named(tiny_bundle, monkeypatch, started_anew):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ProviderError, match="OpenVINO is not installed") as error:
        mdhr_runtime.load(tiny_bundle, "openvino")
    assert "mdhr-edge[openvino]" in error.value.fix


@pytest.mark.parametrize("version", [{"__version__": "2024.6.0-17404-4c0f47d2335"}, {}])
def test_an_openvino_that_is_too_old_is_refused(tiny_bundle, monkeypatch, started_anew, version):
    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(**version))
    with pytest.raises(ProviderError, match=r"OpenVINO (2024\.6\.0|2022) is too old") as error:
        mdhr_runtime.load(tiny_bundle, "openvino")
    assert "2025.0" in error.value.why


def test_a_processor_that_openvino_does_not_know_is_told(tiny_bundle, monkeypatch, started_anew):
    class Core:
        available_devices = ("NPU",)

    monkeypatch.setattr(openvino.openvino_module(), "Core", Core)
    with pytest.raises(ProviderError, match="does not run on this processor") as error:
        mdhr_runtime.load(tiny_bundle, "openvino")
    assert "NPU" in error.value.why


def test_a_graph_that_it_cannot_compile_is_refused_with_the_reason(tiny_bundle, tmp_path):
    graph = onnx.load(open_bundle(tiny_bundle).graph_path("onet"))
    graph.graph.node[-1].op_type, graph.graph.node[-1].domain = "Unheard", "some.where"
    graph.opset_import.append(onnx.helper.make_opsetid("some.where", 1))
    onnx.save(graph, tmp_path / "strange.onnx")
    (tmp_path / "damaged.onnx").write_bytes(b"\xff" * 64)
    for name, reason in (("strange", "Unheard"), ("damaged", "parsed"), ("missing", "missing.onnx")):
        with pytest.raises(BundleError, match=rf"OpenVINO refuses .*{name}\.onnx") as error:
            openvino.load_graph(tmp_path / f"{name}.onnx")
        assert reason in error.value.why


def test_a_bundles_folder_may_have_any_bytes(tiny_bundle, tmp_path):
    folder = tmp_path / b"M\xfcller.mdhr".decode(errors="surrogateescape")
    shutil.copytree(tiny_bundle / "detector", folder)
    graph = openvino.load_graph(folder / "onet.onnx")
    assert graph({"images": np.zeros((1, 48, 48, 3), np.uint8)})["offsets"].shape == (1, 4)
