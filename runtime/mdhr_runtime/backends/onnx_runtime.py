"""Execution with ONNX Runtime, which is imported at first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import BundleError, ProviderError
from .base import Buffer, Region

PROVIDERS = {  # our name → ONNX Runtime's, fastest first
    "cuda": "CUDAExecutionProvider",
    "ort-tensorrt": "TensorrtExecutionProvider",
    "cpu": "CPUExecutionProvider",
}

SLOW_TO_START = {"ort-tensorrt"}
"""Providers that take minutes at their first start, and so are never chosen unasked."""

HOST = "cpu"
DEVICES = {
    "cuda": "cuda",
    "ort-tensorrt": "cuda",
    "cpu": HOST,
}  # our name of a provider → ONNX Runtime's of where its tensors lie


class OrtGraph:
    """A graph in an ONNX Runtime session; see `Graph`.

    Attributes:
        provider: Name of the provider that runs it.
        limits: Empty: its dimensions may be as large as memory allows.
    """

    def __init__(self, session: object, provider: str) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]
        self.provider = provider
        self.limits: dict[str, int] = {}

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the graph."""
        return dict(zip(self._outputs, self._session.run(self._outputs, dict(inputs)), strict=True))

    def allocate(self, rows: int, row: Sequence[int], dtype: str, *, zeros: bool = False) -> Buffer:
        """Allocate memory where the graph runs."""
        device = DEVICES[self.provider]
        shape = (rows, *row)
        if device == HOST:
            # The system hands out pages when they are touched first: rows that are never used cost nothing.
            memory = (np.zeros if zeros else np.empty)(shape, dtype)
            return Buffer(memory, memory.ctypes.data, device, rows, tuple(row), dtype)
        values = onnxruntime_module().OrtValue
        if zeros:
            memory = values.ortvalue_from_numpy(np.zeros(shape, dtype), device, 0)
        else:
            memory = values.ortvalue_from_shape_and_type(shape, np.dtype(dtype), device, 0)
        return Buffer(memory, memory.data_ptr(), device, rows, tuple(row), dtype)

    def run(self, inputs: Mapping[str, np.ndarray | Region], outputs: Mapping[str, np.ndarray | Region]) -> None:
        """Run the graph from memory to memory."""
        binding = self._session.io_binding()
        for name, tensor in inputs.items():
            binding.bind_input(name, *_place(tensor))
        for name, tensor in outputs.items():
            binding.bind_output(name, *_place(tensor))
        self._session.run_with_iobinding(binding)

    def wait(self) -> None:
        """Return: ONNX Runtime's runs are done when they return."""


def choose_provider(name: str = "auto") -> str:
    """Settle which provider to use.

    Args:
        name: One of `PROVIDERS`, or "auto" for the fastest that is installed and starts at once.

    Returns:
        Name of an installed provider. It may yet fail to start; `load_graph` tells.

    Raises:
        ProviderError: ONNX Runtime is not installed, or has no such provider.
    """
    ort = onnxruntime_module()
    installed = [ours for ours, theirs in PROVIDERS.items() if theirs in ort.get_available_providers()]
    if name == "auto":
        return next(provider for provider in installed if provider not in SLOW_TO_START)
    if name not in PROVIDERS:
        raise ProviderError(
            f"There is no provider {name!r}.",
            "The name is not known.",
            f"Choose auto, tensorrt, {' or '.join(PROVIDERS)}.",
        )
    if name not in installed:
        raise ProviderError(
            f"The provider {name!r} is not installed.",
            f"This ONNX Runtime ({ort.__version__}) offers {', '.join(installed)}.",
            f"For cuda and ort-tensorrt: {_install('gpu')} in place of the cpu extra. "
            f"Or choose --provider {installed[0]}.",
        )
    return name


def title() -> str:
    """ONNX Runtime's name and version.

    Raises:
        ProviderError: It is not installed.
    """
    return f"ONNX Runtime {onnxruntime_module().__version__}"


def load_graph(path: Path, provider: str = "cpu", threads: int | None = None) -> OrtGraph:
    """Load an ONNX file.

    Args:
        path: The file.
        provider: Name of a provider, as `choose_provider` returns it.
        threads: Threads that a run takes on the CPU; None for as many as there are cores.

    Raises:
        ProviderError: ONNX Runtime or the provider is not installed, or the provider does not start.
        BundleError: ONNX Runtime refuses the file.
    """
    ort = onnxruntime_module()
    theirs = PROVIDERS[choose_provider(provider)]
    try:
        session = ort.InferenceSession(str(path), session_options(threads), providers=_settings(provider, path))
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise BundleError(
            f"ONNX Runtime refuses {path}.",
            str(error).splitlines()[0],
            f"The graph may be newer than this ONNX Runtime ({ort.__version__}): upgrade it, or export again.",
        ) from error
    if theirs not in session.get_providers():
        # ONNX Runtime falls back to the CPU with no more than a log line; we do not.
        raise ProviderError(
            f"The provider {provider!r} does not start.",
            "ONNX Runtime fell back to the CPU: the driver, CUDA or cuDNN is missing or of another version.",
            f"Install what ONNX Runtime {ort.__version__} needs for {theirs}, or choose --provider cpu.",
        )
    return OrtGraph(session, provider)


def session_options(threads: int | None = None) -> Any:
    """ONNX Runtime's settings of a session.

    Args:
        threads: As for `load_graph`.

    Raises:
        ProviderError: ONNX Runtime is not installed.
    """
    options = onnxruntime_module().SessionOptions()
    options.log_severity_level = 3  # errors: what a user can do about a warning here, we say ourselves
    options.intra_op_num_threads = threads or 0
    # Graphs take turns. Their threads wait for each other by spinning, which is fast; but once a run is over they must
    # sleep at once, as they would hold the cores that the next graph needs.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def _settings(provider: str, path: Path) -> list[Any]:
    """ONNX Runtime's providers for one of ours, with their options."""
    if provider != "ort-tensorrt":
        return [PROVIDERS[provider]]
    # It builds engines of its own when a graph is loaded; those of the last time are kept beside the bundle.
    cache = {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(path.parent) + ".ort-tensorrt"}
    return [(PROVIDERS[provider], cache), PROVIDERS["cuda"]]


def _place(tensor: np.ndarray | Region) -> tuple[str, int, np.dtype, tuple[int, ...], int]:
    """Device, its number, element type, shape and address of a tensor."""
    if isinstance(tensor, Region):
        return tensor.buffer.device, 0, np.dtype(tensor.buffer.dtype), tensor.shape, tensor.pointer
    if not tensor.flags.c_contiguous:
        raise ValueError("an array that is bound must be contiguous")
    return HOST, 0, tensor.dtype, tensor.shape, tensor.ctypes.data


def onnxruntime_module() -> ModuleType:
    """ONNX Runtime, imported at first use.

    Raises:
        ProviderError: It is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ProviderError(
            "ONNX Runtime is not installed.",
            f"The bundle's graphs need it ({error}).",
            f"Run {_install('cpu')}, or with [gpu] on a machine with an NVIDIA GPU.",
        ) from error
    return onnxruntime


def _install(extra: str) -> str:
    return f"`pip install 'mdhr-edge[{extra}]'`"
