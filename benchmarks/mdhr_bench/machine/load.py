"""The use of the machine by other programs while it is measured."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from .nvml import gpu_troubles

BUSY = 0.05
"""Share of all cores from which the use by others is told.

What runs on any machine (an idle desktop, an agent that watches it) stays below. More than that takes a core from the
threads of one operator so often that medians move by about as much as the results are rounded to.
"""

SECONDS = 1.0
"""Seconds that the use by others is watched before a run: a hundred ticks of the clock that Linux counts it in."""

NAMED = 3
"""Number of the busiest programs that are named."""

NEGLIGIBLE = 0.02
"""Cores below which a program is not named: about two ticks in a second."""


def busy(seconds: float = SECONDS) -> str | None:
    """Watch for a moment whether others use the machine; call it before the process itself uses the GPU.

    Args:
        seconds: How long to watch.

    Returns:
        Sentences that name the share of the cores and the busiest programs, what else computes on the GPU, and what
        holds its clocks down; None if nothing disturbs.
    """
    programs_since_last()
    with LoadWatch() as watch:
        time.sleep(seconds)
    sentences = (describe_use(watch.cores, programs_since_last()), *gpu_troubles(_own_pids()))
    return " ".join(filter(None, sentences)) or None


class LoadWatch:
    """Measures over a `with` block how many cores others took. It reads twice and does nothing in between.

    Attributes:
        cores: Cores that others used on average, once the block has ended. Descendants that left the process's tree
            are others.
        sentence: What to tell about that, once the block has ended; None if it is too little to matter.
    """

    cores: float = 0.0
    sentence: str | None = None

    def __enter__(self) -> LoadWatch:
        self._begun, self._before = time.monotonic(), others_seconds()
        return self

    def __exit__(self, *_error: object) -> None:
        # The own time is read after everyone's, and can run ahead of it.
        self.cores = max(0.0, others_seconds() - self._before) / (time.monotonic() - self._begun)
        self.sentence = describe_use(self.cores)


def others_seconds() -> float:
    """Seconds for which cores have been busy until now, but for this process and its descendants.

    The kernel's interrupts are others, and in a virtual machine what other machines take of its cores.
    """
    import psutil

    times = psutil.cpu_times()
    # Time of guests is part of the user's, and time in which a core waits for a disk is free for others.
    everyone = sum(times) - sum(getattr(times, idle, 0.0) for idle in ("idle", "iowait", "guest", "guest_nice"))
    return everyone - own_seconds()


def own_seconds() -> float:
    """CPU time of this process, its descendants, and those of them that have ended and were waited for."""
    import psutil

    total = sum(os.times()[:4])
    for child in psutil.Process().children(recursive=True):
        try:
            total += sum(child.cpu_times()[:4])
        except psutil.NoSuchProcess:
            # It ended just now. What it used comes with its parent's time as soon as that has waited for it.
            continue
    return total


def describe_use(cores: float, programs: Sequence[tuple[float, int, str]] = ()) -> str | None:
    """A sentence about the use by others, if it matters.

    Args:
        cores: Cores that all others used together.
        programs: Single programs to name, as of `programs_since_last`.
    """
    import psutil

    there = psutil.cpu_count()
    if cores < BUSY * there:
        return None
    named = ", ".join(f"{name} (pid {pid}) {used:.2f}" for used, pid, name in programs[:NAMED])
    told = f": {named}" if named else ""
    return f"Other programs used {cores:.2f} of {there} cores ({cores / there:.0%}){told}."


def programs_since_last() -> list[tuple[float, int, str]]:
    """Cores that each other program used since the last call, its process id and its name; the busiest first.

    The first call finds nothing.
    """
    import psutil

    own = _own_pids()
    found = [process.info for process in psutil.process_iter(["pid", "name", "cpu_percent"])]
    programs = [((each["cpu_percent"] or 0.0) / 100, each["pid"], each["name"]) for each in found]
    return sorted((each for each in programs if each[0] >= NEGLIGIBLE and each[1] not in own), reverse=True)


def _own_pids() -> set[int]:
    import psutil

    return {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
