"""NVIDIA GPUs as the driver's management library (NVML) tells of them. Nothing is ever set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from mdhr_runtime.backends.tensorrt.installed import bus_address

SLOWED = {
    "nvmlClocksEventReasonSwPowerCap": "its power limit",
    "nvmlClocksEventReasonHwSlowdown": "a slowdown of the hardware",
    "nvmlClocksEventReasonSwThermalSlowdown": "its temperature",
    "nvmlClocksEventReasonHwThermalSlowdown": "its temperature",
    "nvmlClocksEventReasonHwPowerBrakeSlowdown": "the machine's power brake",
}
"""NVML's reasons for lower clocks that mean that a GPU cannot give what it could → what holds it down."""


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


@contextmanager
def open_device() -> Iterator[tuple[ModuleType, Any] | None]:
    """Open NVML for a block on the GPU that CUDA gives the process first.

    NVML counts all GPUs in the order of the bus and knows nothing of `CUDA_VISIBLE_DEVICES`, hence the detour by the
    address on the bus.

    Yields:
        The module `pynvml` and its handle of the GPU; None without one, and on Jetsons.
    """
    with open_nvml() as nvml:
        address = None if nvml is None else bus_address()
        handle = None if nvml is None or address is None else query(nvml.nvmlDeviceGetHandleByPciBusId, address)
        yield None if nvml is None or handle is None else (nvml, handle)


def query(function: Callable[..., Any], *arguments: Any) -> Any:
    """The answer of a function of NVML; None where this GPU or driver has none."""
    import pynvml

    try:
        return function(*arguments)
    except pynvml.NVMLError:
        return None


def device_memory(pid: int) -> tuple[int | None, int | None]:
    """Bytes that a process has on the GPU in use, and those that all programs have; None for what is not known."""
    with open_device() as device:
        if device is None:
            return None, None
        nvml, handle = device
        running = query(nvml.nvmlDeviceGetComputeRunningProcesses, handle) or []
        whole = query(nvml.nvmlDeviceGetMemoryInfo, handle)
    own = next((process.usedGpuMemory for process in running if process.pid == pid), None)
    return own, None if whole is None else whole.used


def gpu_troubles(own: set[int]) -> Iterator[str]:
    """Sentences about what holds the clocks of the GPU in use down, and about other programs that compute on it.

    Args:
        own: Ids of processes that are not others.
    """
    with open_device() as device:
        if device is None:
            return
        nvml, handle = device
        reasons = query(nvml.nvmlDeviceGetCurrentClocksEventReasons, handle)
        if reasons is None:
            # Drivers before 535 have the same by its old name.
            reasons = query(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle) or 0
        running = query(nvml.nvmlDeviceGetComputeRunningProcesses, handle) or []
        causes = dict.fromkeys(cause for name, cause in SLOWED.items() if reasons & getattr(nvml, name))
    if causes:
        yield f"The GPU's clocks are held down by {' and '.join(causes)}."
    if others := sorted({process.pid for process in running} - own):
        yield f"Other programs compute on the GPU: pid {', '.join(map(str, others))}."


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
        count = query(nvml.nvmlDeviceGetCount) or 0
        handles = ((index, query(nvml.nvmlDeviceGetHandleByIndex, index)) for index in range(count))
        return {str(index): _describe(nvml, handle) for index, handle in handles if handle is not None}


def _describe(nvml: ModuleType, handle: Any) -> dict[str, Any]:
    # The first version of this function answers without a driver of CUDA, too.
    cuda = query(nvml.nvmlSystemGetCudaDriverVersion_v2)
    memory = query(nvml.nvmlDeviceGetMemoryInfo, handle)
    limit = query(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    mig = query(nvml.nvmlDeviceGetMigMode, handle)
    return present(
        name=query(nvml.nvmlDeviceGetName, handle),
        driver=query(nvml.nvmlSystemGetDriverVersion),
        cuda=None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
        memory_bytes=None if memory is None else memory.total,
        sm_mhz=query(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM),
        sm_max_mhz=query(nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_SM),
        memory_mhz=query(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_MEM),
        memory_max_mhz=query(nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_MEM),
        power_limit_watts=None if limit is None else limit / 1000,
        persistence=_switch(query(nvml.nvmlDeviceGetPersistenceMode, handle)),
        mig=_switch(mig[0] if mig else None),
    )


def _switch(value: int | None) -> str | None:
    return None if value is None else ("off", "on")[bool(value)]


def present(**values: Any) -> dict[str, Any]:
    """Those of the values that are there: neither None nor empty."""
    return {name: value for name, value in values.items() if value not in (None, "", {})}
