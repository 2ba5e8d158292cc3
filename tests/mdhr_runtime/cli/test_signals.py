"""Programs that are told to end."""

import os
import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import os, signal, sys, time
import mdhr_runtime.cli.program
import click
from mdhr_runtime.cli import signals
from mdhr_runtime.cli.console import Command
@click.command(cls=Command)
def main():
{body}
main()
"""
LONG = "import hashlib; print('ready', flush=True); hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)"
"""A minute and more inside a function of C, which no handler of Python interrupts."""
ALL = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])


@pytest.fixture
def start(tmp_path):
    """Start a program of some lines, which prints "ready" when it is ready; returns its process."""
    processes = []

    def start(body, **settings):
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        command = [sys.executable, "-c", PROGRAM.format(body=lines)]
        processes.append(subprocess.Popen(command, cwd=tmp_path, **pipes, **settings))
        assert processes[-1].stdout.readline() == "ready\n"
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def end(process):
    process.wait(timeout=30)
    return process.returncode, process.stdout.read()  # not `communicate`, which forgets what came with "ready"


@ALL
def test_what_is_open_is_completed(start, number):
    process = start("try:\n    print('ready', flush=True); time.sleep(60)\nfinally:\n    print('closed')")
    process.send_signal(number)
    assert end(process) == (128 + number, "closed\n\nstopped\n")


@ALL
def test_a_second_one_ends_the_program_at_once(start, number):
    process = start(
        "try:\n    time.sleep(60)\nfinally:\n    print('ready', flush=True); time.sleep(60)".replace(
            "time.sleep(60)", f"signal.raise_signal({int(number)})", 1
        )
    )
    process.send_signal(number)
    assert end(process) == (-number, "")


@ALL
def test_a_second_one_ends_even_the_function_of_a_library(start, number):
    process = start(LONG)
    for _ in range(2):
        process.send_signal(number)
        time.sleep(0.2)  # two that come together are one to the system
    assert end(process) == (128 + number, "\nstopped\n")


def test_patience_with_the_function_of_a_library_ends(start):
    process = start(f"signals.PATIENCE = 0.2\n{LONG}")
    process.send_signal(signal.SIGTERM)
    assert end(process) == (143, "\nstopped\n")


GENTLE = """
with signals.first_interrupt() as asked:
    print('ready', flush=True)
    {wait}
    print('asked', flush=True)
    time.sleep(60)
"""


def test_the_first_interrupt_may_be_an_appeal_and_the_second_ends(start):
    process = start("signals.PATIENCE = 0.2" + GENTLE.format(wait="while not asked(): time.sleep(0.02)"))
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "asked\n"
    time.sleep(0.5)  # longer than the patience with one who is deaf
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert end(process) == (130, "\nstopped\n")


def test_other_signals_are_no_appeals(start):
    process = start(GENTLE.format(wait="time.sleep(60)"))
    process.send_signal(signal.SIGTERM)
    assert end(process) == (143, "\nstopped\n")


def test_an_appeal_is_over_with_its_block(start):
    body = "with signals.first_interrupt() as asked: signal.raise_signal(2)\n"
    process = start(body + "print('ready', flush=True); time.sleep(60)")
    process.send_signal(signal.SIGINT)
    assert end(process) == (130, "\nstopped\n")


def test_an_import_is_not_interrupted(start, tmp_path):
    (tmp_path / "extension.py").write_text(
        "import signal\ntry:\n    signal.raise_signal(15)\n    whole = True\nexcept BaseException as error:\n"
        "    raise ImportError from error\n"
    )
    process = start("sys.path.append('')\nimport extension\nprint('ready', flush=True)\ntime.sleep(60)")
    assert end(process) == (143, "\nstopped\n")


def test_work_that_is_done_when_an_import_is_over_is_done(start, tmp_path):
    (tmp_path / "extension.py").write_text("import signal; signal.raise_signal(15)")
    process = start("sys.path.append('')\nimport extension\nprint('ready', flush=True)")
    assert end(process)[0] in (0, 143)


def test_what_is_ignored_stays_so(start):
    process = start(
        "print('ready', flush=True)\nsys.stdin.read(1)",
        stdin=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    process.send_signal(signal.SIGHUP)
    output, _ = process.communicate("x", timeout=30)
    assert (process.returncode, output) == (0, "")


def test_children_leave_all_but_sigterm_to_their_parent(start):
    process = start(
        "pid = os.fork()\n"
        "if not pid:\n"
        "    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):\n"
        "        signal.raise_signal(number)\n"
        "print('ready', flush=True)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
    )
    assert end(process) == (0, "-15\n")


def test_the_start_of_a_program_is_ended_without_a_traceback():
    code = "import mdhr_runtime.cli.program, os; os.kill(os.getpid(), 2); import numpy"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, b"")


@pytest.mark.parametrize(
    "program", ["runtime.cli.run", "runtime.cli.archive", "runtime.cli.plot", "export.cli", "train.cli", "bench.cli"]
)
def test_every_program_begins_with_it(program):
    code = f"import mdhr_{program}, signal; assert signal.getsignal(2) == signal.SIG_DFL; print('─ü')"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=os.environ | {"PYTHONIOENCODING": "latin-1"}
    )
    assert ended.stdout == b"?\xfc\n"
