"""Execution with ONNX Runtime, which is imported at first use."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..bundle import Bundle, TensorRecord
from ..errors import BundleError, ProviderError, not_imported
from ..threads import thread_count
from .base import (
    DEVICE_NUMBER,
    HOST,
    SMALL_GRAPHS,
    Buffer,
    Tensors,
    TensorView,
    allocate_on_host,
    refuse_if_other,
    thread_words,
)

CUDA = "cuda"  # ONNX Runtime's name of where tensors are; that of the host is HOST
ELEMENT_TYPES = {"tensor(float)": "float32", "tensor(double)": "float64"}
"""NumPy's names of ONNX Runtime's element types, where they are not between its brackets."""


class ExecutionProvider(NamedTuple):
    """ONNX Runtime's side of a provider.

    Attributes:
        name: ONNX Runtime's name of it.
        device: Where its tensors are.
        options: Its options for a graph's file.
        others: Keys of the providers that run the operations that it cannot.
    """

    name: str
    device: str
    options: Callable[[Path], dict[str, Any]] = lambda path: {}
    others: tuple[str, ...] = ()


def _exact_and_steady(path: Path) -> dict[str, Any]:
    return {
        # ONNX Runtime's default are products with TF32's ten bits of mantissa on GPUs that have it. On an H100 scores
        # were off by up to 1.5e-3; without it they are within 2.1e-6.
        "use_tf32": "0",
        # By default it tries all algorithms whenever the size of an input changes. On an H200 that took up to 1.3 s
        # each time, and ended the run where another thread used the GPU meanwhile.
        "cudnn_conv_algo_search": "DEFAULT",
    }


def _engine_cache(path: Path) -> dict[str, Any]:
    # It builds engines of its own when a graph is loaded; those of the last time are kept beside the bundle.
    return {"trt_engine_cache_enable": True, "trt_engine_cache_path": f"{path.parent}.ort-tensorrt"}


EXECUTION_PROVIDERS = {
    "cuda": ExecutionProvider("CUDAExecutionProvider", CUDA, _exact_and_steady),
    "ort-tensorrt": ExecutionProvider("TensorrtExecutionProvider", CUDA, _engine_cache, ("cuda",)),
    "cpu": ExecutionProvider("CPUExecutionProvider", HOST),
}
"""ONNX Runtime's providers by our names of them, the fastest first."""


class OrtGraph:
    """A graph in an ONNX Runtime session; see `DeviceGraph`.

    Args:
        session: ONNX Runtime's session.
        device: Where its tensors are.
    """

    def __init__(self, session: Any, device: str) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]
        self._device = device

    @property
    def tensors(self) -> dict[str, TensorRecord]:
        """Its inputs and outputs by name."""
        tensors = (*self._session.get_inputs(), *self._session.get_outputs())
        return {
            each.name: TensorRecord(ELEMENT_TYPES.get(each.type, each.type[7:-1]), tuple(each.shape))
            for each in tensors
        }

    @property
    def limits(self) -> Mapping[str, int]:
        """Nothing: its dimensions may be as large as memory allows."""
        return {}

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the graph."""
        return dict(zip(self._outputs, self._session.run(self._outputs, dict(inputs)), strict=True))

    def allocate(self, rows: int, row: Sequence[int], dtype: str, *, zeros: bool = False) -> Buffer:
        """Allocate memory where the graph runs."""
        if self._device == HOST:
            return allocate_on_host(rows, row, dtype, zeros=zeros)
        shape, values = (rows, *row), onnxruntime_module().OrtValue
        if zeros:
            memory = values.ortvalue_from_numpy(np.zeros(shape, dtype), self._device, DEVICE_NUMBER)
        else:
            memory = values.ortvalue_from_shape_and_type(shape, np.dtype(dtype), self._device, DEVICE_NUMBER)
        return Buffer(memory, memory.data_ptr(), self._device, rows, tuple(row), dtype)

    def run(self, inputs: Tensors, outputs: Tensors) -> None:
        """Run the graph from memory to memory."""
        binding = self._session.io_binding()
        for name, tensor in inputs.items():
            binding.bind_input(name, *_location(tensor))
        for name, tensor in outputs.items():
            binding.bind_output(name, *_location(tensor))
        self._session.run_with_iobinding(binding)

    def wait(self) -> None:
        """Return: ONNX Runtime's runs are done when they return."""


class OnnxBackend:
    """A bundle's ONNX graphs in ONNX Runtime; see `Backend`.

    Args:
        provider: Key of `EXECUTION_PROVIDERS`.
        bundle: The bundle.
        threads: Threads that a graph takes on the CPU. The small ones take one.
        precision: That of the bundle's graphs: ONNX Runtime computes as they say.
        why: Why it was chosen.

    Attributes:
        provider: Name of the provider.
        precision: What the model is computed in.
        reason: Its versions and why it was chosen, for one line.

    Raises:
        ProviderError: ONNX Runtime is not installed. The provider may yet fail to start, in `load`.
    """

    def __init__(self, provider: str, bundle: Bundle, threads: int, precision: str, why: str) -> None:
        self.provider, self.precision = provider, precision
        on_cpu = EXECUTION_PROVIDERS[provider].device == HOST
        where = thread_words(threads) if on_cpu else ""
        self.reason = f"ONNX Runtime {onnxruntime_module().__version__}, {precision}{where}; {why}"
        self._bundle = bundle
        self._threads = threads

    def load(self, name: str) -> OrtGraph:
        """Load a graph by its name, and check that it is what the manifest says."""
        path, record = self._bundle.graph_path(name), self._bundle.manifest.graphs[name]
        graph = load_graph(path, self.provider, 1 if name in SMALL_GRAPHS else self._threads)
        found, stated = graph.tensors, {**record.inputs, **record.outputs}
        refuse_if_other(path, {each for each in {**found, **stated} if found.get(each) != stated.get(each)})
        return graph


