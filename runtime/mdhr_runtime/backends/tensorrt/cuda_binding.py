"""The little of CUDA that running an engine needs: one interface for two bindings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ...errors import ProviderError


class CudaBinding(ABC):
    """The first GPU, through its primary context, with one stream.

    The primary context is the one that other libraries of the process use as well; it is retained, and current only
    inside `active()`, so that any thread may use the object. All work is queued on the stream in the order of the
    calls; `wait` waits for all of it.

    Everything but `active` is called with the context active. All methods raise ProviderError when CUDA fails: when
    the GPU has no memory left, or does not answer any more.
    """

    @property
    @abstractmethod
    def stream(self) -> int:
        """Handle of the stream."""

    @contextmanager
    @abstractmethod
    def active(self) -> Iterator[None]:
        """Make the context current in this thread."""

    @abstractmethod
    def allocate(self, size: int) -> int:
        """Allocate bytes on the GPU, aligned to 256; returns their address."""

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
    def wait(self) -> None:
        """Wait until all that was queued is done."""


def cuda_error(what: str, why: str) -> ProviderError:
    """A failure of CUDA in words.

    Args:
        what: What was being done.
        why: CUDA's own words.
    """
    if "out of memory" in why.lower() or "MEMORY" in why:
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
    """There is no GPU that could be opened."""
    return ProviderError(
        "No NVIDIA GPU can be used.",
        f"CUDA says: {why}",
        "Check the driver with nvidia-smi, and CUDA_VISIBLE_DEVICES. Without a GPU: --provider cpu.",
    )
