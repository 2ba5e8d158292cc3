"""Interfaces of execution backends: graphs, memory where they run, and what loads them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..bundle import EXPORT_AGAIN, Bundle
from ..contract import DETECTOR, EMBEDDER
from ..errors import BundleError

DEVICE_NUMBER = 0
"""The GPU that is used: the first that the process sees. `CUDA_VISIBLE_DEVICES` chooses another."""

PRECISIONS = ("float32", "float16", "bfloat16")
"""Types that a model may be computed in, the most exact first."""

HOST = "cpu"
"""Name of the host's memory as a device."""

SMALL_GRAPHS = (*DETECTOR, EMBEDDER)
"""Graphs whose runs take one thread each on the CPU: they are too small for several, and run beside the model, which
waits for the core that is late."""


@dataclass(frozen=True, eq=False)
class TensorView:
    """Some consecutive rows of a `Buffer`, seen as a tensor.

    Attributes:
        buffer: Where they are; keeps the memory alive.
        pointer: Address of the first element, on the buffer's device.
        shape: The tensor's shape.
    """

    buffer: Buffer
    pointer: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return prod(self.shape) * np.dtype(self.buffer.dtype).itemsize


@dataclass(frozen=True, eq=False)
class Buffer:
    """Memory for tensors on the device that runs a graph, allocated once and used again and again.

    Attributes:
        memory: The backend's object that owns it.
        pointer: Its address on the device.
        device: The backend's name of the device.
        rows: Number of rows.
        row: Shape of a row.
        dtype: NumPy's name of the element type.
    """

    memory: Any
    pointer: int
    device: str
    rows: int
    row: tuple[int, ...]
    dtype: str

    def view(self, first: int, *counts: int) -> TensorView:
        """See consecutive rows as a tensor, without copying.

        Args:
            first: The first row.
            counts: Sizes of the leading dimensions that the rows are arranged in: 6 rows as (6,) or (2, 3).

        Returns:
            A tensor of the shape (*counts, *row).

        Raises:
            IndexError: The buffer does not have these rows.
        """
        if first < 0 or first + prod(counts) > self.rows:
            raise IndexError(f"rows {first} and {counts} on of {self.rows}")
        return TensorView(self, self.pointer + first * self.row_size, (*counts, *self.row))

    @cached_property
    def row_size(self) -> int:
        """Bytes of a row."""
        return prod(self.row) * np.dtype(self.dtype).itemsize


def allocate_on_host(rows: int, row: Sequence[int], dtype: str, *, zeros: bool = False) -> Buffer:
    """Allocate memory of the host; see `DeviceGraph.allocate`."""
    # The system hands out pages when they are touched first: rows that are never used cost nothing.
    array = (np.zeros if zeros else np.empty)((rows, *row), dtype)
    return Buffer(array, array.ctypes.data, HOST, rows, tuple(row), dtype)


Tensors = Mapping[str, np.ndarray | TensorView]
"""Tensors by name: views of memory where a graph runs, or arrays of the host."""


class Graph(Protocol):
    """A loaded computation graph, from arrays to arrays. Safe to call from several threads."""

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the graph.

        Args:
            inputs: One array per input, by name, with the shapes and dtypes that the manifest states.

        Returns:
            One array per output, by name.
        """
        ...


class DeviceGraph(Graph, Protocol):
    """A graph that also runs from memory to memory of its device, so that nothing crosses to the host and back."""

    @property
    def limits(self) -> Mapping[str, int]:
        """The largest sizes that its dynamic dimensions may have, by the manifest's names of them.

        A name that is missing has no limit.
        """
        ...

    def allocate(self, rows: int, row: Sequence[int], dtype: str, *, zeros: bool = False) -> Buffer:
        """Allocate memory where the graph runs.

        Args:
            rows: Number of rows.
            row: Shape of a row.
            dtype: NumPy's name of the element type.
            zeros: Whether it holds zeros; else, anything.
        """
        ...

    def run(self, inputs: Tensors, outputs: Tensors) -> None:
        """Run the graph from memory to memory.

        Views stay where the graph runs. Arrays are the host's, contiguous, and copied if the graph runs elsewhere.

        Args:
            inputs: Where every input is, by name.
            outputs: Where every output is written, by name. No output may overlap an input.
        """
        ...

    def wait(self) -> None:
        """Wait until all runs are done. Those whose outputs stay on a device may not be when `run` returns."""
        ...


class Backend(Protocol):
    """A provider, opened for the graphs of one bundle."""

    @property
    def provider(self) -> str:
        """Name of the provider."""
        ...

    @property
    def precision(self) -> str:
        """What the model is computed in: one of `PRECISIONS`."""
        ...

    @property
    def reason(self) -> str:
        """Its versions and why it was chosen, for one line."""
        ...

    def load(self, name: str) -> DeviceGraph:
        """Load a graph by its name.

        Raises:
            BundleError: The bundle has no such graph, or its file is refused.
            ProviderError: The provider does not start.
        """
        ...


@dataclass(frozen=True)
class Provider:
    """A way to run graphs that a user can choose by its name.

    Attributes:
        name: Its name.
        open: Opens it for a bundle. Takes its name, the bundle, the number of threads, the precision, and why it was
            chosen. Raises ProviderError where it cannot be used.
        precisions: What it can compute a bundle's model in here, its default first. Takes its name and the bundle.
            Raises ProviderError where it is not installed, or has nothing to compute.
        load_file: Loads an ONNX file that no bundle holds, with as many threads as `thread_count` says. Takes the path,
            the provider's name and the precision. None where it takes none.
        on_gpu: Whether graphs run on a GPU.
        needs_engines: Whether it runs a bundle's engines instead of its ONNX graphs.
        if_asked_for: Whether it is never chosen unasked.
    """

    name: str
    open: Callable[[str, Bundle, int, str, str], Backend]
    precisions: Callable[[str, Bundle], Sequence[str]]
    load_file: Callable[[Path, str, str], DeviceGraph] | None = None
    on_gpu: bool = False
    needs_engines: bool = False
    if_asked_for: bool = False


def refuse_if_other(path: Path, different: Collection[str]) -> None:
    """Refuse a graph's file if there are inputs or outputs that its manifest describes otherwise.

    Raises:
        BundleError: There are such.
    """
    if different:
        raise BundleError(
            f"{path} is not the graph that its manifest describes.",
            f"They differ in the type or shape of {', '.join(sorted(different))}.",
            EXPORT_AGAIN,
        )


def thread_words(threads: int) -> str:
    """What a backend's reason says of the threads that a graph takes."""
    return f", {threads} thread{'' if threads == 1 else 's'}"
