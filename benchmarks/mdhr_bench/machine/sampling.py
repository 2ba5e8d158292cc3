"""Energy from power that is read again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from mdhr_runtime.errors import MdhrError

INTERVAL = 0.1
"""Seconds between two readings of the power. Reading costs well under a millisecond, thus under 1 % of a core."""

FIRST = 5.0
"""Seconds within which the first reading must have come."""


class Integral:
    """Sums up power over time in a thread of its own. Every reading holds until the next.

    Args:
        name: What is read, for errors.
        watts: Readings as they come. Only the thread touches it.
    """

    def __init__(self, name: str, watts: Iterable[float]) -> None:
        self._name, self._watts = name, watts
        self._joules, self._power, self._moment = 0.0, 0.0, 0.0
        self._failure: Exception | None = None
        self._ended = False
        self._lock, self._begun = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="mdhr-power", daemon=True)
        self._thread.start()

    def joules(self) -> float:
        """Energy since the first reading, in joules.

        Raises:
            MdhrError: No reading came, or they have stopped coming.
        """
        begun = self._begun.wait(FIRST)
        if not begun or self._ended:
            why = str(self._failure) if self._failure else "The readings ended." if begun else "No reading came."
            raise MdhrError(
                f"{self._name} does not tell the power.",
                why,
                "Measure without it, or look for what keeps it from being read.",
            )
        with self._lock:
            return self._joules + self._power * (time.perf_counter() - self._moment)

    def join(self) -> None:
        """Wait for the thread, which ends with the readings."""
        self._thread.join()

    def _run(self) -> None:
        try:
            for watts in self._watts:
                self._add(watts)
        except Exception as error:  # told by joules(), where it can be raised
            self._failure = error
        self._ended = True
        self._begun.set()

    def _add(self, watts: float) -> None:
        now = time.perf_counter()
        with self._lock:
            self._joules += self._power * (now - self._moment)
            self._power, self._moment = watts, now
        self._begun.set()


@contextmanager
def integrating(name: str, watts: Iterable[float], stop: Callable[[], None]) -> Iterator[Callable[[], float]]:
    """Sum up power in a block.

    Args:
        name: What is read, for errors.
        watts: Readings in watts as they come.
        stop: Makes the readings end.

    Yields:
        A function that gives the energy since the beginning, in joules.
    """
    integral = Integral(name, watts)
    try:
        yield integral.joules
    finally:
        stop()
        integral.join()


@contextmanager
def polling(name: str, read: Callable[[], float]) -> Iterator[Callable[[], float]]:
    """Read power every `INTERVAL` seconds in a block, and sum it up.

    Args:
        name: What is read, for errors.
        read: Gives the power now, in watts.

    Yields:
        A function that gives the energy since the beginning, in joules.
    """
    stopped = threading.Event()

    def watts() -> Iterator[float]:
        yield read()
        while not stopped.wait(INTERVAL):
            yield read()

    with integrating(name, watts(), stopped.set) as joules:
        yield joules
