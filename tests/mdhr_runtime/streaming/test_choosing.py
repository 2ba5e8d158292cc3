"""Which provider and precision runs a bundle here: what is tried, believed and remembered."""

import importlib.util
import json
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import mdhr_runtime
from mdhr_runtime.backends import openvino
from mdhr_runtime.bundle import MANIFEST, VERIFICATION, file_hash, open_bundle
from mdhr_runtime.errors import BundleError, ProviderError
from mdhr_runtime.streaming.choosing import choose_backend
from mdhr_runtime.streaming.parity import label_stream

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="needs OpenVINO: pip install '.[openvino]'"
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A folder of its own for what is remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def bundle(tiny_bundle):
    return open_bundle(tiny_bundle)


@pytest.fixture
def tried():
    """What was tried so far."""
    return []


@pytest.fixture
def change_clip(tiny_bundle, tmp_path):
    """Make a bundle whose verification clip is changed by a function, or missing."""

    def change(function):
        path = shutil.copytree(tiny_bundle, tmp_path / "changed.mdhr")
        manifest = json.loads((path / MANIFEST).read_text())
        if function is None:
            (path / VERIFICATION).unlink()
            del manifest["files"][VERIFICATION]
        else:
            with np.load(path / VERIFICATION) as arrays:
                changed = function(dict(arrays))
            np.savez_compressed(path / VERIFICATION, **changed)
            manifest["files"][VERIFICATION] = file_hash(path / VERIFICATION)
        (path / MANIFEST).write_text(json.dumps(manifest))
        return open_bundle(path)

    return change


@needs_openvino
def test_auto_tries_every_provider_in_float32_and_no_lower_precision(bundle, tried):
    backend = choose_backend(bundle, threads=1, on_trial=tried.append)
    assert tried == ["cpu float32", "openvino float32"]
    assert backend.precision == "float32"
    assert all(f"{each}: " in backend.reason for each in tried)
    assert "ms a frame" in backend.reason


@needs_openvino
def test_precision_auto_tries_what_the_processor_has(bundle, tried):
    backend = choose_backend(bundle, "openvino", 1, "auto", tried.append)
    assert tried == [f"openvino {precision}" for precision in openvino.precisions()]
    assert backend.precision in openvino.precisions()


@needs_openvino
def test_trials_are_remembered_for_the_same_question_only(bundle, tried, cache):
    first = choose_backend(bundle, threads=1, on_trial=tried.append)
    again = choose_backend(bundle, threads=1, on_trial=tried.append)
    assert len(tried) == 2
    assert (again.provider, again.precision, again.reason) == (first.provider, first.precision, first.reason)
    choose_backend(bundle, threads=2, on_trial=tried.append)
    assert len(tried) == 4
    choose_backend(bundle, "openvino", 1, on_trial=tried.append)
    assert len(tried) == 5
    assert len(list(cache.rglob("*.json"))) == 3


@needs_openvino
@pytest.mark.parametrize("content", [b"", b'[{"provider": 1}]', b'[{"provider": "unheard", "precision": "float32"}]'])
def test_a_damaged_memory_is_made_anew(bundle, tried, cache, content):
    choose_backend(bundle, threads=1)
    (memory,) = cache.rglob("*.json")
    memory.write_bytes(content)
    choose_backend(bundle, threads=1, on_trial=tried.append)
    assert len(tried) == 2
    assert len(json.loads(memory.read_text())) == 2


@needs_openvino
def test_of_several_that_start_at_once_one_tries_and_the_others_wait_for_it(bundle, tried):
    threads = [
        threading.Thread(target=choose_backend, args=(bundle,), kwargs={"threads": 1, "on_trial": tried.append})
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tried) == len(set(tried)) == 2


