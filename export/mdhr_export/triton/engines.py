"""Which of a bundle's engines Triton can serve on this machine."""

from __future__ import annotations

from mdhr_runtime.backends.tensorrt.backend import choose_engines
from mdhr_runtime.bundle import Bundle, EngineRecord
from mdhr_runtime.errors import ProviderError

from .repository import Executable
from .serving import Limits

SERVED = "tensorrt"
"""The flavour that Triton has a backend for."""


def servable_engines(bundle: Bundle) -> tuple[dict[str, Executable], Limits, str | None]:
    """Engines of TensorRT that were built for this machine, to be served in place of their ONNX files.

    Returns:
        The engines by graph, limits that they keep, and why there are none, in a sentence, if the bundle has some.
    """
    if not bundle.manifest.engines:
        return {}, Limits(), None
    try:
        engines = choose_engines(bundle)
    except ProviderError as error:
        return {}, Limits(), error.why
    if engines.flavor.name != SERVED:
        return {}, Limits(), f"Triton has no backend for engines of {engines.flavor}."
    executables = {name: Executable("tensorrt", bundle.path / record.file) for name, record in engines.records.items()}
    frames, streams = _largest(engines.records["encoder"]), _largest(engines.records["temporal"])
    return executables, Limits(frames=frames, streams=streams), None


def _largest(record: EngineRecord) -> int:
    """The largest batch, the first dimension, that an engine takes."""
    return max(bounds[-1][0] for profile in record.profiles for bounds in profile.values())
