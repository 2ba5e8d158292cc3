"""Whether anything else uses the machine while it is measured."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from .nvml import ask, device_in_use, open_nvml

BUSY = 0.05
"""Share of all cores from which the use by others is told.

What runs on any machine (an idle desktop, an agent that watches it) stays below. More than that takes a core from the
threads of one operator so often that medians move by about as much as the results are rounded to.
"""

SECONDS = 1.0
"""How long the use by others is watched before a run: a hundred of the ticks in which Linux counts it, on each core."""

NAMED = 3
"""How many of the busiest programs are named."""

NEGLIGIBLE = 0.02
"""Cores below which a program is not named: about two ticks in a second."""

SLOWED = {
    "nvmlClocksEventReasonSwPowerCap": "its power limit",
    "nvmlClocksEventReasonHwSlowdown": "a slowdown of the hardware",
    "nvmlClocksEventReasonSwThermalSlowdown": "its temperature",
    "nvmlClocksEventReasonHwThermalSlowdown": "its temperature",
    "nvmlClocksEventReasonHwPowerBrakeSlowdown": "the machine's power brake",
}
"""NVML's reasons for lower clocks that mean that a GPU cannot give what it could → what holds it down."""


@dataclass(frozen=True)
class Program:
    """Another program and what it uses.

    Attributes:
        pid: Its process id.
        name: Its name.
        cores: Cores that it used on average.
    """

    pid: int
    name: str
    cores: float


@dataclass(frozen=True)
class CpuTimes:
    """Time that cores have been busy up to a moment, in seconds.

    Attributes:
        moment: The moment, on a clock of its own.
        everyone: Of all processes, the kernel's interrupts, and, in a virtual machine, of other machines on its cores.
        own: Of this process and its descendants.
    """

    moment: float
    everyone: float
    own: float


def busy(seconds: float = SECONDS) -> str | None:
    """Watch for a moment whether others use the machine; call it before the process itself uses the GPU.

    Args:
        seconds: How long to watch.

    Returns:
        Sentences that name the share of the cores and the busiest programs, what else computes on the GPU, and what
        holds its clocks down; None if nothing disturbs.
    """
    times, before = cpu_times(), _processes()
    time.sleep(seconds)
    after = _processes()
    told = [describe_use(others_cores(times, cpu_times()), programs(before, after, seconds)), *_gpu_troubles()]
    return " ".join(sentence for sentence in told if sentence) or None


class LoadWatch:
    """Measures over a `with` block how many cores others took. It reads twice and does nothing in between.

    Attributes:
        cores: Cores that others used on average, once the block has ended.
        sentence: What to tell about that, once the block has ended; None if it is too little to matter.
    """

    cores: float = 0.0
    sentence: str | None = None

    def __enter__(self) -> LoadWatch:
        self._begin = cpu_times()
        return self

    def __exit__(self, *_error: object) -> None:
        self.cores = others_cores(self._begin, cpu_times())
        self.sentence = describe_use(self.cores, [])


def cpu_times() -> CpuTimes:
    """Read how long cores have been busy until now."""
    import psutil

    times = psutil.cpu_times()
    # Time of guests is part of the user's, and time in which a core waits for a disk is free for others.
    everyone = sum(times) - sum(getattr(times, idle, 0.0) for idle in ("idle", "iowait", "guest", "guest_nice"))
    return CpuTimes(time.monotonic(), everyone, _own_time())


def others_cores(begin: CpuTimes, end: CpuTimes) -> float:
    """Cores that others used on average between two readings. Descendants that left the process's tree are others."""
    others = (end.everyone - begin.everyone) - (end.own - begin.own)
    return max(0.0, others / (end.moment - begin.moment))


def describe_use(cores: float, others: list[Program]) -> str | None:
    """A sentence about the use by others, if it matters.

    Args:
        cores: Cores that all others used together.
        others: Single programs to name, the busiest first.
    """
    import psutil

    there = psutil.cpu_count()
    if cores < BUSY * there:
        return None
    named = ", ".join(f"{each.name} (pid {each.pid}) {each.cores:.2f}" for each in others[:NAMED])
    told = f": {named}" if named else ""
    return f"Other programs used {cores:.2f} of {there} cores ({cores / there:.0%}){told}."


def programs(before: dict[Any, dict[str, Any]], after: dict[Any, dict[str, Any]], seconds: float) -> list[Program]:
    """Other programs by use between two lists of processes, the busiest first."""
    own = _own_pids()
    found = (
        Program(new["pid"], new["name"], (_used(new) - _used(before.get(key))) / seconds)
        for key, new in after.items()
        if new["pid"] not in own
    )
    return sorted((each for each in found if each.cores >= NEGLIGIBLE), key=lambda each: -each.cores)


def _processes() -> dict[Any, dict[str, Any]]:
    import psutil

    found = (process.info for process in psutil.process_iter(["pid", "name", "create_time", "cpu_times"]))
    # A process id may be given again in between; with the time of its start it is unique.
    return {(each["pid"], each["create_time"]): each for each in found}


def _used(process: dict[str, Any] | None) -> float:
    if process is None or process["cpu_times"] is None:
        return 0.0
    return process["cpu_times"].user + process["cpu_times"].system


def _own_time() -> float:
    """CPU time of this process, its descendants, and those of them that have ended and were waited for."""
    import psutil

    total = sum(os.times()[:4])
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            # It ended just now. What it used comes with its parent's time as soon as that has waited for it.
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _own_pids() -> set[int]:
    import psutil

    return {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}


def _gpu_troubles() -> list[str]:
    with open_nvml() as nvml:
        handle = None if nvml is None else device_in_use(nvml)
        if nvml is None or handle is None:
            return []
        return [sentence for sentence in (_slowed(nvml, handle), _shared(nvml, handle)) if sentence]


def _slowed(nvml: ModuleType, handle: Any) -> str | None:
    reasons = ask(nvml.nvmlDeviceGetCurrentClocksEventReasons, handle)
    if reasons is None:
        # Drivers before 535 have the same by its old name.
        reasons = ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle) or 0
    causes = dict.fromkeys(cause for name, cause in SLOWED.items() if reasons & getattr(nvml, name))
    return f"The GPU's clocks are held down by {' and '.join(causes)}." if causes else None


def _shared(nvml: ModuleType, handle: Any) -> str | None:
    own = _own_pids()
    running = ask(nvml.nvmlDeviceGetComputeRunningProcesses, handle) or []
    others = sorted({process.pid for process in running} - own)
    return f"Other programs compute on the GPU: pid {', '.join(map(str, others))}." if others else None
