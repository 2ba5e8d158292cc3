"""Ctrl-C, SIGTERM and SIGHUP: a program completes what it has written, and ends."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType

SIGNALS = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__)
"""Those that mean that the program is to end."""
PATIENCE = 5.0
"""Seconds that the program may be deaf, before it is ended from outside."""
AGAIN = 0.02
"""Seconds until it is looked again whether an import is over."""


class Stopped(BaseException):
    """The user or the system wants the program to end. Not an error, hence no `Exception`.

    Args:
        signal: Number of the signal that said so. The exit status is 128 more.

    Attributes:
        kept: What was written up to then, a line each, as far as a program adds it.
    """

    def __init__(self, signal: int) -> None:
        self.signal = signal
        self.kept: list[str] = []


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turn the first signal inside the block into `Stopped`. A second one ends the program at once.

    Python hears signals between two of its own steps only, and imports are not interrupted: where a library's function
    or an import goes on for longer than `PATIENCE`, the first signal ends the program as well. Ignored signals stay so,
    as `nohup` wants it. Children that are forked hear SIGTERM only.
    """
    caught = {number: old for number in SIGNALS if (old := signal.getsignal(number)) is not signal.SIG_IGN}
    heard = Event()
    asked = 0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if _spares(number, by="handler"):
            return
        asked = asked or number
        if _importing(frame):
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
            return
        heard.set()
        for each in caught:
            signal.signal(each, signal.SIG_DFL)
        # PyTorch watches its children, and would take it for a failure that they heard the same signal.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        raise Stopped(asked)

    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    alarm = signal.signal(signal.SIGALRM, stop)
    for number in caught:
        signal.signal(number, stop)
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    Thread(target=_watch, args=(ours, heard), name="signals", daemon=True).start()
    _forks.append(tuple(caught))
    try:
        yield
    finally:
        _forks.pop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGALRM, alarm)
        for number, old in caught.items():
            # One more while Python ends must not be a KeyboardInterrupt, a traceback out of some library's end.
            signal.signal(number, _exit if asked else old)
        theirs.close()


@contextmanager
def first_interrupt() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C inside the block end nothing: what is given tells, inside, whether it has come.

    All that comes after it, and other signals, do what `stopped_by_signals` says.
    """
    _spared.update(("handler", "watcher"))
    try:
        yield lambda: "handler" not in _spared
    finally:
        _spared.clear()


_spared: set[str] = set()
"""Who is to pass over the next Ctrl-C: both hear of each, in either order."""


def _spares(number: int, by: str) -> bool:
    if number != signal.SIGINT or by not in _spared:
        return False
    _spared.discard(by)
    return True


def _exit(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)


def _watch(numbers: socket.socket, heard: Event) -> None:
    """End the program at a second signal, or when it does not hear the first; the socket gives their numbers."""
    first = last = 0
    with numbers:
        while not last:
            numbers.settimeout(PATIENCE if first and not heard.is_set() else None)
            try:
                number = numbers.recv(1)
            except TimeoutError:
                last = 0 if heard.is_set() else first
                continue
            if not number:
                return
            if number[0] in SIGNALS and not _spares(number[0], by="watcher"):
                first, last = number[0], first and number[0]
    os.write(sys.stderr.fileno(), b"\nstopped\n")  # descriptor 2 may lead nowhere; see `own_stderr`
    os._exit(128 + last)


def _importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported. Some turn whatever is raised there into an ImportError: not installed."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib._bootstrap"):
        frame = frame.f_back
    return frame is not None


_forks: list[tuple[int, ...]] = []
"""What is caught at the moment, and must not be in children."""


def _after_fork() -> None:
    if _forks:
        signal.set_wakeup_fd(-1)
        for number in _forks[-1]:
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)


os.register_at_fork(after_in_child=_after_fork)
