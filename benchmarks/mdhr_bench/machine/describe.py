"""The machine and its software, as far as the numbers of a result depend on them."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from mdhr_runtime.backends.tensorrt.installed import Gpu, find_gpu
from mdhr_runtime.threads import ROOT, allowed_cpus, granted_cores, read_text, thread_count

from .nvml import describe_gpus, present

PACKAGE = Path(__file__).resolve().parents[1]

PACKAGES = ("mdhr-edge", "numpy", "onnx", "torch", "timm", "pycuda", "cuda-python", "cuda-bindings", "psutil")
"""Packages whose versions are told."""

FAMILIES = ("onnxruntime", "openvino", "opencv", "tensorrt", "nvidia-cudnn")
"""Beginnings of the names of such that come in several packages, as `onnxruntime-gpu`."""

INSTRUCTIONS = """
    avx2 fma avx_vnni avx512f avx512_vnni avx512_bf16 avx512_fp16 amx_tile amx_int8 amx_bf16
    neon asimd asimdhp asimddp i8mm bf16 sve sve2
"""
"""Instruction sets that matter to networks, by Linux's names of them."""

KNOWN_AS = {"amx_tile": "amx", "asimd": "neon", "asimdhp": "fp16", "asimddp": "dotprod"}
"""Those that people call otherwise."""

JETSON_RELEASE = re.compile(r"# R(\d+) \(release\), REVISION: ([\d.]+)")
"""The first line of /etc/nv_tegra_release, such as "# R36 (release), REVISION: 4.3, GCID: …"."""

POWER_MODE = re.compile(r"^NV Power Mode: *(\S+)(?:\s+(\d+)\s*$)?", re.MULTILINE)
"""The output of `nvpmodel -q`: the mode's name, and its number on the next line."""

JETSON_GPUS = ("gpu", "ga10b", "gv11b", "gp10b")
"""Names of a Jetson's GPU in /sys/class/devfreq, after the address."""


def describe(provider: str, reason: str, root: Path = ROOT) -> dict[str, Any]:
    """Describe the machine and its software.

    What cannot be found out is left out, key and all.

    Args:
        provider: The execution provider that runs the bundle.
        reason: Why this one.
        root: Folder of /etc, /proc and /sys.

    Returns:
        Topics, each a mapping of names to text, numbers or further mappings: `machine` (`name` for people, `slug` for
        folders), `system`, `cpu`, `memory` (bytes), `gpu` (the one in use), `gpus` (all), `jetson`, `packages`, `code`
        and `provider` (`name`, `reason`).
    """
    import psutil

    gpu, cpu, memory = find_gpu(), describe_cpu(root), psutil.virtual_memory()
    return present(
        machine=_machine(_board(root), gpu, cpu),
        system=_system(),
        cpu=cpu,
        memory={"total_bytes": memory.total, "available_bytes": memory.available},
        gpu=None if gpu is None else asdict(gpu),
        gpus=describe_gpus(),
        jetson=describe_jetson(root),
        packages=describe_packages(),
        code=describe_code(PACKAGE),
        provider={"name": provider, "reason": reason},
    )