@needs_openvino
def test_a_memory_that_cannot_be_written_is_told(bundle, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert "; not remembered, as " in choose_backend(bundle, threads=1).reason


@needs_openvino
def test_a_user_without_a_home_is_told_and_nothing_is_written_where_they_are(bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as it does for a user whom the system does not know
    assert "; not remembered, as there is no folder" in choose_backend(bundle, threads=1).reason
    assert not list(tmp_path.iterdir())


@needs_openvino
def test_what_labels_the_clip_wrongly_is_not_used_and_told_with_figures(bundle, monkeypatch, tried):
    """As a processor does that computes an operation wrongly without a word."""
    load = openvino.load_graph

    def wrongly(path: Path, *args, **kwargs):
        graph = load(path, *args, **kwargs)
        if path.stem == "encoder":
            run = graph.run
            monkeypatch.setattr(graph, "run", lambda inputs, outputs: (run(inputs, outputs), halve(outputs))[0])
        return graph

    def halve(outputs):
        for view in outputs.values():
            view.buffer.memory[:] /= 2

    monkeypatch.setattr(openvino, "load_graph", wrongly)
    backend = choose_backend(bundle, threads=1, on_trial=tried.append)
    assert backend.provider == "cpu"
    assert "openvino float32: not used, a stream: scores by up to " in backend.reason
    with pytest.raises(ProviderError, match="not computed here as it should be") as error:
        choose_backend(bundle, "openvino", 1)
    assert "(at most 1e-04)" in error.value.why


@needs_openvino
def test_without_a_clip_nothing_is_tried_and_the_most_exact_is_taken(change_clip, tried):
    bundle = change_clip(None)
    for provider in ("auto", "openvino"):
        for precision in (None, "auto"):
            backend = choose_backend(bundle, provider, 1, precision, tried.append)
            assert (backend.provider, backend.precision) == ("cpu" if provider == "auto" else provider, "float32")
            assert "not tried, as the bundle carries no clip" in backend.reason
    assert tried == []


@needs_openvino
@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays | {"frames": arrays["frames"][:, :100]},
        lambda arrays: arrays | {"scores": arrays["scores"][:, :3]},
        lambda arrays: arrays | {"combinations": arrays["combinations"][:5]},
        lambda arrays: arrays | {"combinations": arrays["combinations"][:, :3]},
        lambda arrays: arrays | {"combinations": arrays["combinations"][:, 0]},
        lambda arrays: arrays | {"frames": arrays["frames"][:0], "scores": arrays["scores"][:0]},
        lambda arrays: {"frames": arrays["frames"]},
        lambda arrays: arrays | {"scores": np.array([object()])},
    ],
)
def test_a_clip_that_does_not_fit_is_told(change_clip, change):
    with pytest.raises(BundleError, match=r"verification\.npz is damaged"):
        choose_backend(change_clip(change), threads=1)


@needs_openvino
@pytest.mark.parametrize("frames", [1, 8, 17])
def test_a_clip_may_be_short(change_clip, tiny_bundle, frames):
    """It ends as a stream does: its last frames' labels are others than in a longer clip."""
    model = mdhr_runtime.load(tiny_bundle, "cpu")

    def shorten(arrays):
        clip = arrays["frames"][:frames]
        labels, _ = label_stream(model.graph("encoder"), model.graph("temporal"), model.bundle.manifest, clip, ())
        return {"frames": clip, "scores": labels.scores, "combinations": labels.combinations}

    assert "ms a frame; openvino float32: " in choose_backend(change_clip(shorten), threads=1).reason


def test_onnx_runtime_alone_is_not_tried(bundle, tried, monkeypatch):
    def none():
        raise ProviderError("OpenVINO is not installed.", "", "")

    monkeypatch.setattr(openvino, "start", none)
    for precision in (None, "auto", "float32"):
        backend = choose_backend(bundle, "auto", 1, precision, tried.append)
        assert backend.provider == "cpu"
        assert backend.reason.endswith("; the bundle has no TensorRT engines")
    assert tried == []
    with pytest.raises(ProviderError, match="OpenVINO is not installed"):
        choose_backend(bundle, "auto", 1, "bfloat16")


@needs_openvino
def test_openvino_alone_is_tried_too(bundle, tried, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert choose_backend(bundle, threads=1, on_trial=tried.append).provider == "openvino"
    assert tried == ["openvino float32"]


def test_the_clip_is_not_read_where_nothing_is_tried(change_clip):
    bundle = change_clip(lambda arrays: {"frames": arrays["frames"]})
    assert choose_backend(bundle, "cpu", 1).provider == "cpu"


def test_a_precision_that_the_graphs_do_not_have_is_refused_in_onnx_runtime(bundle):
    with pytest.raises(ProviderError, match="'cpu' does not compute this bundle in float16") as error:
        choose_backend(bundle, "cpu", 1, "float16")
    assert "It does in float32" in error.value.why


@pytest.mark.parametrize("precision", ["int8", "fp16", "Auto"])
def test_an_unknown_precision_is_refused_with_the_known_ones(bundle, precision):
    with pytest.raises(ProviderError, match="There is no precision") as error:
        choose_backend(bundle, precision=precision)
    assert "float32, float16, bfloat16" in error.value.why
