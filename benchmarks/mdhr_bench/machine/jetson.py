"""What is particular about a Jetson: its board, release, power mode and the governor of its GPU."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

from .system_files import present, read_number, read_text

RELEASE = re.compile(r"# R(\d+) \(release\), REVISION: ([\d.]+)")
"""The first line of /etc/nv_tegra_release, such as "# R36 (release), REVISION: 4.3, GCID: …"."""

POWER_MODE = re.compile(r"^NV Power Mode: *(\S+)(?:\s+(\d+)\s*$)?", re.MULTILINE)
"""What `nvpmodel -q` prints: the mode's name, and its number on the next line."""

GPU_NAMES = ("gpu", "ga10b", "gv11b", "gp10b")
"""How devices of a Jetson's GPU are called in /sys/class/devfreq, after their address."""

SECONDS = 10
"""How long `nvpmodel` may take."""


def board(root: Path = Path("/")) -> str | None:
    """The board's model from the device tree, such as "NVIDIA Jetson Orin Nano Developer Kit"; None without one."""
    return read_text(root / "proc/device-tree/model") or None


def is_jetson(root: Path = Path("/")) -> bool:
    """Whether the machine is a Jetson, or a container on one."""
    return "jetson" in (board(root) or "").lower() or (root / "etc/nv_tegra_release").exists()


def describe_jetson(root: Path = Path("/")) -> dict[str, Any]:
    """The state of a Jetson that its speed depends on; empty on other machines.

    Whether `jetson_clocks` was run can only be read by root, so the governors and limits of the clocks are given: it
    sets the least clock to the largest.

    Args:
        root: Folder of /etc, /proc and /sys.

    Returns:
        Of these, what is known: `model`, `release` of Jetson Linux, `power_mode`, `power_mode_number`, `gpu_clocks`.
    """
    if not is_jetson(root):
        return {}
    name, number = power_mode()
    return present(
        model=board(root),
        release=_release(root),
        power_mode=name,
        power_mode_number=number,
        gpu_clocks=_gpu_clocks(root),
    )


def power_mode() -> tuple[str | None, int | None]:
    """Name and number of the power mode, as `nvpmodel -q` tells them; None for what it does not tell."""
    try:
        answer = subprocess.run(["nvpmodel", "-q"], capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        # Containers do not have it, and without rights it can wait for an answer.
        return None, None
    found = POWER_MODE.search(answer.stdout)
    if found is None:
        return None, None
    return found[1], int(found[2]) if found[2] else None


def _release(root: Path) -> str | None:
    found = RELEASE.match(read_text(root / "etc/nv_tegra_release") or "")
    return f"{found[1]}.{found[2]}" if found else None


def _gpu_clocks(root: Path) -> dict[str, Any]:
    devices = (root / "sys/class/devfreq").glob("*")
    folder = next((each for each in sorted(devices) if any(name in each.name for name in GPU_NAMES)), None)
    if folder is None:
        return {}
    files = {"current_mhz": "cur_freq", "min_mhz": "min_freq", "max_mhz": "max_freq"}
    clocks = {name: read_number(folder / file) for name, file in files.items()}
    megahertz = {name: hertz / 1e6 for name, hertz in clocks.items() if hertz is not None}
    return present(**megahertz, governor=read_text(folder / "governor"))
