"""Use of the machine by others, found with real processes."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from mdhr_bench.machine import load
from mdhr_bench.machine.load import BUSY, LoadWatch, busy, describe_use, own_seconds, programs_since_last

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
        # For longer than any test takes, on however busy a machine: it is killed below.
        subprocess.run(["setsid", "--fork", sys.executable, "-c", BURN, "60"], stdout=file, check=True)
    while not output.read_text().endswith("\n"):
        time.sleep(0.01)
    pid = int(output.read_text().split()[0])
    yield pid
    if psutil.pid_exists(pid):
        psutil.Process(pid).kill()


def test_a_busy_program_of_somebody_else_is_found_and_named(stray, monkeypatch):
    # It takes one core of however many this machine has.
    monkeypatch.setattr(load, "BUSY", 0.05 / psutil.cpu_count())
    assert busy(0.4).startswith("Other programs used ")
    time.sleep(0.2)
    found = {pid: (cores, name) for cores, pid, name in programs_since_last()}
    cores, name = found[stray]
    assert cores > 0.05
    assert name == psutil.Process(stray).name()


def test_a_watch_over_a_run_finds_the_busy_program(stray):
    with LoadWatch() as watch:
        time.sleep(0.4)
    assert watch.cores > 0.05
    assert watch.sentence == describe_use(watch.cores, [])


def test_own_processes_are_not_others():
    with subprocess.Popen([sys.executable, "-c", BURN, "0.3"], stdout=subprocess.PIPE, text=True) as child:
        own = int(child.stdout.readline())
        programs_since_last()
        time.sleep(0.2)
        named = [pid for _, pid, _ in programs_since_last()]
    assert own not in named
    assert os.getpid() not in named


@pytest.mark.parametrize("waited_for", [False, True])
def test_what_a_child_used_counts_as_own_while_it_lives_and_after(waited_for):
    begin = own_seconds()
    with subprocess.Popen([sys.executable, "-c", BURN, "0.2"], stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        used = float(child.stdout.readline())
        if waited_for:
            child.wait()
        own = own_seconds() - begin
    # Linux counts in hundredths of a second.
    assert own >= used - 0.02
    assert used > 0.02


def test_little_use_is_not_told_and_more_is_told_with_names():
    cores = psutil.cpu_count()
    others = [(0.9 * cores, 7, "backup"), *((0.02, pid, "small") for pid in (8, 9, 10))]
    assert describe_use(0.99 * BUSY * cores, others) is None
    sentence = describe_use(0.5 * cores, others)
    assert sentence.startswith(f"Other programs used {0.5 * cores:.2f} of {cores} cores (50%): backup (pid 7)")
    assert "pid 9" in sentence
    assert "pid 10" not in sentence
