"""NVIDIA GPUs as the driver's management library (NVML) tells of them. Nothing is ever set."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from mdhr_runtime.backends.tensorrt.installed import DRIVER

from .system_files import present

BUS_ID = 32
"""Bytes for a PCI bus id: "0000:3b:00.0" and its end."""


@contextmanager
def open_nvml() -> Iterator[ModuleType | None]:
    """Open NVML for a block.

    Yields:
        The module `pynvml`, or None on a machine without NVIDIA's driver, or with one that does not answer.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def ask(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of NVML answers; None where this GPU or driver has no answer."""
    import pynvml

    try:
        return function(*arguments)
    except pynvml.NVMLError:
        return None


def device_in_use(nvml: ModuleType) -> Any:
    """NVML's handle of the GPU that CUDA gives the process first; None without one, and on Jetsons.

    NVML counts all GPUs in the order of the bus and knows nothing of `CUDA_VISIBLE_DEVICES`, hence the detour by the
    address on the bus.
    """
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return None
    device, address = ctypes.c_int(), ctypes.create_string_buffer(BUS_ID)
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0):
        return None
    if driver.cuDeviceGetPCIBusId(address, len(address), device):
        return None
    return ask(nvml.nvmlDeviceGetHandleByPciBusId, address.value)


def describe_gpus() -> dict[str, dict[str, Any]]:
    """All NVIDIA GPUs of the machine.

    Returns:
        NVML's number of a GPU → of these, what it tells: `name`, `driver`, `cuda` (the newest version that the driver
        supports), `memory_bytes`, `sm_mhz`, `sm_max_mhz`, `memory_mhz`, `memory_max_mhz`, `power_limit_watts`,
        `persistence` and `mig` ("on" or "off").
    """
    with open_nvml() as nvml:
        if nvml is None:
            return {}
        count = ask(nvml.nvmlDeviceGetCount) or 0
        handles = ((index, ask(nvml.nvmlDeviceGetHandleByIndex, index)) for index in range(count))
        return {str(index): _describe(nvml, handle) for index, handle in handles if handle is not None}


def _describe(nvml: ModuleType, handle: Any) -> dict[str, Any]:
    # The first version of this function answers without a driver of CUDA, too.
    cuda = ask(nvml.nvmlSystemGetCudaDriverVersion_v2)
    memory = ask(nvml.nvmlDeviceGetMemoryInfo, handle)
    limit = ask(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    return present(
        name=ask(nvml.nvmlDeviceGetName, handle),
        driver=ask(nvml.nvmlSystemGetDriverVersion),
        cuda=None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
        memory_bytes=None if memory is None else memory.total,
        sm_mhz=ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM),
        sm_max_mhz=ask(nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_SM),
        memory_mhz=ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_MEM),
        memory_max_mhz=ask(nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_MEM),
        power_limit_watts=None if limit is None else limit / 1000,
        persistence=_switch(ask(nvml.nvmlDeviceGetPersistenceMode, handle)),
        mig=_switch(_first(ask(nvml.nvmlDeviceGetMigMode, handle))),
    )


def _first(values: list[int] | None) -> int | None:
    return values[0] if values else None


def _switch(value: int | None) -> str | None:
    return None if value is None else ("off", "on")[bool(value)]
