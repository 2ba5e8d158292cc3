"""The engines of a bundle, loaded."""

from __future__ import annotations

from ...bundle import Bundle, read_engine
from .cuda import Cuda, open_cuda
from .device import Device
from .engines import EngineSet
from .graph import EngineGraph
from .words import collect_words, gpu_failure


class TensorRtBackend:
    """Loads engines; all graphs of a model share one stream of the GPU, so that features and states stay there.

    Args:
        bundle: Where the engines are.
        engines: Those that run here.
        cuda: The binding; by default the one that is installed.

    Raises:
        ProviderError: No CUDA binding is installed, or the GPU cannot be opened.
    """

    def __init__(self, bundle: Bundle, engines: EngineSet, cuda: Cuda | None = None) -> None:
        self._bundle, self._engines = bundle, engines
        self._device = Device(cuda or open_cuda())
        self._words = collect_words(engines.flavor.module)
        self._runtime = engines.flavor.module.Runtime(self._words)

    def load(self, name: str) -> EngineGraph:
        """Load the engine of a graph.

        Raises:
            BundleError: The engine is missing or altered.
            ProviderError: TensorRT refuses it, or the GPU has no memory left.
        """
        record = self._engines.records[name]
        data = read_engine(self._bundle, record)
        with self._device.use():
            engine = self._runtime.deserialize_cuda_engine(data)
        rebuild = f"mdhr-export --bundle {self._bundle.path} --trt"
        if engine is None:
            raise gpu_failure(
                f"load {record.file}",
                f"{self._engines.flavor} refuses {record.file}.",
                self._words.last(),
                f"Build the engines again on this machine: `{rebuild}`.",
                rebuild,
            )
        return EngineGraph(name, engine, self._bundle.manifest.graphs[name], self._device, self._words.last, rebuild)