def check_installed(provider: str) -> None:
    """Make sure that ONNX Runtime has a provider.

    Args:
        provider: Key of `EXECUTION_PROVIDERS`.

    Raises:
        ProviderError: ONNX Runtime is not installed, or has no such provider.
    """
    ort = onnxruntime_module()
    available = ort.get_available_providers()
    installed = [ours for ours, theirs in EXECUTION_PROVIDERS.items() if theirs.name in available]
    if provider not in installed:
        raise ProviderError(
            f"The provider {provider!r} is not installed.",
            f"This ONNX Runtime ({ort.__version__}) offers {', '.join(installed)}.",
            f"For cuda and ort-tensorrt: {_install('gpu')} in place of the cpu extra. "
            f"Or choose --provider {installed[0]}.",
        )


def load_graph(path: Path, provider: str = "cpu", threads: int | None = None) -> OrtGraph:
    """Load an ONNX file.

    Args:
        path: The file.
        provider: Key of `EXECUTION_PROVIDERS`.
        threads: Threads that a run takes on the CPU; None as for `thread_count`.

    Raises:
        ConfigError: MDHR_THREADS is no number of threads.
        ProviderError: ONNX Runtime or the provider is not installed, or the provider does not start.
        BundleError: ONNX Runtime refuses the file.
    """
    check_installed(provider)
    ort = onnxruntime_module()
    theirs = EXECUTION_PROVIDERS[provider]
    if theirs.device == CUDA:
        _load_cuda_libraries(ort)
    options = session_options(threads)
    try:
        session = ort.InferenceSession(_as_ort_takes_it(path), options, providers=provider_options(provider, path))
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise BundleError(
            f"ONNX Runtime refuses {path}.",
            str(error).splitlines()[0],
            f"The graph may be newer than this ONNX Runtime ({ort.__version__}): upgrade it, or export again.",
        ) from error
    if theirs.name not in session.get_providers():
        # ONNX Runtime falls back to the CPU with no more than a log line; we do not.
        raise ProviderError(
            f"The provider {provider!r} does not start.",
            "ONNX Runtime fell back to the CPU: the driver, CUDA or cuDNN is missing or of another version.",
            f"Install what ONNX Runtime {ort.__version__} needs for {theirs.name}, or choose --provider cpu.",
        )
    return OrtGraph(session, theirs.device)


def _as_ort_takes_it(path: Path) -> str | bytes:
    """A file's name if it is text, as ONNX Runtime takes no other; else what is in the file."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        return path.read_bytes()
    return os.fspath(path)


def _load_cuda_libraries(ort: Any) -> None:
    """Load CUDA and cuDNN from pip's packages of them, where ONNX Runtime does not look by itself (1.21 and later)."""
    if hasattr(ort, "preload_dlls"):
        # It prints what it does not find. That matters only if the provider does not start, which is told.
        with redirect_stdout(StringIO()):
            ort.preload_dlls()


def provider_options(provider: str, path: Path) -> list[tuple[str, dict[str, Any]]]:
    """ONNX Runtime's providers of a session with their options, the one that is asked for first.

    Args:
        provider: Key of `EXECUTION_PROVIDERS`.
        path: The graph's file.
    """
    providers = [EXECUTION_PROVIDERS[name] for name in (provider, *EXECUTION_PROVIDERS[provider].others)]
    return [(each.name, each.options(path)) for each in providers]


def session_options(threads: int | None = None) -> Any:
    """ONNX Runtime's settings of a session.

    Args:
        threads: As for `load_graph`.

    Raises:
        ConfigError: MDHR_THREADS is no number of threads.
        ProviderError: ONNX Runtime is not installed.
    """
    options = onnxruntime_module().SessionOptions()
    # Errors only: what a user can do about a warning here, we say ourselves.
    options.log_severity_level = 1 if logging.getLogger("mdhr_runtime").isEnabledFor(logging.DEBUG) else 3
    # Left to itself, it takes a thread for each of the host's cores and ties it to that core, allowed or not.
    options.intra_op_num_threads = thread_count(threads)
    # Graphs take turns. Their threads wait for each other by spinning, which is fast; but once a run is over they must
    # sleep at once, as they would hold the cores that the next graph needs.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def _location(tensor: np.ndarray | TensorView) -> tuple[str, int, np.dtype, tuple[int, ...], int]:
    """Device, its number, element type, shape and address of a tensor."""
    if isinstance(tensor, TensorView):
        return tensor.buffer.device, DEVICE_NUMBER, np.dtype(tensor.buffer.dtype), tensor.shape, tensor.pointer
    if not tensor.flags.c_contiguous:
        raise ValueError("an array that is bound must be contiguous")
    return HOST, 0, tensor.dtype, tensor.shape, tensor.ctypes.data


def onnxruntime_module() -> Any:
    """ONNX Runtime, imported at first use.

    Raises:
        ProviderError: It is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ProviderError(
            *not_imported("ONNX Runtime", error, f"Run {_install('cpu')}; with [gpu] where there is an NVIDIA GPU.")
        ) from error
    return onnxruntime


def _install(extra: str) -> str:
    return f"`pip install 'mdhr-edge[{extra}]'`"
