"""Execution with OpenVINO on the CPU, x86 or Arm. It is imported at first use."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..bundle import Bundle, TensorRecord
from ..errors import BundleError, ProviderError, not_imported
from ..threads import thread_count
from .base import SMALL_GRAPHS, Buffer, Tensors, TensorView, allocate_on_host, refuse_if_other, thread_words
from .openvino_forms import patches_as_rows

CPU = "CPU"  # OpenVINO's name of it

OLDEST = (2025, 0)
"""Oldest version that was tried."""

TELEMETRY = "openvino_telemetry"
"""Module through which OpenVINO reports."""


class OpenVinoGraph:
    """A graph that OpenVINO has compiled; see `DeviceGraph`.

    Its dimensions stay dynamic: compiled for one size, the model's graphs are 2 to 3.5 % faster, and need as much
    memory again for every size.

    Args:
        compile_graph: Gives OpenVINO's compiled model.
        side_by_side: Whether runs that overlap do not wait for each other: each is given a compiled model of its own
            then, which OpenVINO lets run one at a time.
    """

    def __init__(self, compile_graph: Callable[[], Any], side_by_side: bool = False) -> None:
        self._compiled = compile_graph()
        self._outputs = {output.any_name: output for output in self._compiled.outputs}
        self._another = compile_graph if side_by_side else lambda: self._compiled
        # A request serves one run at a time, so there are as many as runs have overlapped.
        self._idle = [self._compiled.create_infer_request()]

    def differences(self, stated: Mapping[str, TensorRecord]) -> set[str]:
        """Names of inputs and outputs that it or the manifest's record of it lacks, or on which they differ."""
        found = {each.any_name: each for each in (*self._compiled.inputs, *self._compiled.outputs)}
        both = found.keys() & stated.keys()
        return (found.keys() ^ stated.keys()) | {name for name in both if not _agree(found[name], stated[name])}

    @property
    def limits(self) -> Mapping[str, int]:
        """Nothing: its dimensions may be as large as memory allows."""
        return {}

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the graph."""
        outputs = {name: self._unallocated(name) for name in self._outputs}
        self._infer({name: _shared(np.ascontiguousarray(array)) for name, array in inputs.items()} | outputs)
        return {name: np.array(tensor.data) for name, tensor in outputs.items()}

    def allocate(self, rows: int, row: Sequence[int], dtype: str, *, zeros: bool = False) -> Buffer:
        """Allocate memory of the host."""
        return allocate_on_host(rows, row, dtype, zeros=zeros)

    def run(self, inputs: Tensors, outputs: Tensors) -> None:
        """Run the graph from memory to memory."""
        # A request remembers its tensors: one that is not given anew would be the memory of the run before.
        forgotten = {name: self._unallocated(name) for name in self._outputs if name not in outputs}
        self._infer({name: _shared(_array(tensor)) for name, tensor in {**inputs, **outputs}.items()} | forgotten)

    def wait(self) -> None:
        """Return: runs are done when they return."""

    def _unallocated(self, name: str) -> Any:
        """A tensor that OpenVINO allocates when it writes an output."""
        output = self._outputs[name]
        return openvino_module().Tensor(output.element_type, [0] * len(output.partial_shape))

    def _infer(self, tensors: Mapping[str, Any]) -> None:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._another().create_infer_request()
        for name, tensor in tensors.items():
            request.set_tensor(name, tensor)
        request.infer()
        self._idle.append(request)


def _agree(found: Any, stated: TensorRecord) -> bool:
    """Whether an input or output is as stated, as far as can be told.

    OpenVINO forgets the names of dynamic dimensions, and of a size that is computed may know only its bounds.
    """
    shape = found.partial_shape
    return (found.element_type.to_dtype(), len(shape)) == (np.dtype(stated.dtype), len(stated.shape)) and all(
        one.is_dynamic if isinstance(size, str) else one.min_length <= size <= one.max_length
        for one, size in zip(shape, stated.shape, strict=True)
    )


def _array(tensor: np.ndarray | TensorView) -> np.ndarray:
    """A tensor as an array on the same memory."""
    if isinstance(tensor, TensorView):
        buffer = tensor.buffer
        first = (tensor.pointer - buffer.pointer) // buffer.row_size
        rows: np.ndarray = buffer.memory[first : first + tensor.size // buffer.row_size]
        return rows.reshape(tensor.shape)
    if not tensor.flags.c_contiguous:
        raise ValueError("an array that is bound must be contiguous")
    return tensor


def _shared(array: np.ndarray) -> Any:
    """A tensor of OpenVINO's on an array's memory; if that is read-only, which OpenVINO refuses, on a copy of it."""
    return openvino_module().Tensor(array, shared_memory=array.flags.writeable)


class OpenVinoBackend:
    """A bundle's ONNX graphs in OpenVINO; see `Backend`.

    Args:
        provider: "openvino".
        bundle: The bundle.
        threads: Threads that a graph takes. The small ones take one, that of who runs them.
        why: Why it was chosen.

    Raises:
        ProviderError: OpenVINO is not installed or too old, or does not run on this processor.
    """

    def __init__(self, provider: str, bundle: Bundle, threads: int, why: str) -> None:
        start()
        precision = {"float16": "float16 computed in float32"}.get(bundle.manifest.precision, "float32")
        self.provider = provider
        self.reason = f"OpenVINO {installed_version()}, {precision}{thread_words(threads)}; {why}"
        self._bundle = bundle
        self._threads = threads

    def load(self, name: str) -> OpenVinoGraph:
        """Load a graph by its name, and check that it is what the manifest says."""
        path, record = self._bundle.graph_path(name), self._bundle.manifest.graphs[name]
        graph = load_graph(path, 1, side_by_side=True) if name in SMALL_GRAPHS else load_graph(path, self._threads)
        refuse_if_other(path, graph.differences({**record.inputs, **record.outputs}))
        return graph


def load_graph(path: Path, threads: int | None = None, side_by_side: bool = False) -> OpenVinoGraph:
    """Load an ONNX file.

    Args:
        path: The file.
        threads: Threads that a run takes; None as for `thread_count`.
        side_by_side: As for `OpenVinoGraph`.

    Raises:
        ConfigError: MDHR_THREADS is no number of threads.
        ProviderError: OpenVINO is not installed or too old, or does not run on this processor.
        BundleError: OpenVINO refuses the file.
    """
    core = start()
    options = {
        # Left to itself it computes with less on processors that can: bfloat16 on some of x86, float16 on Arm.
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": thread_count(threads),
        # A thread that is tied to a core waits for it while another program has it, though another core is free.
        "ENABLE_CPU_PINNING": False,
    }
    try:
        # `Core.read_model` tries a file as the formats of other frameworks too.
        onnx = openvino_module().frontend.FrontEndManager().load_by_framework("onnx")
        model = patches_as_rows(onnx.convert(onnx.load(path)))
        return OpenVinoGraph(lambda: core.compile_model(model, CPU, options), side_by_side)
    except Exception as error:  # RuntimeError, or what the binding makes of C++'s others
        raise BundleError(
            f"OpenVINO refuses {path}.",
            str(error).strip().splitlines()[-1].lstrip("- "),
            f"The graph may be newer than this OpenVINO ({installed_version()}): upgrade it, export again, or choose "
            "another --provider.",
        ) from error


@cache
def start() -> Any:
    """Start OpenVINO, once; returns its Core.

    Raises:
        ProviderError: It is not installed, too old, or does not run on this processor.
    """
    version = installed_version()
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST:
        raise ProviderError(
            f"OpenVINO {version} is too old.",
            f"Bundles run in OpenVINO {'.'.join(map(str, OLDEST))} and later.",
            "Run `pip install --upgrade 'mdhr-edge[openvino]'`.",
        )
    core = openvino_module().Core()
    if CPU not in core.available_devices:
        raise ProviderError(
            f"OpenVINO {version} does not run on this processor.",
            f"It finds {', '.join(core.available_devices) or 'no device'} here, and no {CPU}.",
            "Choose --provider cpu.",
        )
    return core


def installed_version() -> str:
    """OpenVINO's version, such as "2026.4.1"."""
    # Before 2023 the module was an empty package around the one that has it.
    return str(getattr(openvino_module(), "__version__", "2022")).partition("-")[0]


@cache
def openvino_module() -> Any:
    """OpenVINO, imported at first use, as if what it reports with was not installed.

    Otherwise it writes an identifier of the machine to ~/intel when it is imported, and tells Google Analytics, from a
    forked process, that it was. No variable of the environment keeps it from that but one that says that this is CI.

    Raises:
        ProviderError: It is not installed.
    """
    modules: dict[str, Any] = sys.modules
    kept = {TELEMETRY: modules[TELEMETRY]} if TELEMETRY in modules else {}
    modules[TELEMETRY] = None
    try:
        import openvino
    except ImportError as error:
        raise ProviderError(*not_imported("OpenVINO", error, "Run `pip install 'mdhr-edge[openvino]'`.")) from error
    finally:
        del modules[TELEMETRY]
        modules.update(kept)
    return openvino
