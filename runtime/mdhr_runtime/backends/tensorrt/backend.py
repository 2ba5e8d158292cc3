"""The engines of a bundle: those that run here, or why there are none, and how they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...bundle import PORTABLE, Bundle, EngineRecord, read_engine
from ...contract import ENCODER, TEMPORAL
from ...errors import ProviderError
from ..base import DeviceGraph
from .device import Device
from .graph import EngineGraph, gpu_failure
from .installed import TITLES, Flavor, Gpu, find_gpu, installed_flavors, make_logger, no_collection

ENGINE_GRAPHS = (ENCODER, TEMPORAL)
"""The graphs that the runtime needs engines of; the face detector and the embedder stay with ONNX Runtime."""


@dataclass(frozen=True)
class EngineSet:
    """A set of engines: for all `ENGINE_GRAPHS`, built for one flavour, version and GPU.

    Attributes:
        flavor: The product that loads them.
        gpu: The GPU that runs them.
        records: By graph.
    """

    flavor: Flavor
    gpu: Gpu
    records: dict[str, EngineRecord]

    @property
    def precision(self) -> str:
        """What they compute in."""
        return next(iter(self.records.values())).precision

    def __str__(self) -> str:
        record, *_ = self.records.values()
        return f"{self.precision} engines of {self.flavor} for {record.gpu}"


class TensorRtBackend:
    """A bundle's engines in TensorRT; see `Backend`.

    All graphs of a model share one stream of the GPU, so that features and states stay there.

    Args:
        bundle: The bundle.
        engines: Those of its engines that run here.
        load_onnx: Loads the graphs that have no engine: the face detector's, which take images of any size, and the
            embedder, which runs seldom.
        device: The GPU; by default it is opened with the CUDA binding that is installed.

    Attributes:
        provider: "tensorrt".
        precision: What the model is computed in.
        reason: Its versions, for one line.

    Raises:
        ProviderError: No CUDA binding is installed, or the GPU cannot be opened.
    """

    provider = "tensorrt"

    def __init__(
        self,
        bundle: Bundle,
        engines: EngineSet,
        load_onnx: Callable[[str], DeviceGraph] | None = None,
        device: Device | None = None,
    ) -> None:
        self.reason = f"{engines}; graphs for faces in ONNX Runtime"
        self.precision = engines.precision
        self._bundle = bundle
        self._engines = engines
        self._load_onnx = load_onnx
        self._device = device or open_device()
        self._logger = make_logger(engines.flavor)
        with no_collection():
            self._runtime = engines.flavor.module.Runtime(self._logger)

    def load(self, name: str) -> DeviceGraph:
        """Load a graph by its name.

        Raises:
            BundleError: The engine is missing or altered.
            ProviderError: TensorRT refuses it, or the GPU has no memory left.
        """
        if self._load_onnx and name not in self._engines.records:
            return self._load_onnx(name)
        record = self._engines.records[name]
        data = read_engine(self._bundle, record)
        with self._device.use(), no_collection():
            engine = self._runtime.deserialize_cuda_engine(data)
        rebuild = self._bundle.build_command
        if engine is None:
            raise gpu_failure(
                f"load {record.file}",
                f"{self._engines.flavor} refuses {record.file}.",
                self._logger.errors(),
                f"Build the engines again on this machine: `{rebuild}`.",
                rebuild,
            )
        return EngineGraph(name, engine, self._bundle.manifest.graphs[name], self._device, self._logger.errors, rebuild)


def choose_engines(bundle: Bundle) -> EngineSet:
    """Find the engines that were built for this machine.

    Raises:
        ProviderError: The bundle has no engines, or none for this GPU and an installed version; or there is no GPU.
    """
    manifest, gpu = bundle.manifest, find_gpu()
    if gpu is None:  # nor could any be built here
        raise ProviderError(
            "Engines of TensorRT cannot run here.",
            "The driver finds no NVIDIA GPU.",
            "Check it with nvidia-smi, and CUDA_VISIBLE_DEVICES. Without a GPU: --provider cpu.",
        )
    if not manifest.engines:
        raise _unusable(bundle, "It holds ONNX graphs only: engines are built on the machine that runs them.")
    flavors = installed_flavors()
    current = [record for record in manifest.engines if _is_current(bundle, record)]
    for flavor in flavors:
        records = {record.graph: record for record in current if _mismatch(record, flavor, gpu) is None}
        if all(name in records for name in ENGINE_GRAPHS):
            return EngineSet(flavor, gpu, records)
    raise _unusable(bundle, _why_not(bundle, flavors, gpu))


def _is_current(bundle: Bundle, record: EngineRecord) -> bool:
    """Whether an engine was built from the graph that the bundle holds now."""
    return record.onnx_sha256 == bundle.manifest.files[bundle.manifest.graphs[record.graph].file]


def _mismatch(record: EngineRecord, flavor: Flavor, gpu: Gpu) -> str | None:
    """Why an engine cannot run with a flavour on a GPU; None if it can."""
    built = f"{TITLES[record.flavor]} {record.version}"
    if (record.flavor, record.version) != (flavor.name, flavor.version):
        return f"built by {built}, and this machine has {flavor}"
    if not flavor.supports(gpu):
        return f"built by {built}, which does not support this machine's {gpu}"
    target = Gpu(record.gpu, record.compute_capability, record.multiprocessors)
    if record.gpu != PORTABLE and target != gpu:
        return f"built for {target}, and this machine has {gpu}"
    return None


def _why_not(bundle: Bundle, flavors: Sequence[Flavor], gpu: Gpu) -> str:
    if not flavors:
        return f"Neither {' nor '.join(TITLES.values())} is installed; the engines need the one that built them."
    reasons = []
    for record in bundle.manifest.engines:
        if not _is_current(bundle, record):
            reasons.append(f"{record.file} was built from another {record.graph}.onnx")
        else:
            mismatches = [_mismatch(record, flavor, gpu) for flavor in flavors]
            reasons.append(f"{record.file} was {mismatches[0]}" if all(mismatches) else f"{record.file} fits")
    return "; ".join(reasons) + "."


def _unusable(bundle: Bundle, why: str) -> ProviderError:
    return ProviderError(
        f"The bundle {bundle.path} has no engines for this machine.",
        why,
        f"Build them here: `{bundle.build_command}`. Or choose another --provider.",
    )


def open_device() -> Device:
    """Open the GPU with the binding that is installed: PyCUDA, else cuda-python.

    Raises:
        ProviderError: Neither is installed, or there is no GPU.
    """
    reasons = []
    for open_binding in (_pycuda, _cuda_python):
        try:
            return open_binding()
        except ImportError as error:
            reasons.append(str(error))
    raise ProviderError(
        "No CUDA binding for Python is installed.",
        "; ".join(reasons),
        "Run `pip install pycuda` where CUDA's headers are, or `pip install cuda-python`.",
    )


def _pycuda() -> Device:
    from .pycuda_binding import PyCuda

    return PyCuda()


def _cuda_python() -> Device:
    from .cuda_python_binding import CudaPython

    return CudaPython()
