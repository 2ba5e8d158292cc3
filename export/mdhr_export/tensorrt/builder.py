"""The product that builds engines, and the build of one engine from one graph.

TensorRT's own Python API is used, and not Polygraphy's loaders (0.53): to log what they build they ask TensorRT-RTX 1.7
for things that its builder cannot tell from here (flags of the network, which ends the process; whether an input is a
shape, which is answered wrongly and loses its profile), and TensorRT's reasons reach the console but not the caller.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic
from types import ModuleType
from typing import Any

import click

from mdhr_runtime.backends.tensorrt.installed import (
    TITLES,
    ErrorLogger,
    Flavor,
    Gpu,
    installed_flavors,
    load_flavor,
    make_logger,
    no_collection,
    ran_out_of_memory,
)
from mdhr_runtime.errors import ExportError, ProviderError
from mdhr_runtime.files import staged

from .shapes import Profile

MIB = 1 << 20

NEEDS_NO_GPU = "tensorrt_rtx"
"""The product whose builder runs on machines without a GPU."""

TIMING_MARK = b"mdhr-edge timing cache\n"
"""The beginning of our timing caches, by which we recognise them; TensorRT's own bytes follow."""


@dataclass(frozen=True)
class BuildSettings:
    """Settings of a build.

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
class ParsedGraph:
    """A parsed graph, with the objects that must live as long as it does.

    Attributes:
        builder: TensorRT's builder.
        definition: The network, strongly typed: all types are those of the ONNX file.
        parser: Holds the weights.
        logger: Keeps TensorRT's errors.
    """

    builder: Any
    definition: Any
    parser: Any
    logger: ErrorLogger


def choose_builder(name: str, gpu: Gpu | None) -> Flavor:
    """Choose the product that builds the engines.

    Args:
        name: Key of `TITLES`, or "auto"; that is TensorRT where it is installed beside a GPU, else TensorRT-RTX.
        gpu: The GPU of this machine, if there is one.

    Raises:
        ProviderError: The product is not installed, or too old; "auto" finds none.
        ExportError: TensorRT is to build on a machine without a GPU.
    """
    if name == "auto":
        installed = installed_flavors()
        for flavor in installed:
            if gpu is not None or flavor.name == NEEDS_NO_GPU:
                return flavor
        if not installed:
            raise ProviderError(
                "No TensorRT is installed.",
                f"Python can import neither of {', '.join(TITLES)} in a version that can be used.",
                "On a server: `pip install 'mdhr-edge[tensorrt]'`. On a Jetson use JetPack 6.1 or later and its system "
                "package; see docs/jetson.md.",
            )
        name = installed[0].name
    flavor = load_flavor(name)
    if gpu is None and flavor.name != NEEDS_NO_GPU:
        raise ExportError(
            f"{flavor} cannot build engines on this machine.",
            "It times kernels on the GPU while it builds, and the driver finds none.",
            f"Build on the machine that will run the engines, or install tensorrt_rtx, whose builder needs no GPU, and "
            f"choose --trt-flavor {NEEDS_NO_GPU}.",
        )
    return flavor


@no_collection()
def build_engine(path: Path, flavor: Flavor, profiles: Sequence[Profile], settings: BuildSettings) -> Built:
    """Build an engine from an ONNX file.

    Args:
        path: The file.
        flavor: The product that builds it.
        profiles: Sizes that it is to take.
        settings: Settings of the build.

    Raises:
        ExportError: TensorRT refuses the graph, has not enough memory, or has no such accelerator.
        OSError: The timing cache cannot be read or written.
    """
    start = monotonic()
    network = parse_network(path, flavor)
    config = _configure(flavor.module, network, profiles, settings)
    config.progress_monitor = _make_monitor(flavor.module, f"build {path.name}")
    engine = network.builder.build_serialized_network(network.definition, config)
    if engine is None:
        raise build_error(path, "built", flavor, network.logger.errors())
    if settings.timing_cache:
        with staged(settings.timing_cache) as stage:
            stage.write_bytes(TIMING_MARK + bytes(config.get_timing_cache().serialize()))
    return Built(bytes(engine), count_layers(network.definition), monotonic() - start)


def is_timing_cache(path: Path) -> bool:
    """Whether a file is a timing cache that `build_engine` wrote."""
    with path.open("rb") as file:
        return file.read(len(TIMING_MARK)) == TIMING_MARK


@no_collection()
def parse_network(path: Path, flavor: Flavor) -> ParsedGraph:
    """Parse an ONNX file into a strongly typed network.

    Raises:
        ExportError: The builder does not start, or the parser refuses the graph.
    """
    trt = flavor.module
    logger = make_logger(flavor)
    try:
        builder = trt.Builder(logger)
    except (TypeError, RuntimeError) as error:  # the binding got no builder
        raise build_error(path, "built", flavor, logger.errors()) from error
    # From version 11 on every network is strongly typed, and the flag is gone.
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    definition = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(definition, logger)
    if not parser.parse_from_file(str(path)):
        errors = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        raise build_error(path, "parsed", flavor, "; ".join(errors))
    return ParsedGraph(builder, definition, parser, logger)


def count_layers(definition: Any) -> dict[str, int]:
    """Numbers of layers by the type of their first output, such as {"HALF": 134}, the most frequent first."""
    outputs = (layer.get_output(0) for layer in definition if layer.num_outputs)
    return dict(Counter(tensor.dtype.name for tensor in outputs).most_common())


def _configure(trt: ModuleType, network: ParsedGraph, profiles: Sequence[Profile], settings: BuildSettings) -> Any:
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
        known = known.removeprefix(TIMING_MARK)
        # Timings of another GPU or version are of no use; the cache then starts anew.
        config.set_timing_cache(config.create_timing_cache(known) or config.create_timing_cache(b""), False)
    if settings.dla is not None:
        _use_dla(trt, network, config, settings.dla)
    return config


def _use_dla(trt: ModuleType, network: ParsedGraph, config: Any, core: int) -> None:
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


def _make_monitor(trt: ModuleType, label: str) -> Any:
    """A TensorRT progress monitor that shows the outermost phase of a build as a bar, and the others by name."""
    interface: Any = trt.IProgressMonitor

    class Monitor(interface):  # type: ignore[misc]  # the base class is only known at run time
        """Called from TensorRT's threads."""

        def __init__(self) -> None:
            super().__init__()
            self._lock = Lock()
            self._phases: list[str] = []
            self._outermost: str | None = None
            self._shown = ExitStack()
            self._bar: Any = None

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            with self._lock:
                self._phases.append(phase_name)
                if self._outermost is None and num_steps > 0:
                    self._outermost = phase_name
                    bar: Any = click.progressbar(
                        length=num_steps, label=label, file=sys.stderr, item_show_func=lambda phase: phase
                    )
                    self._bar = self._shown.enter_context(bar)

        def step_complete(self, phase_name: str, step: int) -> bool:
            with self._lock:
                if self._outermost is not None:
                    self._bar.update(int(phase_name == self._outermost), self._phases[-1])
            return True

        def phase_finish(self, phase_name: str) -> None:
            with self._lock:
                self._phases.remove(phase_name)
                if phase_name == self._outermost:
                    self._bar.update(self._bar.length - self._bar.pos, None)
                    self._shown.close()
                    self._outermost = None

    return Monitor()


def build_error(path: Path, what: str, flavor: Flavor, reason: str) -> ExportError:
    """Explain why TensorRT did not take a graph.

    Args:
        path: The ONNX file.
        what: What was tried: "parsed" or "built".
        flavor: The product.
        reason: Its errors.
    """
    if ran_out_of_memory(reason):
        return ExportError(
            f"{path.name} was not {what}.",
            f"{flavor} had not enough memory: {reason}",
            "End other programs on the GPU, lower --workspace, or use a smaller --max-batch and --max-frames.",
        )
    return ExportError(
        f"{path.name} was not {what}.",
        f"{flavor} says: {reason}",
        "Check that the bundle's ONNX files are those of mdhr-export, and the version of TensorRT.",
    )
