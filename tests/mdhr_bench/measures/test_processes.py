import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from mdhr_bench.measures import processes
from mdhr_bench.measures.processes import ask, cold_start, memory, state_size
from mdhr_runtime.bundle import open_bundle
from mdhr_runtime.errors import MdhrError

MODULE = """
import os, pathlib, sys, time
from mdhr_bench.measures.processes import answer
from mdhr_runtime.errors import DataError

def measure(what, *rest):
    if what == "echo":
        print("a remark")
        os.system("echo a remark of a library")
        return {"heard": rest}
    if what == "wait":
        path = pathlib.Path(rest[0])
        path.with_suffix(".new").write_text(str(os.getpid()))
        path.with_suffix(".new").rename(path)
        time.sleep(600)
    if what == "refuse":
        raise DataError("It is blue.", "It was painted.", "Wash it.")
    if what == "fail":
        raise ZeroDivisionError("a bug")
    if what == "die":
        os.kill(os.getpid(), 9)

answer(measure)
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The name of a module that can be asked."""
    (tmp_path / "asked_for_a_test.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "asked_for_a_test"


def test_a_new_process_answers_whatever_else_it_prints(asked):
    assert ask(asked, "echo", 3, "ä b") == {"heard": ["3", "ä b"]}


def test_an_error_for_users_keeps_its_three_parts(asked):
    with pytest.raises(MdhrError) as caught:
        ask(asked, "refuse")
    error = caught.value
    assert (error.what, error.why, error.fix) == ("It is blue.", "It was painted.", "Wash it.")


def test_a_bug_is_told_with_its_message_and_keeps_its_traceback(asked):
    with pytest.raises(MdhrError, match="ZeroDivisionError: a bug") as caught:
        ask(asked, "fail")
    assert "asked for a test" in caught.value.what
    assert "in measure" in str(caught.value.__cause__)


def test_a_process_that_is_killed_is_told_with_its_signal(asked):
    with pytest.raises(MdhrError, match=r"Signal 9 ended it: Killed\.\n"):
        ask(asked, "die")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_when_the_one_that_asked_is_stopped(asked, tmp_path, number):
    place = tmp_path / "pid"
    code = "import sys; from mdhr_bench.measures.processes import ask; ask(sys.argv[1], 'wait', sys.argv[2])"
    asking = subprocess.Popen([sys.executable, "-c", code, asked, place], stderr=subprocess.DEVNULL)
    try:
        until(place.exists)
        answering = psutil.Process(int(place.read_text()))
        asking.send_signal(number)
        assert asking.wait(30) == -number
        until(lambda: ended(answering))
    finally:
        asking.kill()
        if place.exists() and not ended(answering):
            os.kill(answering.pid, signal.SIGKILL)


def until(condition):
    last = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < last
        time.sleep(0.01)


def ended(process):
    # Where nobody waits for orphans, they stay as zombies.
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


MEBIBYTE = 1 << 20


@pytest.mark.slow
def test_a_process_grows_from_its_imports_over_the_bundle_to_the_stream(tiny_bundle):
    taken = memory(tiny_bundle, "cpu", "float32", streams=8)
    weights = (tiny_bundle / "encoder.onnx").stat().st_size
    assert taken.loaded - taken.imported > weights / 2
    assert taken.streaming > taken.imported
    assert taken.peak >= max(taken.loaded, taken.streaming)
    assert taken.state == state_size(open_bundle(tiny_bundle).manifest)
    assert taken.per_stream > 0
    assert taken.device is None


def test_the_state_is_what_the_temporal_graph_is_given_of_the_past(model_state):
    manifest, states = model_state
    assert state_size(manifest) == sum(state.nbytes for state in states) > 0


@pytest.fixture
def model_state(tiny_bundle):
    """The manifest, and one stream's states as arrays that the temporal graph really takes."""
    import mdhr_runtime

    model = mdhr_runtime.load(tiny_bundle, "cpu")
    manifest = model.bundle.manifest
    inputs = {
        name: np.zeros([1 if isinstance(size, str) else size for size in record.shape], record.dtype)
        for name, record in manifest.graphs["temporal"].inputs.items()
    }
    model.graph("temporal")(inputs)
    return manifest, [array for name, array in inputs.items() if name.startswith("state_")]


@pytest.mark.slow
def test_the_peak_of_the_process_that_asks_is_none_of_its_own():
    code = (
        "import subprocess, sys, numpy\n"
        f"numpy.ones({400 * MEBIBYTE}, numpy.uint8)\n"
        "asked = 'from mdhr_bench.measures.processes import peak_memory; print(peak_memory())'\n"
        "subprocess.run([sys.executable, '-c', asked], check=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert MEBIBYTE < int(done.stdout) < 200 * MEBIBYTE


def test_memory_of_a_missing_bundle_is_told_in_the_words_of_the_runtime(tmp_path):
    with pytest.raises(MdhrError, match="There is no bundle"):
        memory(tmp_path / "none.mdhr", "cpu", "float32")


def test_the_parts_of_a_cold_start_make_up_the_whole(tiny_bundle):
    start = cold_start(tiny_bundle, "cpu", "float32", processes=1)
    assert min(start.imports, start.load, start.first) > 0
    assert start.imports + start.load + start.first == pytest.approx(start.whole)
    assert start.processes == 1


def test_the_first_start_does_not_count_and_every_part_has_its_median(monkeypatch):
    answers = iter(
        [{"imports": 9, "load": 9, "first": 9, "whole": 9}]
        + [
            {"imports": imports, "load": load, "first": 1, "whole": whole}
            for imports, load, whole in ((1, 5, 7), (2, 4, 8), (3, 3, 9))
        ]
    )
    monkeypatch.setattr(processes, "ask", lambda *arguments: next(answers))
    start = cold_start(Path("a.mdhr"), "cpu", "bfloat16", processes=3)
    assert (start.imports, start.load, start.first, start.whole, start.processes) == (2, 4, 1, 8, 3)


def test_a_missing_bundle_is_told_in_the_words_of_the_runtime(tmp_path):
    with pytest.raises(MdhrError, match="There is no bundle") as caught:
        cold_start(tmp_path / "none.mdhr", "cpu", "float32")
    assert caught.value.why
    assert "mdhr-export" in caught.value.fix
