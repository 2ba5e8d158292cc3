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

HINTS = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
"""OpenVINO's names of the precisions."""

CAPABILITIES = {"float16": "FP16", "bfloat16": "BF16"}
"""What a processor is said to be capable of that computes in them. In float32 all do."""

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
    def precision(self) -> str:
        """What OpenVINO computes it in: one of `HINTS`, or OpenVINO's name of another type."""
        hint = str(self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name())
        return {theirs: ours for ours, theirs in HINTS.items()}.get(hint, hint)

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
        precision: What the model is computed in. The small graphs are in float32: they say where faces are.
        why: Why it was chosen.

    Raises:
        ProviderError: OpenVINO is not installed or too old, or does not run on this processor.
    """

    def __init__(self, provider: str, bundle: Bundle, threads: int, precision: str, why: str) -> None:
        start()
        graphs = bundle.manifest.precision
        computed = precision if precision == graphs else f"{graphs} computed in {precision}"
        self.provider, self.precision = provider, precision
        self.reason = f"OpenVINO {installed_version()}, {computed}{thread_words(threads)}; {why}"
        self._bundle = bundle
        self._threads = threads

    def load(self, name: str) -> OpenVinoGraph:
        """Load a graph by its name, and check that it is what the manifest says."""
        path, record = self._bundle.graph_path(name), self._bundle.manifest.graphs[name]
        small = name in SMALL_GRAPHS
        graph = load_graph(path, 1, side_by_side=True) if small else load_graph(path, self._threads, self.precision)
        refuse_if_other(path, graph.differences({**record.inputs, **record.outputs}))
        return graph


def precisions() -> tuple[str, ...]:
    """What this processor computes graphs in, whatever type they have.

    Raises:
        ProviderError: OpenVINO is not installed or too old, or does not run on this processor.
    """
    capable = start().get_property(CPU, "OPTIMIZATION_CAPABILITIES")
    return ("float32", *(name for name, capability in CAPABILITIES.items() if capability in capable))


def load_graph(
    path: Path, threads: int | None = None, precision: str = "float32", *, side_by_side: bool = False
) -> OpenVinoGraph:
    """Load an ONNX file.

    Args:
        path: The file.
        threads: Threads that a run takes; None as for `thread_count`.
        precision: What it is computed in; inputs and outputs have the types of the file.
        side_by_side: As for `OpenVinoGraph`.

    Raises:
        ConfigError: MDHR_THREADS is no number of threads.
        ProviderError: OpenVINO is not installed or too old, or does not run on this processor, or this processor does
            not compute in that precision.
        BundleError: OpenVINO refuses the file.
    """
    core = start()
    options = {
        # Left to itself it computes with less on processors that can: bfloat16 on some of x86, float16 on Arm.
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": thread_count(threads),
        # A thread that is tied to a core waits for it while another program has it, though another core is free.
        "ENABLE_CPU_PINNING": False,
    }
    try:
        model = read_model(path)
        graph = OpenVinoGraph(lambda: core.compile_model(model, CPU, options), side_by_side)
    except Exception as error:  # RuntimeError, or what the binding makes of C++'s others
        raise BundleError(
            f"OpenVINO refuses {path}.",
            str(error).strip().splitlines()[-1].lstrip("- "),
            f"The graph may be newer than this OpenVINO ({installed_version()}): upgrade it, export again, or choose "
            "another --provider.",
        ) from error
    if graph.precision != precision:  # it takes another, where it has none for this processor, without a word
        raise ProviderError(
            f"OpenVINO {installed_version()} does not compute in {precision} here.",
            f"It takes {graph.precision} for it on this processor.",
            "Choose another --precision; auto takes the fastest that is right.",
        )
    return graph


def read_model(path: Path) -> Any:
    """Read an ONNX file as a model of OpenVINO's, in the form that is computed fastest."""
    # `Core.read_model` tries a file as the formats of other frameworks too.
    onnx = openvino_module().frontend.FrontEndManager().load_by_framework("onnx")
    return patches_as_rows(onnx.convert(onnx.load(path)))


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
