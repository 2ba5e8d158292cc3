"""The environment of a result: the machine and its software, as far as its numbers depend on them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mdhr_runtime.backends.tensorrt.installed import Gpu, find_gpu

from .cpu import describe_cpu, describe_memory
from .jetson import board, describe_jetson
from .nvml import describe_gpus
from .software import describe_code, describe_packages, describe_system
from .system_files import present

PACKAGE = Path(__file__).resolve().parents[1]


def describe(provider: str, reason: str, root: Path = Path("/")) -> dict[str, Any]:
    """Describe the machine and its software.

    What cannot be found out is left out, key and all.

    Args:
        provider: The execution provider that runs the bundle.
        reason: Why this one.
        root: Folder of /etc, /proc and /sys.

    Returns:
        Topics, each a mapping of names to text, numbers or further mappings: `machine` (`name` for people, `slug` for
        folders), `system`, `cpu`, `memory`, `gpu` (the one in use), `gpus` (all), `jetson`, `packages`, `code` and
        `provider` (`name`, `reason`).
    """
    gpu, cpu = find_gpu(), describe_cpu(root)
    return present(
        machine=_machine(board(root), gpu, cpu),
        system=describe_system(root),
        cpu=cpu,
        memory=describe_memory(root),
        gpu=_gpu(gpu),
        gpus=describe_gpus(),
        jetson=describe_jetson(root),
        packages=describe_packages(),
        code=describe_code(PACKAGE),
        provider={"name": provider, "reason": reason},
    )


def slug(name: str) -> str:
    """A name of a folder for the name of a machine, of a-z, 0-9 and hyphens alone."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _machine(model: str | None, gpu: Gpu | None, cpu: dict[str, Any]) -> dict[str, str]:
    """Name a machine by what its speed hangs on: the board if it has a model, else the GPU, else the CPU."""
    what = model or (gpu.name if gpu else None) or cpu["model"]
    name = f"{what}, {_cores(cpu)}" if "logical_cores" in cpu else what
    return {"name": name, "slug": slug(name)}


def _cores(cpu: dict[str, Any]) -> str:
    there = cpu["logical_cores"]
    usable = cpu.get("usable_cores", there)
    return f"{there} cores" if usable >= there else f"{usable:g} of {there} cores"


def _gpu(gpu: Gpu | None) -> dict[str, Any]:
    if gpu is None:
        return {}
    return {"name": gpu.name, "compute_capability": gpu.compute_capability, "multiprocessors": gpu.multiprocessors}
