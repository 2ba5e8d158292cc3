"""Use of the machine by others, found with real processes."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from mdhr_bench.machine import load
from mdhr_bench.machine.load import (
    BUSY,
    CpuTimes,
    LoadWatch,
    Program,
    _processes,
    busy,
    cpu_times,
    describe_use,
    others_cores,
    programs,
)

BURN = """
import os, sys, time
print(os.getpid(), flush=True)
until = time.monotonic() + float(sys.argv[1])
while time.monotonic() < until:
    pass
print(time.process_time(), flush=True)
"""


@pytest.fixture
def stray(tmp_path):
    """Process id of a busy process that is no descendant of this one."""
    output = tmp_path / "pid"
    with output.open("w") as file:
        subprocess.run(["setsid", "--fork", sys.executable, "-c", BURN, "1.5"], stdout=file, check=True)
    while not output.read_text().endswith("\n"):
        time.sleep(0.01)
    pid = int(output.read_text().split()[0])
    yield pid
    if psutil.pid_exists(pid):
        psutil.Process(pid).kill()


def test_a_busy_program_of_somebody_else_is_found_and_named(stray, monkeypatch):
    # It takes one core of however many this machine has.
    monkeypatch.setattr(load, "BUSY", 0.05 / psutil.cpu_count())
    before, begin = _processes(), time.monotonic()
    sentence = busy(0.4)
    after, seconds = _processes(), time.monotonic() - begin
    assert sentence.startswith("Other programs used ")
    found = {each.pid: each for each in programs(before, after, seconds)}
    assert found[stray].cores > 0.05
    assert found[stray].name == psutil.Process(stray).name()


def test_a_watch_over_a_run_finds_the_busy_program(stray):
    with LoadWatch() as watch:
        time.sleep(0.4)
    assert watch.cores > 0.05
    assert watch.sentence == describe_use(watch.cores, [])


def test_own_processes_are_not_others():
    before = _processes()
    with subprocess.Popen([sys.executable, "-c", BURN, "0.3"], stdout=subprocess.PIPE, text=True) as child:
        pid = int(child.stdout.readline())
        time.sleep(0.2)
        named = [each.pid for each in programs(before, _processes(), 0.2)]
    assert pid not in named
    assert os.getpid() not in named


@pytest.mark.parametrize("waited_for", [False, True])
def test_what_a_child_used_counts_as_own_while_it_lives_and_after(waited_for):
    begin = cpu_times()
    with subprocess.Popen([sys.executable, "-c", BURN, "0.2"], stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        used = float(child.stdout.readline())
        if waited_for:
            child.wait()
        own = cpu_times().own - begin.own
    # Linux counts in hundredths of a second.
    assert own >= used - 0.02
    assert used > 0.02


def test_others_used_what_was_used_beyond_the_own_processes():
    begin = CpuTimes(moment=10.0, everyone=100.0, own=40.0)
    assert others_cores(begin, CpuTimes(moment=12.0, everyone=107.0, own=44.0)) == 1.5
    # Both are read one after the other, so that the own time can run ahead.
    assert others_cores(begin, CpuTimes(moment=12.0, everyone=104.0, own=44.01)) == 0.0


def test_little_use_is_not_told_and_more_is_told_with_names():
    cores = psutil.cpu_count()
    others = [Program(7, "backup", 0.9 * cores), *(Program(pid, "small", 0.02) for pid in (8, 9, 10))]
    assert describe_use(0.99 * BUSY * cores, others) is None
    sentence = describe_use(0.5 * cores, others)
    assert sentence.startswith(f"Other programs used {0.5 * cores:.2f} of {cores} cores (50%): backup (pid 7)")
    assert "pid 9" in sentence
    assert "pid 10" not in sentence


def test_a_process_that_got_the_id_of_an_ended_one_is_not_mistaken_for_it():
    class Times:
        def __init__(self, user):
            self.user, self.system = user, 0.0

    pid = 2**22  # above Linux's largest
    before = {(pid, 1.0): {"pid": pid, "name": "old", "cpu_times": Times(50.0)}}
    after = {(pid, 2.0): {"pid": pid, "name": "new", "cpu_times": Times(0.5)}}
    assert programs(before, after, 1.0) == [Program(pid, "new", 0.5)]


def test_processes_that_may_not_be_looked_at_are_left_out():
    pid = 2**22
    unknown = {(pid, 1.0): {"pid": pid, "name": "hidden", "cpu_times": None}}
    assert programs(unknown, unknown, 1.0) == []
