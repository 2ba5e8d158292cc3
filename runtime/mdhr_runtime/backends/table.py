"""The table of providers. A new backend is a module beside this one and a row here.

Which of them runs a bundle, `mdhr_runtime.streaming.choosing` decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..bundle import Bundle
from ..errors import ProviderError
from ..threads import thread_count
from . import onnx_runtime, openvino
from .base import Backend, DeviceGraph, Provider

AUTO = "auto"
"""Stands for the fastest provider, or precision, that can be used."""


def _open_engines(name: str, bundle: Bundle, threads: int, precision: str, why: str) -> Backend:
    from .tensorrt.backend import TensorRtBackend, choose_engines

    def load_onnx(graph: str) -> DeviceGraph:
        try:
            backend = open_backend(bundle, "cuda", threads)
        except ProviderError:
            backend = open_backend(bundle, "cpu", threads)
        return backend.load(graph)

    return TensorRtBackend(bundle, choose_engines(bundle), load_onnx)


def _of_engines(name: str, bundle: Bundle) -> tuple[str, ...]:
    from .tensorrt.backend import choose_engines

    return (choose_engines(bundle).precision,)


def _of_graphs(name: str, bundle: Bundle) -> tuple[str, ...]:
    onnx_runtime.check_installed(name)
    return (bundle.manifest.precision,)


def _of_processor(name: str, bundle: Bundle) -> tuple[str, ...]:
    return openvino.precisions()


def _load_onnx(path: Path, provider: str, precision: str) -> DeviceGraph:
    return onnx_runtime.load_graph(path, provider)


def _load_openvino(path: Path, provider: str, precision: str) -> DeviceGraph:
    return openvino.load_graph(path, precision=precision)


PROVIDERS = {
    provider.name: provider
    for provider in (  # on GPUs the fastest first
        Provider("tensorrt", _open_engines, _of_engines, on_gpu=True, needs_engines=True),
        Provider("cuda", onnx_runtime.OnnxBackend, _of_graphs, _load_onnx, on_gpu=True),
        # Its first start takes minutes.
        Provider("ort-tensorrt", onnx_runtime.OnnxBackend, _of_graphs, _load_onnx, on_gpu=True, if_asked_for=True),
        Provider("cpu", onnx_runtime.OnnxBackend, _of_graphs, _load_onnx),
        Provider("openvino", openvino.OpenVinoBackend, _of_processor, _load_openvino),
    )
}
"""All providers by name."""


def precisions(bundle: Bundle, provider: str, asked: str | None = None) -> Sequence[str]:
    """What a provider can compute a bundle's model in on this machine, of what is asked for.

    Args:
        bundle: The bundle.
        provider: One of `PROVIDERS`.
        asked: One of `PRECISIONS`; None for the provider's default, "auto" for all, the default first.

    Raises:
        ProviderError: There is nothing, or the provider is not installed.
    """
    able = PROVIDERS[provider].precisions(provider, bundle)
    if asked not in (None, AUTO, *able):
        raise ProviderError(
            f"The provider {provider!r} does not compute this bundle in {asked} here.",
            f"It does in {', '.join(able)}.",
            "Choose another --precision or --provider, or export the bundle in that precision.",
        )
    return able if asked == AUTO else able[:1] if asked is None else (asked,)


def open_backend(
    bundle: Bundle,
    provider: str,
    threads: int | None = None,
    precision: str | None = None,
    why: str = "as asked for",
) -> Backend:
    """Open what runs a bundle's graphs.

    Args:
        bundle: The bundle.
        provider: One of `PROVIDERS`.
        threads: Threads that a graph takes on the CPU; None as for `thread_count`. The face detector's and the
            embedder take one each in any case.
        precision: As for `precisions`, the first of which is taken.
        why: Why it was chosen.

    Raises:
        ConfigError: `threads` or MDHR_THREADS is no number of threads.
        ProviderError: The provider is not installed or cannot start, or does not compute the bundle in that precision.
    """
    chosen, *_ = precisions(bundle, provider, precision)
    return PROVIDERS[provider].open(provider, bundle, thread_count(threads), chosen, why)
