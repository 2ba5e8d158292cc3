"""Meters of energy that this machine has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from mdhr_bench.results import Missing
from mdhr_runtime.errors import MdhrError

from .meter import Meter
from .nvml import ask, device_in_use, open_nvml
from .rails import find_rails
from .rapl import find_rapl
from .sampling import polling


def find_meters(root: Path = Path("/")) -> tuple[list[Meter], list[Missing]]:
    """Find what measures energy here.

    Args:
        root: Folder of /sys.

    Returns:
        The meters that work, and what cannot be measured and why. Never both empty.
    """
    found = [each for each in (find_gpu_meter(), find_rails(root), find_rapl(root)) if each is not None]
    meters = [each for each in found if isinstance(each, Meter)]
    missing = [each for each in found if isinstance(each, Missing)]
    if not found:
        why = "This machine shows no meter: no NVIDIA GPU (NVML), no Jetson (INA3221, tegrastats), no RAPL."
        missing = [Missing("energy", why)]
    return meters, missing


def find_gpu_meter() -> Meter | Missing | None:
    """The meter of the GPU in use, its memory included; None without an NVIDIA GPU, and on Jetsons."""
    with open_nvml() as nvml:
        handle = None if nvml is None else device_in_use(nvml)
        if nvml is None or handle is None:
            return None
        name = f"NVML, {ask(nvml.nvmlDeviceGetName, handle)}"
        if ask(nvml.nvmlDeviceGetTotalEnergyConsumption, handle) is not None:
            return Meter(name, lambda: _counting(name))
        if ask(nvml.nvmlDeviceGetPowerUsage, handle) is not None:
            return Meter(name, lambda: _sampling(name))
        return Missing("energy of the GPU", f"{name}: the driver tells neither energy nor power of it.")


@contextmanager
def _counting(name: str) -> Iterator[Callable[[], float]]:
    """By the GPU's counter of millijoules, which GPUs have since Volta."""
    with _device(name) as (nvml, handle):
        yield lambda: _told(name, nvml.nvmlDeviceGetTotalEnergyConsumption, handle) / 1000


@contextmanager
def _sampling(name: str) -> Iterator[Callable[[], float]]:
    """By the GPU's power in milliwatts, for those without a counter."""
    with (
        _device(name) as (nvml, handle),
        polling(name, lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000) as joules,
    ):
        yield joules


@contextmanager
def _device(name: str) -> Iterator[tuple[ModuleType, Any]]:
    with open_nvml() as nvml:
        handle = None if nvml is None else device_in_use(nvml)
        if nvml is None or handle is None:
            raise _lost(name)
        yield nvml, handle


def _told(name: str, function: Callable[..., Any], handle: Any) -> int:
    value = ask(function, handle)
    if value is None:
        raise _lost(name)
    return value


def _lost(name: str) -> MdhrError:
    return MdhrError(
        f"{name} can no longer be read.", "NVIDIA's driver no longer answers.", "Look at `nvidia-smi`, and run again."
    )
