"""Meters of energy: NVML's of the GPU, the INA3221 monitors of a Jetson's module, RAPL's of the CPU."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mdhr_runtime.errors import MdhrError
from mdhr_runtime.threads import ROOT, read_text

from ..results import Missing
from .describe import read_number
from .nvml import open_device, query

INTERVAL = 0.1
"""Seconds between two readings of a power. Reading costs well under a millisecond, thus under 1 % of a core."""

RAIL_LABELS = "sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/in[1-3]_label"
"""Names of the three channels of each monitor; the others are shunt voltages and their sum."""

MODULE_RAILS = (
    ("VDD_IN",),
    ("VIN",),
    ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),
    ("VDD_GPU", "VDD_CPU_SOC_MSS", "VIN_SYS_5V0"),
    ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),
)
"""Rails that make up a module's power, by family: the input where it is measured, else all that branch from it.

In order: Orin Nano and NX, Xavier NX; the input of the Thor kit; AGX Orin; Thor; AGX Xavier. The AGX Orin's
VDDQ_VDD2_1V8AO branches from VIN_SYS_5V0 and would count twice.
"""

RAPL_ZONES = "sys/class/powercap"
CPU, MODULE = "energy of the CPU", "energy of the module"

Joules = Callable[[], float]
"""The energy since any one moment, in joules."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Meter:
    """Something that measures energy.

    Attributes:
        name: What measures, and what of, such as "RAPL, package".
        counter: Opens it. In its block it gives a function that tells the energy.
    """

    name: str
    counter: Callable[[], AbstractContextManager[Joules]]

    def measure(self, work: Callable[[], Answer]) -> tuple[float, float, Answer]:
        """Measure what some work takes.

        It should take some seconds: most meters have a new value about every 0.1 s, some GPUs every second.

        Returns:
            Energy in joules, wall time in seconds, and what the work returned.

        Raises:
            MdhrError: The meter can no longer be read.
        """
        with self.counter() as joules:
            before, begin = joules(), time.perf_counter()
            answer = work()
            after, end = joules(), time.perf_counter()
        return after - before, end - begin, answer


def find_meters(root: Path = ROOT) -> tuple[list[Meter], list[Missing]]:
    """Find what measures energy here.

    Args:
        root: Folder of /sys.

    Returns:
        The meters that work, and what cannot be measured and why. Never both empty.
    """
    found = [each for each in (find_gpu_meter(), find_module_meter(root), find_cpu_meter(root)) if each is not None]
    if not found:
        found = [Missing("energy", "This machine shows no meter: no NVIDIA GPU (NVML), no Jetson (INA3221), no RAPL.")]
    meters = [each for each in found if isinstance(each, Meter)]
    return meters, [each for each in found if isinstance(each, Missing)]


def find_gpu_meter() -> Meter | Missing | None:
    """The meter of the GPU in use, its memory included; None without an NVIDIA GPU, and on Jetsons.

    GPUs since Volta have a counter of energy; the power of others is summed up.
    """
    with open_device() as device:
        if device is None:
            return None
        nvml, handle = device
        name = f"NVML, {query(nvml.nvmlDeviceGetName, handle)}"
        counts = query(nvml.nvmlDeviceGetTotalEnergyConsumption, handle) is not None
        if not counts and query(nvml.nvmlDeviceGetPowerUsage, handle) is None:
            return Missing("energy of the GPU", f"{name}: the driver tells neither energy nor power of it.")

    @contextmanager
    def counter() -> Iterator[Joules]:
        with open_device() as device:
            if device is None:
                raise _unread(name, "NVIDIA's driver no longer answers.")
            nvml, handle = device
            if counts:
                yield lambda: _read(name, lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000)
            else:
                with summed_up(name, lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000) as joules:
                    yield joules

    return Meter(name, counter)


