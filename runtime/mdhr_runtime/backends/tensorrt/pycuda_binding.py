"""CUDA through PyCUDA."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pycuda.driver as cuda

from ..base import DEVICE_NUMBER
from .device import Device, cuda_error, no_gpu


class PyCuda(Device):
    """See `Device`. PyCUDA's own context management (`pycuda.autoinit`) is not used: it makes its own context.

    PyCUDA ties objects to the thread that made them unless their context is current; here it always is.

    Raises:
        ProviderError: There is no GPU.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            cuda.init()
            self._context = cuda.Device(DEVICE_NUMBER).retain_primary_context()
        except cuda.Error as error:
            raise no_gpu(str(error)) from error
        self._allocations: dict[int, cuda.DeviceAllocation] = {}
        with self.active():
            self._stream = cuda.Stream()

    @property
    def stream(self) -> int:
        """Handle of the stream."""
        return int(self._stream.handle)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make the context current in this thread."""
        with _explained("make its context current"):
            self._context.push()
        try:
            yield
        finally:
            cuda.Context.pop()

    def allocate(self, size: int) -> int:
        """Allocate bytes on the GPU."""
        with _explained(f"allocate {size} bytes"):
            allocation = cuda.mem_alloc(max(size, 1))
        self._allocations[int(allocation)] = allocation
        return int(allocation)

    def free(self, pointer: int) -> None:
        """Free what `allocate` gave."""
        with _explained("free memory"):
            self._allocations.pop(pointer).free()

    def pinned(self, size: int) -> np.ndarray:
        """Allocate pinned host memory."""
        with _explained(f"pin {size} bytes of host memory"):
            return np.asarray(cuda.pagelocked_empty(size, np.uint8))

    def to_device(self, pointer: int, host: np.ndarray) -> None:
        """Queue a copy to the GPU."""
        with _explained("copy from the host"):
            cuda.memcpy_htod_async(pointer, host, self._stream)

    def to_host(self, host: np.ndarray, pointer: int) -> None:
        """Queue a copy from the GPU."""
        with _explained("copy to the host"):
            cuda.memcpy_dtoh_async(host, pointer, self._stream)

    def on_device(self, to: int, pointer: int, size: int) -> None:
        """Queue a copy within the GPU."""
        with _explained("copy within its memory"):
            cuda.memcpy_dtod_async(to, pointer, size, self._stream)

    def zero(self, pointer: int, size: int) -> None:
        """Queue the filling with zeros."""
        with _explained("clear memory"):
            cuda.memset_d8_async(pointer, 0, size, self._stream)

    def synchronize(self) -> None:
        """Wait for the stream."""
        with _explained("finish its work"):
            self._stream.synchronize()


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except cuda.Error as error:
        raise cuda_error(what, str(error)) from error
