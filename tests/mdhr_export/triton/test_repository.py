"""Model repositories: what lies where, and that it fits the graphs."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from triton_stand_in import numpy_dtype, read_config

from mdhr_export.triton import Limits, write_repository
from mdhr_runtime.bundle import open_bundle
from mdhr_runtime.errors import ExportError, OutputError

MODELS = ["mdhr_encoder", "mdhr_temporal", "mdhr_clip"]


def tree(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return open_bundle(tiny_bundle)


@pytest.fixture(scope="module")
def repository(bundle, tmp_path_factory):
    out = tmp_path_factory.mktemp("triton") / "models"
    assert write_repository(bundle, out) == MODELS
    return out


def shapes(tensors):
    """Tensors of an ONNX graph as a configuration describes them: name → type, and sizes without the first."""
    return {
        tensor.name: (
            onnx.helper.tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type),
            [size.dim_value or -1 for size in tensor.type.tensor_type.shape.dim][1:],
        )
        for tensor in tensors
    }


def configured(tensors, attribute="name"):
    return {getattr(tensor, attribute): (numpy_dtype(tensor.data_type), list(tensor.dims)) for tensor in tensors}


@pytest.mark.parametrize("name", MODELS)
def test_configurations_agree_with_the_graphs(repository, name):
    config = read_config(repository / name)
    graph = onnx.load(repository / name / "1" / "model.onnx").graph
    states = config.sequence_batching.state
    assert config.name == name
    assert shapes(graph.input) == configured(config.input) | configured(states, "input_name")
    assert shapes(graph.output) == configured(config.output) | configured(states, "output_name")


def test_states_pair_up_by_alphabetical_order(repository):
    """Triton goes by the order of the names, whatever the configuration pairs: its issue 8586."""
    states = read_config(repository / "mdhr_temporal").sequence_batching.state
    assert len(states) == 5
    by_input = sorted(states, key=lambda state: state.input_name)
    assert by_input == sorted(states, key=lambda state: state.output_name)


def test_limits_bound_the_batches(bundle, tmp_path):
    write_repository(bundle, tmp_path / "models", limits=Limits(frames=32, streams=3))
    batches = {name: read_config(tmp_path / "models" / name).max_batch_size for name in MODELS}
    assert batches == {"mdhr_encoder": 32, "mdhr_temporal": 3, "mdhr_clip": 3}


def test_clients_find_what_they_need_to_know(repository, bundle):
    parameters = read_config(repository / "mdhr_temporal").parameters
    assert parameters["mdhr_aus"].string_value.split() == list(bundle.manifest.layout.au_names)
    assert int(parameters["mdhr_lookahead"].string_value) == bundle.manifest.lookahead


def test_an_engine_takes_the_place_of_its_graph(bundle, tmp_path):
    engine = tmp_path / "encoder.engine"
    engine.write_bytes(b"engine")
    write_repository(bundle, tmp_path / "models", {"encoder": ("tensorrt", engine)})
    assert read_config(tmp_path / "models" / "mdhr_encoder").backend == "tensorrt"
    assert (tmp_path / "models" / "mdhr_encoder" / "1" / "model.plan").read_bytes() == b"engine"
    assert read_config(tmp_path / "models" / "mdhr_temporal").backend == "onnxruntime"


def test_models_are_replaced_and_those_of_others_stay(bundle, tmp_path):
    out = tmp_path / "models"
    (out / "yolo" / "1").mkdir(parents=True)
    (out / "yolo" / "1" / "model.onnx").write_text("theirs")
    (out / "notes.txt").write_text("mine")
    for limits in (Limits(frames=4), Limits(frames=8)):
        write_repository(bundle, out, limits=limits)
        assert read_config(out / "mdhr_encoder").max_batch_size == limits.frames
        assert sorted(path.name for path in out.iterdir()) == sorted([*MODELS, "yolo", "notes.txt"])
    assert (out / "yolo" / "1" / "model.onnx").read_text() == "theirs"
    graphs = {name: graph for name, graph in bundle.manifest.graphs.items() if name != "clip"}
    without_clip = replace(bundle, manifest=replace(bundle.manifest, graphs=graphs))
    assert write_repository(without_clip, out) == MODELS[:2]
    assert not (out / "mdhr_clip").exists()


@pytest.mark.parametrize("name", ["config.pbtxt", "1/model.onnx", "2/model.onnx", "labels.txt"])
def test_a_model_that_was_changed_is_not_overwritten(bundle, tmp_path, name):
    out = tmp_path / "models"
    write_repository(bundle, out)
    changed = out / "mdhr_temporal" / name
    changed.parent.mkdir(exist_ok=True)
    with changed.open("a") as file:
        file.write("# mine\n")
    before = tree(out)
    with pytest.raises(OutputError, match="not overwritten"):
        write_repository(bundle, out)
    assert tree(out) == before
    if name in ("config.pbtxt", "1/model.onnx"):
        write_repository(bundle, out, overwrite=True)
        write_repository(bundle, out)
    else:
        with pytest.raises(OutputError, match=name):
            write_repository(bundle, out, overwrite=True)


def test_the_repository_is_not_the_bundle(bundle):
    with pytest.raises(OutputError, match="made from"):
        write_repository(bundle, bundle.path)


@pytest.mark.parametrize(
    ("executables", "words"),
    [
        ({"encoder": ("tensorrt_rtx", Path("x"))}, "Triton cannot run the engine of encoder"),
        ({"pnet": ("tensorrt", Path("x"))}, "Triton was given an engine for pnet"),
        ({"embedder": ("tensorrt", Path("x"))}, "Triton was given an engine for embedder"),
        ({"encoder": ("tensorrt", Path("missing.engine"))}, "cannot be written"),
    ],
)
def test_engines_that_triton_cannot_take_are_refused(bundle, tmp_path, executables, words):
    with pytest.raises(ExportError, match=words):
        write_repository(bundle, tmp_path / "models", executables)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("limits", [Limits(frames=0), Limits(streams=-1), Limits(sequences=0), Limits(idle_seconds=0)])
def test_limits_below_one_are_refused(bundle, tmp_path, limits):
    with pytest.raises(ExportError, match="cannot be limited"):
        write_repository(bundle, tmp_path / "models", limits=limits)
    assert not list(tmp_path.iterdir())


def test_a_parent_that_does_not_exist_is_reported(bundle, tmp_path):
    with pytest.raises(ExportError, match="cannot be written"):
        write_repository(bundle, tmp_path / "none" / "models")


def test_no_other_library_is_needed(bundle, tmp_path):
    script = """
import sys
from dataclasses import replace
from pathlib import Path
sys.modules.update(dict.fromkeys(("torch", "timm", "onnx", "onnxruntime", "google.protobuf", "tritonclient")))
from mdhr_export.triton import write_repository
from mdhr_runtime.bundle import open_bundle
write_repository(open_bundle(sys.argv[1]), Path(sys.argv[2]))
"""
    command = [sys.executable, "-c", script, bundle.path, tmp_path / "models"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == sorted(MODELS)
