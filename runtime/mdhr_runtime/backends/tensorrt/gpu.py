"""Which GPU is here: asked from the driver alone, before any library of CUDA is needed."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

DRIVER = "libcuda.so.1"

# CUdevice_attribute of cuda.h.
MULTIPROCESSORS, CAPABILITY_MAJOR, CAPABILITY_MINOR = 16, 75, 76


@dataclass(frozen=True)
class Gpu:
    """The first NVIDIA GPU that the process may use.

    Attributes:
        name: The driver's name of it, such as "NVIDIA A100-SXM4-80GB" or "Orin".
        compute_capability: Such as "8.0".
        multiprocessors: How many it has. All Jetson Orins share the first two, and differ in this.
    """

    name: str
    compute_capability: str
    multiprocessors: int

    def __str__(self) -> str:
        return f"{self.name} ({self.multiprocessors} multiprocessors, compute capability {self.compute_capability})"


def find_gpu() -> Gpu | None:
    """Ask the driver for the first GPU; None without a driver or a GPU. `CUDA_VISIBLE_DEVICES` is heeded."""
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return None
    device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0):
        return None
    if driver.cuDeviceGetName(name, len(name), device):
        return None
    wanted = (MULTIPROCESSORS, CAPABILITY_MAJOR, CAPABILITY_MINOR)
    multiprocessors, major, minor = (_attribute(driver, device, which) for which in wanted)
    return Gpu(name.value.decode(errors="replace"), f"{major}.{minor}", multiprocessors)


def _attribute(driver: ctypes.CDLL, device: ctypes.c_int, which: int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), which, device)
    return value.value
