"""A GPU as the graphs of one model share it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import numpy as np

from ...errors import ProviderError
from .cuda_binding import CudaBinding

ALIGNMENT = 256
"""Bytes to which TensorRT wants the addresses of tensors aligned."""


class Device:
    """One stream of one GPU, for one thread at a time.

    What the graphs of a pipeline queue here is done in order, so that one may read what another writes without waiting.

    Args:
        binding: How it is reached.

    Attributes:
        waits: How often the stream has been waited for.
    """

    def __init__(self, binding: CudaBinding) -> None:
        self._binding = binding
        self._lock = RLock()
        self.waits = 0

    @contextmanager
    def use(self) -> Iterator[CudaBinding]:
        """Have the GPU for this thread alone."""
        with self._lock, self._binding.active():
            yield self._binding

    def wait(self) -> None:
        """Wait until all that was queued is done."""
        self._binding.wait()
        self.waits += 1

    def release(self, pointer: int) -> None:
        """Free memory; a GPU that is gone has none to free."""
        try:
            with self.use() as binding:
                binding.free(pointer)
        except ProviderError:
            pass


class DeviceMemory:
    """Bytes on the GPU, freed when nobody refers to the object any more.

    Args:
        device: Where.
        size: Bytes.

    Attributes:
        pointer: Their address.
        size: Bytes.

    Raises:
        ProviderError: The GPU has no memory left.
    """

    def __init__(self, device: Device, size: int) -> None:
        with device.use() as binding:
            self.pointer = binding.allocate(size)
        self.size = size
        weakref.finalize(self, device.release, self.pointer)


class Staging:
    """Memory of one input or output on both sides, for tensors that are not where the engine can use them.

    Args:
        device: The GPU.

    Attributes:
        pointer: Address on the GPU.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._memory: DeviceMemory | None = None
        self._host = np.empty(0, np.uint8)
        self._queued_at = -1

    @property
    def pointer(self) -> int:
        """Address on the GPU; of memory that `reserve` made."""
        assert self._memory is not None
        return self._memory.pointer

    def reserve(self, size: int) -> int:
        """Have at least so many bytes on the GPU; returns their address."""
        if self._memory is None or self._memory.size < size:
            self._device.wait()  # the old memory may be in use
            self._memory = DeviceMemory(self._device, size)
        return self._memory.pointer

    def upload(self, binding: CudaBinding, array: np.ndarray) -> int:
        """Queue a copy of a host array; returns the address that it will have."""
        if self._queued_at == self._device.waits:
            self._device.wait()  # the last array has perhaps not left yet
        self._pin(binding, array.nbytes)
        self._host[: array.nbytes] = np.frombuffer(array, np.uint8)
        pointer = self.reserve(array.nbytes)
        binding.to_device(pointer, self._host[: array.nbytes])
        self._queued_at = self._device.waits
        return pointer

    def download(self, binding: CudaBinding, size: int) -> np.ndarray:
        """Queue a copy of the first bytes to the host; returns where they will be after the next wait."""
        self._pin(binding, size)
        binding.to_host(self._host[:size], self.pointer)
        return self._host[:size]

    def _pin(self, binding: CudaBinding, size: int) -> None:
        if len(self._host) < size:
            self._host = binding.pinned(size)


def open_device() -> Device:
    """Open the GPU with the binding that is installed: PyCUDA, else cuda-python.

    Raises:
        ProviderError: Neither is installed, or there is no GPU.
    """
    reasons = []
    for open_binding in (_pycuda, _cuda_python):
        try:
            return Device(open_binding())
        except ImportError as error:
            reasons.append(str(error))
    raise ProviderError(
        "No CUDA binding for Python is installed.",
        "; ".join(reasons),
        "Run `pip install pycuda` where CUDA's headers are, or `pip install cuda-python`.",
    )


def _pycuda() -> CudaBinding:
    from .pycuda_binding import PyCuda

    return PyCuda()


def _cuda_python() -> CudaBinding:
    from .cuda_python_binding import CudaPython

    return CudaPython()
