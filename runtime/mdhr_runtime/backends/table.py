"""The table of providers, and the choice among them. A new backend is a module beside this one and a row here."""

from __future__ import annotations

from ..bundle import Bundle
from ..errors import ProviderError
from ..threads import thread_count
from . import onnx_runtime, openvino
from .base import Backend, DeviceGraph, Provider

AUTO = "auto"
"""Stands for the fastest provider that can be used."""


def _open_engines(name: str, bundle: Bundle, threads: int, why: str) -> Backend:
    from .tensorrt.backend import TensorRtBackend, choose_engines

    def load_onnx(graph: str) -> DeviceGraph:
        return _fastest(bundle, threads, engines=False).load(graph)

    return TensorRtBackend(bundle, choose_engines(bundle), load_onnx)


PROVIDERS = {
    provider.name: provider
    for provider in (  # the fastest first
        Provider("tensorrt", _open_engines, on_gpu=True, needs_engines=True),
        Provider("cuda", onnx_runtime.OnnxBackend, onnx_runtime.load_graph, on_gpu=True),
        # Its first start takes minutes.
        Provider("ort-tensorrt", onnx_runtime.OnnxBackend, onnx_runtime.load_graph, on_gpu=True, if_asked_for=True),
        # Whether it is faster than ONNX Runtime depends on the processor.
        Provider("openvino", openvino.OpenVinoBackend, lambda path, _: openvino.load_graph(path), if_asked_for=True),
        Provider("cpu", onnx_runtime.OnnxBackend, onnx_runtime.load_graph),
    )
}
"""All providers by name."""


def open_backend(bundle: Bundle, provider: str = AUTO, threads: int | None = None) -> Backend:
    """Open what runs a bundle's graphs.

    Args:
        bundle: The bundle.
        provider: One of `PROVIDERS`, or "auto": the bundle's TensorRT engines if they were built for this machine, else
            the fastest provider of ONNX Runtime that is installed. A provider that is named is used, or it is an error.
        threads: Threads that a graph takes on the CPU; None as for `thread_count`. The face detector's and the
            embedder take one each in any case.

    Raises:
        ConfigError: `threads` or MDHR_THREADS is no number of threads.
        ProviderError: There is no such provider, or it is not installed or cannot start.
    """
    threads = thread_count(threads)
    if provider == AUTO:
        return _fastest(bundle, threads)
    if provider not in PROVIDERS:
        raise ProviderError(
            f"There is no provider {provider!r}.",
            f"Known are {', '.join((AUTO, *PROVIDERS))}.",
            f"Choose one of them; {AUTO} takes the fastest that is there.",
        )
    return PROVIDERS[provider].open(provider, bundle, threads, "as asked for")


def _fastest(bundle: Bundle, threads: int, *, engines: bool = True) -> Backend:
    """Open the first provider of the table that can be used.

    Args:
        bundle: The bundle.
        threads: As for `open_backend`.
        engines: Whether the bundle's engines may be used.
    """
    why = "the bundle has no TensorRT engines"
    refusal: ProviderError | None = None
    for provider in PROVIDERS.values():
        if provider.if_asked_for or (provider.needs_engines and not (engines and bundle.manifest.engines)):
            continue
        try:
            return provider.open(provider.name, bundle, threads, why)
        except ProviderError as error:
            refusal = error
            if provider.needs_engines:
                why = f"no engine can be used: {error.why}"
    assert refusal is not None  # the last row needs no engines
    raise refusal