def find_module_meter(root: Path = ROOT) -> Meter | Missing | None:
    """The meter of a Jetson's module, as the kernel shows its INA3221 monitors; None on other machines.

    Args:
        root: Folder of /sys.
    """
    labels = {read_text(path): path for path in root.glob(RAIL_LABELS)}
    rails = {name: path for name, path in labels.items() if name}
    names = next((each for each in MODULE_RAILS if rails.keys() >= set(each)), ())
    # Of millivolts and milliamperes, beside the label "in1_label".
    files = (rails[name].as_posix().removesuffix("_label") for name in names)
    pairs = [(Path(f"{file}_input"), Path(f"{file}_input").with_name(f"curr{file[-1]}_input")) for file in files]
    if not rails:
        return None
    if not pairs or any(read_number(path) is None for pair in pairs for path in pair):
        return Missing(MODULE, f"Its rails ({', '.join(sorted(rails))}) cannot be read or are not known.")
    name = f"INA3221, {' + '.join(names)}"

    def watts() -> float:
        return sum(_number(voltage) * _number(current) for voltage, current in pairs) / 1e6

    return Meter(name, lambda: summed_up(name, watts))


def find_cpu_meter(root: Path = ROOT) -> Meter | Missing | None:
    """The meter of the CPU's packages by RAPL, all together; memory is not in it. None where the CPU has none.

    AMD's processors have it too. Source: https://docs.kernel.org/power/powercap/powercap.html

    Args:
        root: Folder of /sys.
    """
    # The same counters appear again below intel-rapl-mmio; parts of a package and "psys" are named differently.
    zones = sorted((root / RAPL_ZONES).glob("intel-rapl:*"))
    zones = [zone for zone in zones if (read_text(zone / "name") or "").startswith("package")]
    if not zones:
        return None
    try:
        values = [_number(zone / "energy_uj") for zone in zones]
    except PermissionError:
        return Missing(
            CPU,
            "RAPL's counter may be read by root alone (since CVE-2020-8694). Until the next start of the machine, "
            "`sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj` lets everyone read it.",
        )
    except (OSError, ValueError) as error:
        return Missing(CPU, f"RAPL's counter cannot be read: {error}.")
    if not all(values):
        return Missing(CPU, "RAPL's counter stands at zero, as it does in some virtual machines.")
    name = "RAPL, package" if len(zones) == 1 else f"RAPL, {len(zones)} packages"

    def microjoules(zone: Path) -> float:
        return _read(name, lambda: _number(zone / "energy_uj"))

    @contextmanager
    def counter() -> Iterator[Joules]:
        last = {zone: microjoules(zone) for zone in zones}
        total = 0.0

        def joules() -> float:
            nonlocal total
            for zone in zones:
                now = microjoules(zone)
                # It begins again after 262 kJ or so, ten minutes at 400 W.
                again = (read_number(zone / "max_energy_range_uj") or 0) if now < last[zone] else 0
                total += now - last[zone] + again
                last[zone] = now
            return total / 1e6

        yield joules

    return Meter(name, counter)


@contextmanager
def summed_up(name: str, watts: Callable[[], float]) -> Iterator[Joules]:
    """Read a power every `INTERVAL` seconds in a thread, and sum it up. Every reading holds until the next.

    Args:
        name: What is read, for errors.
        watts: Reads the power.

    Yields:
        A function that gives the energy since the beginning. It raises MdhrError once the power cannot be read.
    """
    stopped, lock = threading.Event(), threading.Lock()
    total, power, moment = 0.0, _read(name, watts), time.perf_counter()
    failure: MdhrError | None = None

    def joules() -> float:
        with lock:
            if failure is not None:
                raise failure
            return total + power * (time.perf_counter() - moment)

    def follow() -> None:
        nonlocal total, power, moment, failure
        while not stopped.wait(INTERVAL):
            try:
                reading = _read(name, watts)
            except MdhrError as error:
                failure = error
                return
            with lock:
                now = time.perf_counter()
                total, power, moment = total + power * (now - moment), reading, now

    thread = threading.Thread(target=follow, name="mdhr-power", daemon=True)
    thread.start()
    try:
        yield joules
    finally:
        stopped.set()
        thread.join()


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))


def _read(name: str, read: Callable[[], float]) -> float:
    try:
        return read()
    except Exception as error:  # files raise OSError and ValueError, NVML's functions errors of its own
        raise _unread(name, str(error)) from error


def _unread(name: str, why: str) -> MdhrError:
    return MdhrError(f"{name} cannot be read.", why, "Measure without it, or look for what keeps it from being read.")
