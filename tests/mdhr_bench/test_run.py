import sys
from hashlib import sha256

import pytest

from mdhr_bench import run as running
from mdhr_bench.measures import timing
from mdhr_bench.report.text import tell
from mdhr_bench.results import ColdStart, Missing, read_result
from mdhr_bench.run import PARTS, Benchmark, Part
from mdhr_runtime.errors import BundleError, MdhrError, OutputError, ProviderError

START = ColdStart(0.1, 0.2, 0.3, 0.6, 1)


@pytest.fixture
def started(tiny_bundle, monkeypatch):
    """Start a run of these parts, without a look at the machine's load before."""
    monkeypatch.setattr(running, "busy", lambda: None)

    def start(out=None, parts=PARTS, rounds=5, bundle=tiny_bundle, provider="cpu"):
        monkeypatch.setattr(running, "PARTS", parts)
        return Benchmark(bundle, provider, rounds=rounds, out=out)

    return start


def found(run, folder):
    run.result.cold_start = START


def refused(run, folder):
    raise MdhrError("It is blue.", "It was painted.", "Wash it.")


def test_a_new_result_says_what_is_measured_and_how(started, tiny_bundle):
    result = started().result
    assert result.bundle == {
        "name": "tiny.mdhr",
        "hash": sha256((tiny_bundle / "manifest.json").read_bytes()).hexdigest(),
        "backbone": "resnet10t",
        "dataset": "BP4D",
        "precision": "float32",
    }
    assert result.settings == {"provider": "cpu", "precision": None, "rounds": 5, "videos": 0}
    assert result.environment["provider"]["name"] == "cpu"
    assert result.environment["provider"]["precision"] == result.precision == "float32"
    assert not result.complete


def test_new_processes_are_told_what_was_chosen_and_do_not_choose_again(started, tiny_bundle, tmp_path, monkeypatch):
    asked = []
    for part in ("cold_start", "memory", "pipeline"):
        monkeypatch.setattr(running, part, lambda bundle, *chosen: asked.append(chosen[:2]))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    run = Benchmark(tiny_bundle, "openvino", "auto", videos=[tmp_path / "face.mp4"])
    for part in (run.cold_start, run.memory, run.pipeline):
        part(tmp_path)
    assert asked == 3 * [("openvino", run.model.precision)]
    assert run.result.settings["precision"] == "auto"
    assert run.result.precision == run.model.precision != "auto"


def test_a_part_that_cannot_be_measured_is_missing_and_the_run_goes_on(started, tmp_path, capsys):
    run = started(tmp_path / "a.json", (Part("memory", refused), Part("cold start", found)))
    result = run()
    assert result.missing == [Missing("memory", "It is blue. It was painted. Wash it.")]
    assert result.cold_start == START
    assert result.complete
    assert read_result(tmp_path / "a.json") == result
    assert "not measured: memory: It is blue. It was painted. Wash it." in capsys.readouterr().err


def test_the_file_is_valid_after_every_part_and_partial_until_the_last(started, tmp_path):
    out, seen = tmp_path / "a.json", []

    def look(run, folder):
        seen.append(read_result(out))

    started(out, (Part("cold start", found), Part("memory", look), Part("energy", look)))()
    assert [(each.cold_start, each.complete) for each in seen] == [(START, False)] * 2
    assert seen[0].seconds < seen[1].seconds < read_result(out).seconds


def test_the_folder_of_temporary_files_is_there_for_every_part_and_gone_afterwards(started):
    folders = []

    def fill(run, folder):
        (folder / "graph.onnx").touch()
        folders.append(folder)

    started(parts=(Part("ceilings", fill), Part("latency", fill)))()
    assert folders[0] == folders[1]
    assert not folders[0].exists()


def test_load_by_others_is_told_and_stands_in_the_result(started, monkeypatch, capsys):
    sentence = "Other programs used 3.00 of 4 cores (75%)."
    monkeypatch.setattr(running, "busy", lambda: sentence)
    assert started().result.warnings == [sentence]
    assert f"warning: {sentence}" in capsys.readouterr().err


def test_a_result_that_cannot_be_written_ends_the_run(started, tmp_path):
    (tmp_path / "file").touch()
    run = started(tmp_path / "file" / "a.json", (Part("cold start", found),))
    with pytest.raises(OutputError, match="cannot be written"):
        run()


def test_a_bundle_or_a_provider_that_cannot_be_used_is_told_at_the_start(started, tmp_path):
    with pytest.raises(BundleError, match="There is no bundle"):
        started(bundle=tmp_path / "none.mdhr")
    with pytest.raises(ProviderError, match="There is no provider 'abacus'"):
        started(provider="abacus")


@pytest.mark.slow
def test_without_pytorch_the_rest_is_timed_and_what_is_missing_is_said(started, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    # Few calls of each: here only counts what is timed.
    monkeypatch.setattr(timing, "TURN", 0.0)
    monkeypatch.setattr(timing, "WINDOW", 1)
    run = started()
    run.latency(tmp_path)
    result = run.result
    assert [each.id for each in result.timings] == ["step", "encoder", "temporal", "clip", "backbone"]
    assert {len(each.samples) for each in result.timings} == {5}
    assert ("step", "clip") in {(each.of, each.to) for each in result.ratios}
    assert not any("torch" in each.of + each.to for each in result.ratios)
    assert {each.what for each in result.missing} == {"PyTorch on a clip", "PyTorch with a sliding window"}
    assert "timm is not installed" in tell(result)


def test_there_is_no_floor_without_ceilings(started, tmp_path):
    run = started()
    run.floor(tmp_path)
    assert run.result.floor is None
    assert Missing("floor", "The ceilings or the step were not measured.") in run.result.missing
    assert [each.graph for each in run.result.costs] == ["encoder", "temporal"]
    assert all(each.flops > 0 for each in run.result.costs)
