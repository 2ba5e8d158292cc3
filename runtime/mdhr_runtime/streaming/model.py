"""A bundle, ready to label frames."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from ..backends import Graph
from ..backends.table import Backend, open_backend
from ..bundle import Bundle, read_bundle
from ..contract import ENCODER, TEMPORAL
from ..layout import Layout
from .batch import StreamBatch
from .stream import Stream


def load(path: Path | str, provider: str = "auto") -> Model:
    """Open a bundle for labelling.

    Args:
        path: The bundle's folder, `NAME.mdhr`.
        provider: "tensorrt", "cuda", "ort-tensorrt" or "cpu"; or "auto": the bundle's TensorRT engines if they were
            built for this machine, else the fastest of ONNX Runtime's providers that is installed.

    Raises:
        BundleError: The bundle is missing, damaged, altered or too new.
        ProviderError: The provider is not installed or does not start, or the engines are not for this machine.
    """
    bundle = read_bundle(path)
    return Model(bundle, open_backend(bundle, provider))


class Model:
    """Labels aligned faces with action units.

    Args:
        bundle: What it is loaded from.
        backend: What runs its graphs.

    Attributes:
        bundle: What it was loaded from.
        provider: Name of the provider that runs its graphs.
        reason: What that is in detail, and why it was chosen, in one line.
        graph: Loads a graph by its name, once.
    """

    def __init__(self, bundle: Bundle, backend: Backend) -> None:
        self.bundle = bundle
        self.provider = backend.provider
        self.reason = backend.reason
        self.graph: Callable[[str], Graph] = cache(backend.load)

    @property
    def layout(self) -> Layout:
        """Action units, regions and crop geometry."""
        return self.bundle.manifest.layout

    @property
    def aus(self) -> tuple[str, ...]:
        """Names of the AUs in the order of the scores: ("AU01", …)."""
        return self.layout.au_names

    @property
    def lookahead(self) -> int:
        """Frames by which a stream's final scores lag behind."""
        return self.bundle.manifest.lookahead

    def clip(self, frames: np.ndarray) -> np.ndarray:
        """Score frames as ONE clip, however long.

        Args:
            frames: (T, 224, 224, 3) uint8, RGB, aligned faces of one person in consecutive frames.

        Returns:
            (T, N) float32 scores in [0, 1]; an AU occurs where its score is at least 0.5.

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
