import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from mdhr_bench.measures.processes import ask
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
