"""How many threads computing takes on the CPU: one rule for models, training and benchmarks.

Threads that outnumber the cores wait for each other, and in a container they use up everybody's time by waiting.
What libraries and Python count leaves out a part: `os.process_cpu_count` knows the affinity alone, psutil nothing of
what the process may use, and joblib no groups inside others.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from .errors import ConfigError

ROOT = Path("/")

VARIABLE = "MDHR_THREADS"
"""Environment variable that says how many."""

NUMBER = re.compile(r"[1-9][0-9]{0,2}|10[01][0-9]|102[0-4]")
"""1 to 1024."""

QUOTA = re.compile(r"(\d+) ([1-9]\d*)")
"""CPU time in a period, and the period; where there is no limit, the first is "max" or −1."""

GROUP = re.compile(r"^\d+:([^:]*):(.*)$", re.MULTILINE)
"""A line of /proc/self/cgroup: controllers, none in version 2, and the process's group."""

MOUNT = re.compile(r"^\S+ \S+ \S+ (\S+) (\S+) .*- (cgroup2?) \S+ (\S+)$", re.MULTILINE)
"""A line of /proc/self/mountinfo: which group is mounted, where, of which version, and controllers among options."""

CORE = re.compile(r"^processor\s*: (\d+)$.*?^physical id\s*: (\d+)$.*?^core id\s*: (\d+)$", re.MULTILINE | re.DOTALL)
"""A CPU of /proc/cpuinfo, with its socket and its core there."""


def thread_count(given: int | str | None = None, root: Path = ROOT) -> int:
    """Say how many threads to take: as many as are asked for, or as the process has cores.

    Args:
        given: What the caller asks for; None for what the environment variable MDHR_THREADS does. If that is not set
            or empty, the number is the least of the physical cores of the CPUs that the process is bound to, and its
            control groups' CPU time, rounded up.
        root: Folder of /proc and /sys.

    Raises:
        ConfigError: What is asked for is no whole number from 1 to 1024.
    """
    asked, by = (os.environ.get(VARIABLE) or None, VARIABLE) if given is None else (given, "The option threads")
    if asked is None:
        return math.ceil(min(count_cores(allowed_cpus(), root), granted_cores(root) or math.inf))
    if not NUMBER.fullmatch(str(asked)):
        raise ConfigError(
            f"{by} is {asked!r}, which is no number of threads.",
            "It takes a whole number from 1 to 1024.",
            "Give such a number, or none: then there is a thread for every core that the program may use.",
        )
    return int(asked)


def allowed_cpus() -> Collection[int]:
    """The logical CPUs that the process is bound to; all where the system does not tell."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


def count_cores(cpus: Collection[int], root: Path = ROOT) -> int:
    """Number of physical cores that logical CPUs are of. Where the system does not tell, each is one.

    Args:
        cpus: Numbers of the CPUs, at least one.
        root: Folder of /proc and /sys.
    """
    folder = root / "sys/devices/system/cpu"
    cores: set[object] = {read_text(folder / f"cpu{cpu}/topology/thread_siblings_list") for cpu in cpus}
    if not all(cores):
        listed = {int(cpu): core for cpu, *core in CORE.findall(read_text(root / "proc/cpuinfo") or "")}
        cores = {tuple(listed.get(cpu, [cpu])) for cpu in cpus}
    return len(cores)


def granted_cores(root: Path = ROOT) -> float | None:
    """Seconds of CPU time per second that the process's control groups grant it; None without a limit.

    Args:
        root: Folder of /proc and /sys.
    """
    quotas = []
    for folder in control_groups(root):
        old = f"{read_text(folder / 'cpu.cfs_quota_us')} {read_text(folder / 'cpu.cfs_period_us')}"
        if found := QUOTA.fullmatch(read_text(folder / "cpu.max") or old):
            quotas.append(int(found[1]) / int(found[2]))
    return min(quotas, default=None)


def control_groups(root: Path, kind: str = "cpu") -> Iterator[Path]:
    """Folders of the process's control group and of those that it lies in, of both versions, as far as mounted.

    Args:
        root: Folder of /proc and /sys.
        kind: Controller, of version 1.
    """
    groups = GROUP.findall(read_text(root / "proc/self/cgroup") or "")
    own = {controller: group for controllers, group in groups for controller in controllers.split(",")}
    for top, place, version, options in MOUNT.findall(read_text(root / "proc/self/mountinfo") or ""):
        controller = "" if version == "cgroup2" else kind
        if controller in own and controller in ("", *options.split(",")):
            mounted = root / place.lstrip("/")
            # Inside a container the group may be told by the host's name of it, and is what is mounted.
            group = mounted / os.path.relpath(own[controller], top)
            yield from (group, *(each for each in group.parents if each.is_relative_to(mounted)))


def read_text(path: Path) -> str | None:
    """The text of a file without white space and NUL bytes around it; None where there is none to read."""
    try:
        # Files of sysfs exist and still refuse to be read while their hardware is off.
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\n")
    except OSError:
        return None
