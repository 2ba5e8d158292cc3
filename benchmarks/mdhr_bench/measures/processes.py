"""Measuring in a process of its own, which neither the threads nor the memory of this one disturb.

What is measured is a module that is run as `python -m MODULE ARGUMENT…` and hands a function to `answer`. Whoever wants
to know calls `ask`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from threading import Thread
from typing import TYPE_CHECKING, Any

from mdhr_runtime.errors import MdhrError

if TYPE_CHECKING:
    import subprocess

STDIN, STDOUT, STDERR = range(3)


def ask(module: str, *arguments: object) -> dict[str, Any]:
    """Run a module in a new process and wait for its answer. However this process ends, the new one ends with it.

    Args:
        module: The module's full name.
        arguments: What its function is given, as text.

    Returns:
        What its function returned.

    Raises:
        MdhrError: It failed: the error that it raised, if that was one for users.
    """
    import subprocess  # not above: the process that answers does not need it, and its start is measured

    command = [sys.executable, "-m", module, *map(str, arguments)]
    # The process notices by the end of this pipe that nobody waits for it any more, even if this one was killed.
    ours_is_gone, ours = os.pipe()
    try:
        done = subprocess.run(command, stdin=ours_is_gone, capture_output=True, text=True, errors="replace")
    finally:
        os.close(ours_is_gone)
        os.close(ours)
    if done.returncode:
        raise _failure(module, done) from RuntimeError(done.stderr)
    said = json.loads(done.stdout)
    if "error" in said:
        raise MdhrError(*said["error"])
    return said["found"]


def answer(measure: Callable[..., Mapping[str, Any]]) -> None:
    """Be the process that was asked: measure, and print what was found, or an error for users, as JSON.

    Args:
        measure: Takes the arguments of the command line, as text; returns what JSON can hold.
    """
    Thread(target=_end_with_parent, daemon=True).start()
    # Libraries print remarks, some of them not through Python's own stdout.
    with os.fdopen(os.dup(STDOUT), "w") as output:
        os.dup2(STDERR, STDOUT)
        try:
            said: dict[str, Any] = {"found": measure(*sys.argv[1:])}
        except MdhrError as error:
            said = {"error": (error.what, error.why, error.fix)}
        json.dump(said, output)


def _end_with_parent() -> None:
    # Not by `sys.stdin`, whose lock a waiting thread would keep from the interpreter that wants to end.
    while os.read(STDIN, 1):
        pass
    os._exit(1)


def _failure(module: str, done: subprocess.CompletedProcess[str]) -> MdhrError:
    """The error for a process that ended without an answer."""
    status = done.returncode
    ended = (
        f"It ended with status {status}." if status > 0 else f"Signal {-status} ended it: {signal.strsignal(-status)}."
    )
    last = done.stderr.strip().split("\n")[-1]
    return MdhrError(
        f"The process that measures the {module.rpartition('.')[2].replace('_', ' ')} failed.",
        f"{ended} {last}".rstrip(),
        "If memory is short, free some. Else try whether `mdhr-run` works with this bundle and provider.",
    )
