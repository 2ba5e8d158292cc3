"""A bundle, ready to label frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock

import numpy as np

from ..backends import Backend, DeviceGraph
from ..backends.table import AUTO, PROVIDERS
from ..bundle import Bundle, open_bundle
from ..contract import ENCODER, SCORES, TEMPORAL, OutputRecord
from ..layout import Layout
from .batch import StreamBatch
from .choosing import choose_backend
from .stream import Stream


def load(
    path: Path | str,
    provider: str = AUTO,
    threads: int | None = None,
    precision: str | None = None,
    on_trial: Callable[[str], None] = lambda what: None,
) -> Model:
    """Open a bundle for labelling.

    Args:
        path: The bundle's folder, `NAME.mdhr`.
        provider: "tensorrt", "cuda", "ort-tensorrt", "cpu" or "openvino"; or "auto": the bundle's TensorRT engines if
            they were built for this machine, else CUDA, else the faster of ONNX Runtime and OpenVINO on this CPU.
        threads: Threads that a graph takes on the CPU; None for as many as MDHR_THREADS says, or else the process has
            cores (`mdhr_runtime.threads`). Programs that run many models side by side give each its part.
        precision: "float32", "float16" or "bfloat16"; "auto" for the fastest that is right on this machine; None for
            the provider's default: that of the bundle's graphs, and float32 in OpenVINO.
        on_trial: Called with each provider and precision that is tried, at the first start with a bundle.

    Raises:
        BundleError: The bundle is missing, damaged, altered or too new.
        ConfigError: `threads` or MDHR_THREADS is no number of threads.
        ProviderError: The provider is not installed or does not start, the engines are not for this machine, or it
            computes the bundle wrongly here.
    """
    bundle = open_bundle(path)
    return Model(bundle, choose_backend(bundle, provider, threads, precision, on_trial))


class Model:
    """Labels aligned faces with action units.

    Args:
        bundle: The bundle that it is loaded from.
        backend: Runs its graphs.

    Attributes:
        bundle: The bundle that it was loaded from.
    """

    def __init__(self, bundle: Bundle, backend: Backend) -> None:
        self.bundle = bundle
        self._backend = backend
        self._graphs: dict[str, DeviceGraph] = {}
        self._loading = Lock()

    @property
    def provider(self) -> str:
        """Name of the provider that runs its graphs."""
        return self._backend.provider

    @property
    def precision(self) -> str:
        """What its graphs are computed in: "float32", "float16" or "bfloat16"."""
        return self._backend.precision

    @property
    def reason(self) -> str:
        """The provider's versions and why it was chosen, in one line."""
        return self._backend.reason

    @property
    def on_gpu(self) -> bool:
        """Whether its graphs run on a GPU."""
        return PROVIDERS[self.provider].on_gpu

    def graph(self, name: str) -> DeviceGraph:
        """A graph by its name, loaded at its first use. Safe to call from several threads.

        Raises:
            BundleError: The bundle has no such graph, or its file is refused.
            ProviderError: The provider does not start.
        """
        with self._loading:
            if name not in self._graphs:
                self._graphs[name] = self._backend.load(name)
            return self._graphs[name]

    @property
    def layout(self) -> Layout:
        """Action units, regions and crop geometry."""
        return self.bundle.manifest.layout

    @property
    def aus(self) -> tuple[str, ...]:
        """Names of the AUs in the order of the scores: ("AU01", …)."""
        return self.layout.au_names

    @property
    def output(self) -> OutputRecord:
        """Meaning of the scores: their range, and the threshold from which an AU occurs."""
        return self.bundle.manifest.outputs[SCORES]

    @property
    def lookahead(self) -> int:
        """Frames by which a stream's final scores lag behind."""
        return self.bundle.manifest.lookahead

    def clip(self, frames: np.ndarray) -> np.ndarray:
        """Score frames as ONE clip, however long.

        Args:
            frames: (T, 224, 224, 3) uint8, RGB, aligned faces of one person in consecutive frames.

        Returns:
            (T, N) float32 scores in the range of `output`; `output.occurs(scores)` tells which AUs occur.

        Raises:
            FramesError: The frames have another shape or type.
        """
        stream = self.stream()
        return np.concatenate([stream.push(frames), stream.flush()])

    def stream(self) -> Stream:
        """Start a stream: the same scores as `clip`, while the frames come in."""
        return Stream(self.graph(ENCODER), self.graph(TEMPORAL), self.bundle.manifest)

    def batch(self) -> StreamBatch:
        """Start a batch of streams: the same scores as from streams of their own, for many faces at once."""
        return StreamBatch(self.graph(ENCODER), self.graph(TEMPORAL), self.bundle.manifest)
