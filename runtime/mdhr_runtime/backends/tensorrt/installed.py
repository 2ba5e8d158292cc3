"""Requirements of engines on this machine: its GPU, and TensorRT or TensorRT-RTX, which share one Python API.

The GPU is asked from the driver alone, before any library of CUDA is needed.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol

from ...errors import ProviderError
from ..base import DEVICE_NUMBER

DRIVER = "libcuda.so.1"

# CUdevice_attribute of cuda.h.
MULTIPROCESSORS, CAPABILITY_MAJOR, CAPABILITY_MINOR = 16, 75, 76

TITLES = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT-RTX"}
"""Title of each flavour by its name, which is its Python module's too."""

OLDEST = {"tensorrt": (10, 0), "tensorrt_rtx": (1, 0)}
"""Oldest version of each flavour with strongly typed networks and tensors by name."""


RTX_CAPABILITIES = ("8.0", "8.6", "8.9")
RTX_CAPABILITIES_FROM = 12.0
"""Compute capabilities that TensorRT-RTX 1.7 supports, and from which on it supports all.

It said so itself when it refused an H100 (9.0), whatever its engines were built for. The engines are portable: compiled
for the GPU when they are loaded first.
"""


@dataclass(frozen=True)
class Gpu:
    """The first NVIDIA GPU that the process may use.

    Attributes:
        name: The driver's name of it, such as "NVIDIA A100-SXM4-80GB" or "Orin".
        compute_capability: Such as "8.0".
        multiprocessors: Number of them. All Jetson Orins share the first two, and differ in this.
    """

    name: str
    compute_capability: str
    multiprocessors: int

    def __str__(self) -> str:
        return f"{self.name} ({self.multiprocessors} multiprocessors, compute capability {self.compute_capability})"


def find_gpu() -> Gpu | None:
    """Ask the driver for the first GPU; None without a driver or a GPU. `CUDA_VISIBLE_DEVICES` is heeded."""
    found = _first_device()
    if found is None:
        return None
    driver, device = found
    name = ctypes.create_string_buffer(256)
    if driver.cuDeviceGetName(name, len(name), device):
        return None
    wanted = (MULTIPROCESSORS, CAPABILITY_MAJOR, CAPABILITY_MINOR)
    multiprocessors, major, minor = (_attribute(driver, device, which) for which in wanted)
    return Gpu(name.value.decode(errors="replace"), f"{major}.{minor}", multiprocessors)


def bus_address() -> bytes | None:
    """Address on the PCI bus of the GPU of `find_gpu`, such as b"0000:3b:00.0"; None without one."""
    found = _first_device()
    address = ctypes.create_string_buffer(32)
    if found is None or found[0].cuDeviceGetPCIBusId(address, len(address), found[1]):
        return None
    return address.value


def _first_device() -> tuple[ctypes.CDLL, ctypes.c_int] | None:
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return None
    device = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), DEVICE_NUMBER):
        return None
    return driver, device


def _attribute(driver: ctypes.CDLL, device: ctypes.c_int, which: int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), which, device)
    return value.value


@dataclass(frozen=True)
class Flavor:
    """A product that is installed.

    Attributes:
        name: Key of `TITLES`.
        version: Its version.
        module: Its Python API.
    """

    name: str
    version: str
    module: ModuleType

    def __str__(self) -> str:
        return f"{TITLES[self.name]} {self.version}"

    def supports(self, gpu: Gpu) -> bool:
        """Whether it runs engines on a GPU. TensorRT does wherever it builds them, TensorRT-RTX on some."""
        capability = gpu.compute_capability
        return (
            self.name != "tensorrt_rtx" or capability in RTX_CAPABILITIES or float(capability) >= RTX_CAPABILITIES_FROM
        )


def load_flavor(name: str) -> Flavor:
    """Import a product.

    Args:
        name: Key of `TITLES`.

    Raises:
        ProviderError: It is not installed, its libraries are missing, or it is too old.
    """
    try:
        module = import_module(name)
    except (ImportError, OSError) as error:
        raise ProviderError(
            f"{TITLES[name]} is not installed.",
            f"Python cannot import {name}: {error}",
            "On a server: `pip install 'mdhr-edge[tensorrt]'`. On a Jetson the system's package is used; "
            "see docs/jetson.md.",
        ) from error
    flavor = Flavor(name, module.__version__, module)
    if tuple(map(int, flavor.version.split(".")[:2])) < OLDEST[name]:
        raise ProviderError(
            f"{flavor} is too old.",
            "Its networks are not strongly typed, so the types of the bundle's graphs would not be kept.",
            f"Install {TITLES[name]} {'.'.join(map(str, OLDEST[name]))} or later. On a Jetson that is JetPack 6.1 or "
            "later: JetPack 6.0 has TensorRT 8.6.",
        )
    return flavor


def installed_flavors() -> list[Flavor]:
    """All products that can be used."""
    found = []
    for name in TITLES:
        try:
            found.append(load_flavor(name))
        except ProviderError:
            continue
    return found


MOST_ERRORS = 3
"""Errors that a logger keeps."""

OUT_OF_MEMORY = re.compile(r"out[ _]?of[ _]?memory|memory[ _]?allocation|enough (\w+ )?memory|bad_alloc", re.IGNORECASE)


def ran_out_of_memory(error: str) -> bool:
    """Whether an error of CUDA or TensorRT says that memory ran out, and not, say, that an access to it was illegal."""
    return OUT_OF_MEMORY.search(error) is not None


class ErrorLogger(Protocol):
    """A logger of TensorRT that keeps errors instead of printing them. It outlives whatever was made with it."""

    def errors(self) -> str:
        """The newest errors, in the order in which they came, or "nothing"."""
        ...


@contextmanager
def no_collection() -> Iterator[None]:
    """Let Python collect no garbage meanwhile; around all that makes objects of TensorRT.

    TensorRT calls its logger while it holds a lock that the end of its objects takes as well. If Python came to collect
    one of those within that call, it would wait for ever.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def make_logger(flavor: Flavor) -> Any:
    """Make an `ErrorLogger` that is also the `ILogger` that the flavour's functions take."""
    interface: Any = flavor.module.ILogger

    class Logger(interface):  # type: ignore[misc]  # the base class is only known at run time
        def __init__(self) -> None:
            super().__init__()
            # One failure is told several times, from its cause to what it made impossible.
            self._errors: deque[str] = deque(maxlen=MOST_ERRORS)

        def log(self, severity: Any, message: str) -> None:
            logging.getLogger("tensorrt").debug(message)
            if severity in (interface.ERROR, interface.INTERNAL_ERROR) and message.strip() not in self._errors:
                self._errors.append(message.strip())

        def errors(self) -> str:
            return "; ".join(self._errors) or "nothing"

    return Logger()
