"""The GPU as the graphs of one model share it, and its memory."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import RLock

import numpy as np

from ...errors import ProviderError
from .installed import ran_out_of_memory

ALIGNMENT = 256
"""Bytes to which TensorRT wants the addresses of tensors aligned."""


class Device(ABC):
    """One stream of the first GPU, for one thread at a time: the little of CUDA that running an engine needs.

    All work is queued on the stream in the order of the calls, so that one graph may read what another writes without
    waiting; `wait` waits for all of it. The GPU is reached through its primary context, the one that other libraries of
    the process use as well; it is current only inside `use`.

    Everything but `use` and `release` is called inside `use`. All methods raise ProviderError when CUDA fails: when the
    GPU has no memory left, or does not answer any more.

    Attributes:
        waits: Number of waits so far.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self.waits = 0

    @contextmanager
    def use(self) -> Iterator[None]:
        """Have the GPU for this thread alone."""
        with self._lock, self.active():
            yield

    def wait(self) -> None:
        """Wait until all that was queued is done."""
        self.synchronize()
        self.waits += 1

    def release(self, pointer: int) -> None:
        """Free memory; a GPU that is gone has none to free."""
        try:
            with self.use():
                self.free(pointer)
        except ProviderError:
            pass

    @property
    @abstractmethod
    def stream(self) -> int:
        """Handle of the stream."""

    @abstractmethod
    def active(self) -> AbstractContextManager[None]:
        """Make the context current in this thread."""

    @abstractmethod
    def allocate(self, size: int) -> int:
        """Allocate bytes on the GPU, aligned to `ALIGNMENT`; returns their address."""

    @abstractmethod
    def free(self, pointer: int) -> None:
        """Free what `allocate` gave."""

    @abstractmethod
    def pinned(self, size: int) -> np.ndarray:
        """Allocate host memory that copies can run from and to on their own: uint8 (size,). Freed with the process."""

    @abstractmethod
    def to_device(self, pointer: int, host: np.ndarray) -> None:
        """Queue a copy of a whole pinned array to an address."""

    @abstractmethod
    def to_host(self, host: np.ndarray, pointer: int) -> None:
        """Queue a copy from an address that fills a pinned array."""

    @abstractmethod
    def on_device(self, to: int, pointer: int, size: int) -> None:
        """Queue a copy of bytes within the GPU."""

    @abstractmethod
    def zero(self, pointer: int, size: int) -> None:
        """Queue the filling of bytes with zeros."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait for the stream, uncounted; see `wait`."""


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
        with device.use():
            self.pointer = device.allocate(size)
        self.size = size
        weakref.finalize(self, device.release, self.pointer)


class Staging:
    """Memory of one input or output on both sides, for tensors that are not where the engine can use them.

    Args:
        device: The GPU.
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

    def upload(self, array: np.ndarray) -> int:
        """Queue a copy of a host array; returns the address that it will have."""
        if self._queued_at == self._device.waits:
            self._device.wait()  # the last array has perhaps not left yet
        self._pin(array.nbytes)
        self._host[: array.nbytes] = np.frombuffer(array, np.uint8)
        pointer = self.reserve(array.nbytes)
        self._device.to_device(pointer, self._host[: array.nbytes])
        self._queued_at = self._device.waits
        return pointer

    def download(self, size: int) -> np.ndarray:
        """Queue a copy of the first bytes to the host; returns where they will be after the next wait."""
        self._pin(size)
        self._device.to_host(self._host[:size], self.pointer)
        return self._host[:size]

    def _pin(self, size: int) -> None:
        if len(self._host) < size:
            self._host = self._device.pinned(size)


def cuda_error(what: str, why: str) -> ProviderError:
    """An error for a failure of CUDA.

    Args:
        what: The action that failed, to follow "to".
        why: CUDA's message.
    """
    if ran_out_of_memory(why):
        return ProviderError(
            f"The GPU has no memory left to {what}.",
            f"CUDA says: {why}",
            "End other programs on the GPU, analyse fewer sources at once, or build engines with a smaller --max-batch "
            "and --max-frames.",
        )
    return ProviderError(
        f"The GPU failed to {what}.",
        f"CUDA says: {why}. After some errors the GPU cannot be used any more by this process.",
        "Start the program again. If that fails too, look for Xid messages in `dmesg` and check the GPU with "
        "nvidia-smi (on a Jetson: tegrastats).",
    )


def no_gpu(why: str) -> ProviderError:
    """An error for a GPU that cannot be opened."""
    return ProviderError(
        "No NVIDIA GPU can be used.",
        f"CUDA says: {why}",
        "Check the driver with nvidia-smi, and CUDA_VISIBLE_DEVICES. Without a GPU: --provider cpu.",
    )
