"""Power of a Jetson: the INA3221 monitors on its module, by the kernel or by tegrastats."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mdhr_bench.results import Missing

from .meter import Meter
from .sampling import FIRST, INTERVAL, integrating, polling
from .system_files import read_number, read_text

LABELS = "sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/in[1-3]_label"
"""Names of the three channels of each monitor; the others are shunt voltages and their sum."""

TOTALS = (
    ("VDD_IN",),
    ("POM_5V_IN",),
    ("VIN",),
    ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),
    ("VDD_GPU", "VDD_CPU_SOC_MSS", "VIN_SYS_5V0"),
    ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),
)
"""Rails that make up a module's power, by family: the input where it is measured, else all that branch from it.

In order: Orin Nano and NX, Xavier NX and TX2; Nano; the input of the Thor kit; AGX Orin; Thor; AGX Xavier. The AGX
Orin's VDDQ_VDD2_1V8AO branches from VIN_SYS_5V0 and would count twice.
"""

RAIL = re.compile(r"\b([A-Z][A-Z0-9_]*) (\d+)(?:mW)?/\d+(?:mW)?(?=\s|$)")
"""A rail in a line of tegrastats: its power now and its mean, with a unit since JetPack 5 and without before."""

COMMAND = "tegrastats"


def find_rails(root: Path = Path("/")) -> Meter | Missing | None:
    """The meter of a Jetson's module; None on other machines.

    Args:
        root: Folder of /sys.
    """
    channels = _channels(root)
    names = total_of(channels)
    if names and _readable(channels, names):
        name = f"INA3221, {' + '.join(names)}"
        return Meter(name, lambda: polling(name, lambda: _watts(channels, names)))
    command = shutil.which(COMMAND)
    if command is not None:
        return _tegrastats(command)
    if not channels:
        return None
    return Missing(
        "energy of the module", f"Its rails ({', '.join(sorted(channels))}) cannot be read or are not known."
    )


def total_of(names: Iterable[str]) -> tuple[str, ...] | None:
    """Which of a board's rails together are its power; None for an unknown board."""
    known = set(names)
    return next((total for total in TOTALS if known.issuperset(total)), None)


def parse_rails(line: str) -> dict[str, float]:
    """Rail → power now, in watts, from a line of tegrastats; empty if it names none."""
    return {name: int(milliwatts) / 1000 for name, milliwatts in RAIL.findall(line)}


def _channels(root: Path) -> dict[str, tuple[Path, Path]]:
    """Rail → the files of its voltage in millivolts and of its current in milliamperes."""
    found = {}
    for label in root.glob(LABELS):
        number = label.name[2]
        name = read_text(label)
        if name:
            found[name] = (label.with_name(f"in{number}_input"), label.with_name(f"curr{number}_input"))
    return found


def _readable(channels: Mapping[str, tuple[Path, Path]], names: Iterable[str]) -> bool:
    return all(read_number(path) is not None for name in names for path in channels[name])


def _watts(channels: Mapping[str, tuple[Path, Path]], names: Iterable[str]) -> float:
    return sum(_number(channels[name][0]) * _number(channels[name][1]) for name in names) / 1e6


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))


def _tegrastats(command: str) -> Meter | Missing:
    rails = _first_rails(command)
    names = total_of(rails)
    if names is None:
        named = f"names only the rails {', '.join(sorted(rails))}" if rails else "names no rails"
        return Missing("energy of the module", f"{COMMAND} {named}.")
    name = f"{COMMAND}, {' + '.join(names)}"
    return Meter(name, lambda: _streaming(command, name, names))


@contextmanager
def _streaming(command: str, name: str, names: Iterable[str]) -> Iterator[Callable[[], float]]:
    with _running(command) as process:
        readings = (parse_rails(line) for line in process.stdout or ())
        watts = (sum(rails[each] for each in names) for rails in readings if rails)
        with integrating(name, watts, process.terminate) as joules:
            yield joules


def _first_rails(command: str) -> dict[str, float]:
    with _running(command) as process:
        # Reading a line has no limit of time, but the end of the process ends it.
        alarm = threading.Timer(FIRST, process.terminate)
        alarm.start()
        try:
            return next((rails for line in process.stdout or () if (rails := parse_rails(line))), {})
        finally:
            alarm.cancel()


@contextmanager
def _running(command: str) -> Iterator[subprocess.Popen[str]]:
    arguments = [command, "--interval", str(round(INTERVAL * 1000))]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
