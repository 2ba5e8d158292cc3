"""What runs a bundle's graphs: chosen by name, or the fastest that is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..bundle import Bundle
from ..errors import ProviderError
from . import onnx_runtime
from .base import Graph

TENSORRT = "tensorrt"

PROVIDERS = (TENSORRT, *onnx_runtime.PROVIDERS)
"""Names of all providers. "tensorrt" runs the bundle's engines, the others its ONNX graphs in ONNX Runtime."""

THREADS = {"pnet": 1, "rnet": 1, "onet": 1}
"""Threads of graphs that shall not take all cores. The face detector is too small for several: it runs beside the
model, which waits for the core that is late."""


@dataclass(frozen=True)
class Backend:
    """What runs the graphs of a bundle.

    Attributes:
        provider: One of `PROVIDERS`.
        reason: What it is in detail and why it was chosen, for one line.
        load: Loads a graph by its name.
    """

    provider: str
    reason: str
    load: Callable[[str], Graph]


def open_backend(bundle: Bundle, provider: str = "auto") -> Backend:
    """Settle what runs a bundle.

    Args:
        bundle: The bundle.
        provider: One of `PROVIDERS`, or "auto": its TensorRT engines if they were built for this machine, else the
            fastest provider of ONNX Runtime that is installed. A provider that is named is used, or it is an error.

    Raises:
        ProviderError: There is no such provider, or it is not installed or cannot start.
    """
    if provider == TENSORRT:
        return _with_engines(bundle)
    if provider != "auto":
        return _with_onnx(bundle, onnx_runtime.choose_provider(provider), "as asked for")
    if not bundle.manifest.engines:
        return _with_onnx(bundle, onnx_runtime.choose_provider(), "the bundle has no TensorRT engines")
    try:
        return _with_engines(bundle)
    except ProviderError as error:
        return _with_onnx(bundle, onnx_runtime.choose_provider(), f"no engine can be used: {error.why}")


def _with_onnx(bundle: Bundle, provider: str, why: str) -> Backend:
    def load(name: str) -> Graph:
        return onnx_runtime.load_graph(bundle.graph_path(name), provider, THREADS.get(name))

    return Backend(provider, f"{onnx_runtime.title()}, {bundle.manifest.precision}; {why}", load)


def _with_engines(bundle: Bundle) -> Backend:
    from .tensorrt.backend import TensorRtBackend
    from .tensorrt.engines import ENGINE_GRAPHS, choose_engines

    engines = choose_engines(bundle)
    backend = TensorRtBackend(bundle, engines)

    def load(name: str) -> Graph:
        if name in ENGINE_GRAPHS:
            return backend.load(name)
        # The face detector's graphs take images of any size; they stay with ONNX Runtime, and the reason says so.
        return onnx_runtime.load_graph(bundle.graph_path(name), onnx_runtime.choose_provider(), THREADS.get(name))

    return Backend(TENSORRT, f"{engines}; the face detector in ONNX Runtime", load)
