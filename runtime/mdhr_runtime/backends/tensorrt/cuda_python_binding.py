"""CUDA through NVIDIA's cuda-python, for machines where PyCUDA cannot be compiled."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from cuda.bindings import driver

from ..base import DEVICE_NUMBER
from .device import Device, cuda_error, no_gpu

MEMHOSTALLOC_PORTABLE = 1  # of cuda.h


class CudaPython(Device):
    """See `Device`.

    Raises:
        ProviderError: There is no GPU.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            error, *_ = driver.cuInit(0)
        except Exception as problem:  # the binding's own classes, which differ between its versions
            raise no_gpu(str(problem).splitlines()[0]) from problem
        if error != driver.CUresult.CUDA_SUCCESS:
            raise no_gpu(error.name)
        device = _do("open it", driver.cuDeviceGet, DEVICE_NUMBER)
        self._context = _do("retain its primary context", driver.cuDevicePrimaryCtxRetain, device)
        with self.active():
            non_blocking = driver.CUstream_flags.CU_STREAM_NON_BLOCKING
            self._stream = _do("make a stream", driver.cuStreamCreate, non_blocking)

    @property
    def stream(self) -> int:
        """Handle of the stream."""
        return int(self._stream)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make the context current in this thread."""
        _do("make its context current", driver.cuCtxPushCurrent, self._context)
        try:
            yield
        finally:
            driver.cuCtxPopCurrent()

    def allocate(self, size: int) -> int:
        """Allocate bytes on the GPU."""
        return int(_do(f"allocate {size} bytes", driver.cuMemAlloc, max(size, 1)))

    def free(self, pointer: int) -> None:
        """Free what `allocate` gave."""
        _do("free memory", driver.cuMemFree, pointer)

    def pinned(self, size: int) -> np.ndarray:
        """Allocate pinned host memory."""
        address = _do(f"pin {size} bytes of host memory", driver.cuMemHostAlloc, size, MEMHOSTALLOC_PORTABLE)
        return np.ctypeslib.as_array(ctypes.cast(int(address), ctypes.POINTER(ctypes.c_uint8)), (size,))

    def to_device(self, pointer: int, host: np.ndarray) -> None:
        """Queue a copy to the GPU."""
        _do("copy from the host", driver.cuMemcpyHtoDAsync, pointer, host.ctypes.data, host.nbytes, self._stream)

    def to_host(self, host: np.ndarray, pointer: int) -> None:
        """Queue a copy from the GPU."""
        _do("copy to the host", driver.cuMemcpyDtoHAsync, host.ctypes.data, pointer, host.nbytes, self._stream)

    def on_device(self, to: int, pointer: int, size: int) -> None:
        """Queue a copy within the GPU."""
        _do("copy within its memory", driver.cuMemcpyDtoDAsync, to, pointer, size, self._stream)

    def zero(self, pointer: int, size: int) -> None:
        """Queue the filling with zeros."""
        _do("clear memory", driver.cuMemsetD8Async, pointer, 0, size, self._stream)

    def synchronize(self) -> None:
        """Wait for the stream."""
        _do("finish its work", driver.cuStreamSynchronize, self._stream)


def _do(what: str, call: Any, *arguments: Any) -> Any:
    """Call the driver; return its only result, or None."""
    error, *results = call(*arguments)
    if error != driver.CUresult.CUDA_SUCCESS:
        _, text = driver.cuGetErrorString(error)
        raise cuda_error(what, f"{error.name} ({text.decode() if text else 'no explanation'})")
    return results[0] if results else None
