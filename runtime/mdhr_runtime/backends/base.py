"""What every execution backend offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Region:
    """Some consecutive rows of a `Buffer`, seen as a tensor.

    Attributes:
        buffer: Where they lie; keeps the memory alive.
        pointer: Address of the first element, on the buffer's device.
        shape: The tensor's shape.
    """

    buffer: Buffer
    pointer: int
    shape: tuple[int, ...]


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

    def region(self, first: int, *counts: int) -> Region:
        """See consecutive rows as a tensor, without copying.

        Args:
            first: The first row.
            counts: Sizes of the leading dimensions that the rows are arranged in: 6 rows as (6,) or (2, 3).

        Returns:
            A tensor of the shape (*counts, *row).
        """
        if first < 0 or first + prod(counts) > self.rows:
            raise IndexError(f"rows {first} and {counts} on of {self.rows}")
        return Region(self, self.pointer + first * self.row_size, (*counts, *self.row))

    @cached_property
    def row_size(self) -> int:
        """Bytes of a row."""
        return prod(self.row) * np.dtype(self.dtype).itemsize


class Graph(Protocol):
    """A loaded computation graph. Safe to call from several threads.

    Attributes:
        limits: The largest sizes that its dynamic dimensions may have, by the manifest's names of them ("streams",
            "frames"); a name that is missing has no limit.
    """

    limits: Mapping[str, int]

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the graph.

        Args:
            inputs: One array per input, by name, with the shapes and dtypes that the manifest states.

        Returns:
            One array per output, by name.
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

    def run(self, inputs: Mapping[str, np.ndarray | Region], outputs: Mapping[str, np.ndarray | Region]) -> None:
        """Run the graph from memory to memory.

        Regions stay where the graph runs. Arrays are the host's, contiguous, and copied if the graph runs elsewhere.

        Args:
            inputs: Where every input is, by name.
            outputs: Where every output belongs, by name. No output may lie where an input does.
        """
        ...

    def wait(self) -> None:
        """Wait until all runs are done. Those whose outputs stay on a device may not be when `run` returns."""
        ...
