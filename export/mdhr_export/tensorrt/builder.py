"""One graph to one engine.

TensorRT's own Python API is used, and not Polygraphy's loaders (0.53): to log what they build they ask TensorRT-RTX 1.7
for things that its builder cannot tell from here (flags of the network, which ends the process; whether an input is a
shape, which is answered wrongly and loses its profile), and TensorRT's reasons reach the console but not the caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Any

from mdhr_runtime.backends.tensorrt.installed import ErrorLogger, Flavor, make_logger
from mdhr_runtime.errors import ExportError
from mdhr_runtime.files import staged

from .progress import make_monitor
from .shapes import Profile

MIB = 1 << 20


@dataclass(frozen=True)
class BuildSettings:
    """How engines are built.

    Attributes:
        workspace: Most memory on the GPU in MiB that kernels may need beside tensors; None leaves it to TensorRT.
        timing_cache: File that keeps timings of kernels from one build to the next.
        dla: Number of the deep learning accelerator to use, or None for the GPU alone.
    """

    workspace: int | None = None
    timing_cache: Path | None = None
    dla: int | None = None


@dataclass(frozen=True)
class Built:
    """An engine.

    Attributes:
        data: Its bytes.
        layers: Numbers of layers of the network by the type of their first output.
        seconds: How long the build took.
    """

    data: bytes
    layers: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class Network:
    """A parsed graph, with what must live as long as it does.

    Attributes:
        builder: TensorRT's builder.
        definition: The network, strongly typed: all types are those of the ONNX file.
        parser: Holds the weights.
        words: What TensorRT says of it.
    """

    builder: Any
    definition: Any
    parser: Any
    words: ErrorLogger


def build_engine(path: Path, flavor: Flavor, profiles: Sequence[Profile], settings: BuildSettings) -> Built:
    """Build an engine from an ONNX file.

    Args:
        path: The file.
        flavor: What builds it.
        profiles: Sizes that it is to take.
        settings: How.

    Raises:
        ExportError: TensorRT refuses the graph, has not enough memory, or has no such accelerator.
        OSError: The timing cache cannot be read or written.
    """
    start = monotonic()
    network = parse_network(path, flavor)
    config = _configure(flavor.module, network, profiles, settings)
    config.progress_monitor = make_monitor(flavor.module, f"build {path.name}")
    engine = network.builder.build_serialized_network(network.definition, config)
    if engine is None:
        raise _failed(path, "built", flavor, network.words.last())
    if settings.timing_cache:
        with staged(settings.timing_cache) as stage:
            stage.write_bytes(bytes(config.get_timing_cache().serialize()))
    return Built(bytes(engine), count_layers(network.definition), monotonic() - start)


def parse_network(path: Path, flavor: Flavor) -> Network:
    """Parse an ONNX file into a strongly typed network.

    Raises:
        ExportError: The builder does not start, or the parser refuses the graph.
    """
    trt = flavor.module
    words = make_logger(flavor)
    try:
        builder = trt.Builder(words)
    except (TypeError, RuntimeError) as error:  # what the binding makes of a builder that is not there
        raise _failed(path, "built", flavor, words.last()) from error
    # From version 11 on every network is strongly typed, and the flag is gone.
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    definition = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(definition, words)
    if not parser.parse_from_file(str(path)):
        errors = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        raise _failed(path, "parsed", flavor, "; ".join(errors))
    return Network(builder, definition, parser, words)


def count_layers(definition: Any) -> dict[str, int]:
    """Numbers of layers by the type of their first output, such as {"HALF": 134}, the most frequent first."""
    outputs = (layer.get_output(0) for layer in definition if layer.num_outputs)
    return dict(Counter(tensor.dtype.name for tensor in outputs).most_common())


def _configure(trt: ModuleType, network: Network, profiles: Sequence[Profile], settings: BuildSettings) -> Any:
    config = network.builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)  # float32 means float32
    for shapes in profiles:
        profile = network.builder.create_optimization_profile()
        for name, bounds in shapes.items():
            profile.set_shape(name, *bounds)
        config.add_optimization_profile(profile)
    if settings.workspace is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace * MIB)
    if settings.timing_cache:
        known = settings.timing_cache.read_bytes() if settings.timing_cache.exists() else b""
        # Timings of another GPU or version are of no use; the cache then starts anew.
        config.set_timing_cache(config.create_timing_cache(known) or config.create_timing_cache(b""), False)
    if settings.dla is not None:
        _use_dla(trt, network, config, settings.dla)
    return config


def _use_dla(trt: ModuleType, network: Network, config: Any, core: int) -> None:
    """Let the accelerator take the layers that it can, and the GPU the others."""
    cores = network.builder.num_DLA_cores
    if core >= cores:
        raise ExportError(
            f"There is no deep learning accelerator {core}.",
            f"TensorRT {trt.__version__} finds {cores} on this machine. Of the Jetsons only AGX Orin and Orin NX have "
            "any, and TensorRT supports them up to version 10.7, and on AGX Orin again from 11.4.1.",
            "Build without --dla.",
        )
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = core
    config.set_flag(trt.BuilderFlag.GPU_FALLBACK)


def _failed(path: Path, what: str, flavor: Flavor, words: str) -> ExportError:
    if "memory" in words.lower():
        return ExportError(
            f"{path.name} was not {what}.",
            f"{flavor} had not enough memory: {words}",
            "End other programs on the GPU, lower --workspace, or use a smaller --max-batch and --max-frames.",
        )
    return ExportError(
        f"{path.name} was not {what}.",
        f"{flavor} says: {words}",
        "Check that the bundle's ONNX files are those of mdhr-export, and the version of TensorRT.",
    )