def slug(name: str) -> str:
    """A name of a folder for the name of a machine, of a-z, 0-9 and hyphens alone."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def describe_cpu(root: Path = ROOT) -> dict[str, Any]:
    """The CPU, and what of it the process may use.

    Args:
        root: Folder of /proc and /sys.

    Returns:
        Of these, what is known: `model`, `physical_cores`, `logical_cores`, `usable_cores` (the least of affinity and
        `cgroup_cores`, which may be a fraction), `cgroup_cores`, `threads` (that a model takes, see
        `mdhr_runtime.threads`), `instructions` (text), `clocks`
        (`current_mhz`, `min_mhz`, `max_mhz` as now allowed, and `governor`, all of the first core).
    """
    import psutil

    # /proc/cpuinfo has no names of ARM's cores. Later lines are of clusters of other cores.
    lines = (line.partition(":") for line in reversed((_output("lscpu") or "").splitlines()))
    info = {key.strip(): value.strip() for key, _, value in lines}
    name = info.get("Model name") or platform.processor() or platform.machine()
    flags = set(info.get("Flags", "").split())
    sets = [KNOWN_AS.get(flag, flag.replace("_", "-")) for flag in INSTRUCTIONS.split() if flag in flags]
    logical, granted = psutil.cpu_count(), granted_cores(root)
    try:
        clock = next(iter(psutil.cpu_freq(percpu=True)), None)
    except (NotImplementedError, OSError):  # some systems list clocks and then do not tell them
        clock = None
    return present(
        model=" ".join(re.sub(r"\((R|TM)\)", "", name, flags=re.IGNORECASE).split()),
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=logical,
        usable_cores=min(filter(None, (granted, len(allowed_cpus()), logical))),
        cgroup_cores=granted,
        threads=thread_count(root=root),
        instructions=", ".join(dict.fromkeys(sets)),
        clocks=present(
            current_mhz=clock and clock.current,
            # psutil's zero is a limit that nobody tells.
            min_mhz=clock and (clock.min or None),
            max_mhz=clock and (clock.max or None),
            governor=read_text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        ),
    )


def describe_jetson(root: Path = ROOT) -> dict[str, Any]:
    """The state of a Jetson that its speed depends on; empty on other machines.

    Whether `jetson_clocks` was run can only be read by root, so the governors and limits of the clocks are given: it
    sets the least clock to the largest.

    Args:
        root: Folder of /etc, /proc and /sys.

    Returns:
        Of these, what is known: `model`, `release` of Jetson Linux, `power_mode`, `power_mode_number`, `gpu_clocks`.
    """
    board, release = _board(root), read_text(root / "etc/nv_tegra_release")
    if release is None and "jetson" not in (board or "").lower():
        return {}
    numbers, mode = JETSON_RELEASE.match(release or ""), POWER_MODE.search(_output("nvpmodel", "-q") or "")
    return present(
        model=board,
        release=".".join(numbers.groups()) if numbers else None,
        power_mode=mode[1] if mode else None,
        power_mode_number=int(mode[2]) if mode and mode[2] else None,
        gpu_clocks=_gpu_clocks(root / "sys/class/devfreq"),
    )


def _board(root: Path) -> str | None:
    """The board's model from the device tree, such as "NVIDIA Jetson Orin Nano Developer Kit"; None without one."""
    return read_text(root / "proc/device-tree/model") or None


def _gpu_clocks(devices: Path) -> dict[str, Any]:
    folder = next((each for each in sorted(devices.glob("*")) if any(name in each.name for name in JETSON_GPUS)), None)
    if folder is None:
        return {}
    hertz = {f"{name}_mhz": read_number(folder / f"{name[:3]}_freq") for name in ("current", "min", "max")}
    clocks = {name: clock / 1e6 for name, clock in hertz.items() if clock is not None}
    return present(**clocks, governor=read_text(folder / "governor"))


def _system() -> dict[str, Any]:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        name = None
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return present(os=name, kernel=platform.release(), architecture=platform.machine(), python=python)


def describe_packages() -> dict[str, str]:
    """Name → version of the packages that decide about speed, of those that are installed."""
    versions = {re.sub(r"[-_.]+", "-", each.metadata["Name"] or "").lower(): each.version for each in distributions()}
    return {
        name: version for name, version in sorted(versions.items()) if name in PACKAGES or name.startswith(FAMILIES)
    }


def describe_code(folder: Path) -> dict[str, str]:
    """The git revision that a package was run from.

    Args:
        folder: The package's. It need not lie in a checkout: a wheel's does not.

    Returns:
        `revision`, and `changes`: "none", or "uncommitted" if a tracked file of the checkout differs from it. Empty
        where git does not track the package.
    """
    git = ("git", "-C", str(folder))
    # A virtual environment may lie in a checkout of something else, which does not track what is installed in it.
    tracked = _output(*git, "ls-files", "--error-unmatch", "__init__.py")
    revision, changes = _output(*git, "rev-parse", "HEAD"), _output(*git, "status", "--porcelain", "-uno")
    if tracked is None or revision is None or changes is None:
        return {}
    return {"revision": revision, "changes": "uncommitted" if changes else "none"}


def _machine(board: str | None, gpu: Gpu | None, cpu: dict[str, Any]) -> dict[str, str]:
    """Name a machine by what its speed hangs on: the board if it has a model, else the GPU, else the CPU."""
    cores, usable = cpu["logical_cores"], cpu["usable_cores"]
    name = f"{board or (gpu and gpu.name) or cpu['model']}, {'' if usable >= cores else f'{usable:g} of '}{cores} cores"
    return {"name": name, "slug": slug(name)}


def _output(*command: str) -> str | None:
    """The output of a program; None where there is none, or it fails, or waits for an answer."""
    # Without locks: looking at git's status must not write to the index.
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def read_number(path: Path) -> int | None:
    """The whole number that a file holds; None where there is none to read."""
    text = read_text(path)
    return int(text) if text and text.lstrip("-").isdecimal() else None
