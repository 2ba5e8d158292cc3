"""The CPU and the memory as Linux describes them."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Any

from .system_files import present, read_number, read_text, table

ARM = "0x41"
"""ARM's number among the implementers of its architecture."""

ARM_PARTS = {
    "0xd03": "Cortex-A53",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse N1",
    "0xd40": "Neoverse V1",
    "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE",
    "0xd49": "Neoverse N2",
    "0xd4f": "Neoverse V2",
    "0xd83": "Neoverse V3AE",
}
"""Part numbers of ARM's cores, from arch/arm64/include/asm/cputype.h of Linux. /proc/cpuinfo gives no names there."""

INSTRUCTIONS = {
    "avx2": "avx2",
    "fma": "fma",
    "avx_vnni": "avx-vnni",
    "avx512f": "avx512f",
    "avx512_vnni": "avx512-vnni",
    "avx512_bf16": "avx512-bf16",
    "avx512_fp16": "avx512-fp16",
    "amx_tile": "amx",
    "amx_int8": "amx-int8",
    "amx_bf16": "amx-bf16",
    "neon": "neon",
    "asimd": "neon",
    "asimdhp": "fp16",
    "asimddp": "dotprod",
    "i8mm": "i8mm",
    "bf16": "bf16",
    "sve": "sve",
    "sve2": "sve2",
}
"""Instruction sets that matter to networks: what /proc/cpuinfo calls them → what people call them."""


def describe_cpu(root: Path = Path("/")) -> dict[str, Any]:
    """What the CPU is and what of it the process may use.

    Args:
        root: Folder of /proc and /sys.

    Returns:
        Of these, what is known: `model`, `physical_cores`, `logical_cores`, `usable_cores` (the least of affinity and
        `cgroup_cores`, which may be a fraction), `cgroup_cores`, `instructions` (text), `clocks`
        (`current_mhz`, `min_mhz`, `max_mhz` as now allowed, and `governor`, all of the first core).
    """
    info = table(root / "proc/cpuinfo")
    granted = _granted_cores(root)
    # A process that is bound to nothing may be allowed cores that the machine could have and has not.
    limits = (granted, _allowed_cores(root), _logical_cores(root))
    return present(
        model=_model(info),
        physical_cores=_physical_cores(root),
        logical_cores=_logical_cores(root),
        usable_cores=min((cores for cores in limits if cores), default=None),
        cgroup_cores=granted,
        instructions=_instructions(info),
        clocks=_clocks(root, info),
    )


def describe_memory(root: Path = Path("/")) -> dict[str, Any]:
    """The machine's memory, in bytes: `total_bytes` and `available_bytes` where known."""
    info = table(root / "proc/meminfo")
    sizes = {name: info[name].split()[0] for name in ("MemTotal", "MemAvailable") if info.get(name)}
    return {
        key: int(sizes[name]) * 1024
        for key, name in (("total_bytes", "MemTotal"), ("available_bytes", "MemAvailable"))
        if name in sizes
    }


def _model(info: dict[str, str]) -> str:
    part = ARM_PARTS.get(info.get("CPU part", "")) if info.get("CPU implementer") == ARM else None
    name = part or info.get("model name") or platform.processor() or platform.machine()
    return " ".join(re.sub(r"\((R|TM)\)", "", name, flags=re.IGNORECASE).split())


def _cores(root: Path) -> list[Path]:
    return list((root / "sys/devices/system/cpu").glob("cpu[0-9]*"))


def _logical_cores(root: Path) -> int | None:
    # Cores that a power mode has switched off are listed in /sys still, but not here.
    return len(re.findall(r"^processor\s*:", read_text(root / "proc/cpuinfo") or "", re.MULTILINE)) or None


def _physical_cores(root: Path) -> int | None:
    names = ("physical_package_id", "die_id", "cluster_id", "core_id")
    places = {tuple(read_text(core / "topology" / name) for name in names) for core in _cores(root)}
    return len({place for place in places if place[-1] is not None}) or None


def _allowed_cores(root: Path) -> int | None:
    """Number of cores that the process is bound to, from a list such as "0-3,8"."""
    cores = 0
    for part in table(root / "proc/self/status").get("Cpus_allowed_list", "").split(","):
        if part:
            first, _, last = part.partition("-")
            cores += int(last or first) - int(first) + 1
    return cores or None


def _granted_cores(root: Path) -> float | None:
    """Cores that the control groups of the process grant it, of both versions; None without a limit."""
    limits = []
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mounted, limit = root / "sys/fs/cgroup", _limit_of_version_2
        elif "cpu" in controllers.split(","):
            mounted, limit = root / "sys/fs/cgroup/cpu", _limit_of_version_1
        else:
            continue
        # Inside a container, the path may be the host's, and the own group is mounted at the top.
        own = mounted / path.lstrip("/")
        groups = (own, *(parent for parent in own.parents if parent.is_relative_to(mounted)))
        limits += [cores for group in groups if (cores := limit(group)) is not None]
    return min(limits, default=None)


def _limit_of_version_2(group: Path) -> float | None:
    quota, _, period = (read_text(group / "cpu.max") or "max").partition(" ")
    return None if quota == "max" else int(quota) / int(period)


def _limit_of_version_1(group: Path) -> float | None:
    quota, period = (read_number(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return quota / period if quota and quota > 0 and period else None


def _instructions(info: dict[str, str]) -> str:
    flags = set((info.get("flags") or info.get("Features") or "").split())
    return ", ".join(dict.fromkeys(name for flag, name in INSTRUCTIONS.items() if flag in flags))


def _clocks(root: Path, info: dict[str, str]) -> dict[str, Any]:
    folder = root / "sys/devices/system/cpu/cpu0/cpufreq"
    current, low, high = (read_number(folder / f"scaling_{name}_freq") for name in ("cur", "min", "max"))
    stated = float(info["cpu MHz"]) if info.get("cpu MHz") else None
    return present(
        current_mhz=_megahertz(current) or stated,
        min_mhz=_megahertz(low),
        max_mhz=_megahertz(high),
        governor=read_text(folder / "scaling_governor"),
    )


def _megahertz(kilohertz: int | None) -> float | None:
    return None if kilohertz is None else kilohertz / 1000
