"""A TensorRT engine as a `DeviceGraph`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...bundle import GraphRecord
from ...errors import FramesError, ProviderError
from ..base import Buffer, Tensors, TensorView
from .device import ALIGNMENT, Device, DeviceMemory, Staging
from .installed import ran_out_of_memory

Shapes = Mapping[str, tuple[int, ...]]


class EngineGraph:
    """A graph in a TensorRT engine; see `DeviceGraph`.

    Every optimisation profile of the engine has an execution context; the first one that takes the shapes is used.
    Views are handed to the engine by their addresses. Arrays, and views whose address the engine cannot use, go
    through memory of the graph's own. `run` returns when the host's outputs are there, and at once if it has none.

    Args:
        name: The graph's name.
        engine: TensorRT's engine.
        record: The graph's inputs and outputs.
        device: Where it runs.
        explain: Gives the error that TensorRT logged last.
        rebuild: The command that builds the bundle's engines.
    """

    def __init__(
        self,
        name: str,
        engine: Any,
        record: GraphRecord,
        device: Device,
        explain: Callable[[], str],
        rebuild: str,
    ) -> None:
        self._name = name
        self._engine = engine
        self._record = record
        self._device = device
        self._explain = explain
        self._rebuild = rebuild
        self._staging = {tensor: Staging(device) for tensor in (*record.inputs, *record.outputs)}
        self._contexts: dict[int, Any] = {}
        self._limits = self._largest()

    @property
    def limits(self) -> Mapping[str, int]:
        """The largest sizes that any profile takes."""
        return self._limits

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the graph."""
        contiguous = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        with self._device.use():
            context = self._shaped({name: array.shape for name, array in contiguous.items()})
            outputs = {
                name: np.empty(tuple(context.get_tensor_shape(name)), tensor.dtype)
                for name, tensor in self._record.outputs.items()
            }
            self.run(contiguous, outputs)
        return outputs

    def allocate(self, rows: int, row: Sequence[int], dtype: str, *, zeros: bool = False) -> Buffer:
        """Allocate memory on the GPU."""
        size = rows * int(np.prod(row)) * np.dtype(dtype).itemsize
        memory = DeviceMemory(self._device, size)
        if zeros:
            with self._device.use():
                self._device.zero(memory.pointer, size)
        return Buffer(memory, memory.pointer, "cuda", rows, tuple(row), dtype)

    def run(self, inputs: Tensors, outputs: Tensors) -> None:
        """Run the graph from memory to memory.

        Raises:
            FramesError: No profile of the engine takes shapes like these, or a type is wrong.
            ProviderError: The GPU has no memory left, or fails.
        """
        for name, tensor in inputs.items():
            self._check(name, tensor)
        with self._device.use():
            context = self._shaped({name: tensor.shape for name, tensor in inputs.items()})
            for name, tensor in inputs.items():
                context.set_tensor_address(name, self._bring(name, tensor))
            for name in self._record.outputs:
                context.set_tensor_address(name, self._place(name, outputs.get(name), context))
            if not context.execute_async_v3(self._device.stream):
                raise self._failure("run")
            self._fetch(outputs)

    def wait(self) -> None:
        """Wait until all runs are done, those of the other graphs on this GPU too."""
        with self._device.use():
            self._device.wait()

    def _bring(self, name: str, tensor: np.ndarray | TensorView) -> int:
        """Address at which the engine finds an input."""
        if isinstance(tensor, np.ndarray):
            return self._staging[name].upload(tensor)
        if tensor.pointer % ALIGNMENT == 0:
            return tensor.pointer
        pointer = self._staging[name].reserve(tensor.size)
        self._device.on_device(pointer, tensor.pointer, tensor.size)
        return pointer

    def _place(self, name: str, tensor: np.ndarray | TensorView | None, context: Any) -> int:
        """Address to which the engine writes an output."""
        if isinstance(tensor, TensorView) and tensor.pointer % ALIGNMENT == 0:
            return tensor.pointer
        elements = int(np.prod(tuple(context.get_tensor_shape(name))))
        return self._staging[name].reserve(elements * np.dtype(self._record.outputs[name].dtype).itemsize)

    def _fetch(self, outputs: Tensors) -> None:
        """Copy outputs to their memory, if the engine could not write them there."""
        arriving = []
        for name, tensor in outputs.items():
            if isinstance(tensor, np.ndarray):
                arriving.append((tensor, self._staging[name].download(tensor.nbytes)))
            elif tensor.pointer % ALIGNMENT:
                self._device.on_device(tensor.pointer, self._staging[name].pointer, tensor.size)
        if arriving:
            self._device.wait()
        for array, host in arriving:
            array.reshape(-1).view(np.uint8)[:] = host

    def _shaped(self, shapes: Shapes) -> Any:
        """The context of the first profile that takes these shapes, set to them."""
        context = self._context(self._profile_for(shapes))
        for name, shape in shapes.items():
            if not context.set_input_shape(name, shape):
                raise self._outside(shapes)
        return context

    def _profile_for(self, shapes: Shapes) -> int:
        for index in range(self._engine.num_optimization_profiles):
            if all(self._takes(index, name, shape) for name, shape in shapes.items()):
                return index
        raise self._outside(shapes)

    def _takes(self, profile: int, name: str, shape: tuple[int, ...]) -> bool:
        least, _, most = (tuple(bound) for bound in self._engine.get_tensor_profile_shape(name, profile))
        return len(shape) == len(most) and all(
            low <= size <= high for low, size, high in zip(least, shape, most, strict=True)
        )

    def _context(self, profile: int) -> Any:
        if profile not in self._contexts:
            context = self._engine.create_execution_context()
            with self._device.use():
                if context is None or not context.set_optimization_profile_async(profile, self._device.stream):
                    raise self._failure("start")
            self._device.wait()
            self._contexts[profile] = context
        return self._contexts[profile]

    def _largest(self) -> dict[str, int]:
        """The largest sizes of the dynamic dimensions, by their names."""
        limits: dict[str, int] = {}
        for name, tensor in self._record.inputs.items():
            for profile in range(self._engine.num_optimization_profiles):
                most = tuple(self._engine.get_tensor_profile_shape(name, profile)[2])
                for size, named in zip(most, tensor.shape, strict=True):
                    if isinstance(named, str):
                        limits[named] = max(limits.get(named, 0), size)
        return limits

    def _check(self, name: str, tensor: np.ndarray | TensorView) -> None:
        dtype = tensor.buffer.dtype if isinstance(tensor, TensorView) else tensor.dtype.name
        expected = self._record.inputs[name].dtype
        if dtype != expected:
            raise FramesError(
                f"The graph {self._name} does not take {dtype} for {name}.",
                f"Its input is {expected}.",
                "Convert the array; the bundle's manifest states every type.",
            )
        if isinstance(tensor, np.ndarray) and not tensor.flags.c_contiguous:
            raise ValueError("an array that is bound must be contiguous")

    def _outside(self, shapes: Shapes) -> FramesError:
        sizes = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        limits = ", ".join(f"up to {size} {name}" for name, size in self._limits.items())
        return FramesError(
            f"The engine of {self._name} does not take tensors of these sizes.",
            f"They are {sizes}; it was built for {limits}.",
            f"Give fewer at once, or build it for more: `{self._rebuild} --max-batch … --max-frames …`.",
        )

    def _failure(self, doing: str) -> ProviderError:
        return gpu_failure(
            f"{doing} {self._name}",
            f"The engine of {self._name} did not {doing}.",
            self._explain(),
            "Start the program again; if it fails again, check the GPU with nvidia-smi (on a Jetson: tegrastats).",
            self._rebuild,
        )


def gpu_failure(doing: str, what: str, logged: str, fix: str, rebuild: str) -> ProviderError:
    """An error for a failure of TensorRT on the GPU, with advice if memory ran out.

    Args:
        doing: The action that failed, to follow "to".
        what: The failure, as a sentence.
        logged: The errors that TensorRT logged.
        fix: Advice, unless memory ran out.
        rebuild: The command that builds the bundle's engines.
    """
    why = f"TensorRT says: {logged}"
    if ran_out_of_memory(logged):
        fix = f"End other programs on the GPU, or build smaller engines: `{rebuild} --max-batch 1`."
        return ProviderError(f"The GPU has no memory left to {doing}.", why, fix)
    return ProviderError(what, why, fix)
