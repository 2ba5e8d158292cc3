"""A bundle, ready to label frames."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from .backends import Graph, onnx_runtime
from .batch import StreamBatch
from .bundle import Bundle, read_bundle
from .layout import Layout
from .stream import Stream


def load(path: Path | str, provider: str = "auto") -> Model:
    """Open a bundle for labelling.

    Args:
        path: The bundle's folder, `NAME.mdhr`.
        provider: "cpu", "cuda", or "auto" for the fastest that is installed.

    Raises:
        BundleError: The bundle is missing, damaged, altered or too new.
        ProviderError: ONNX Runtime or the provider is not installed or does not start.
    """
    return Model(read_bundle(path), onnx_runtime.choose_provider(provider))


class Model:
    """Labels aligned faces with action units.

    Attributes:
        bundle: What it was loaded from.
        provider: Name of the provider that runs its graphs.
    """

    def __init__(self, bundle: Bundle, provider: str) -> None:
        self.bundle = bundle
        self.provider = provider
        self.graph = cache(self._load_graph)

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
        return Stream(self.graph("encoder"), self.graph("temporal"), self.bundle.manifest)

    def batch(self) -> StreamBatch:
        """Start a batch of streams: the same scores as from streams of their own, for many faces at once."""
        return StreamBatch(self.graph("encoder"), self.graph("temporal"), self.bundle.manifest)

    def _load_graph(self, name: str) -> Graph:
        # The encoder has nearly all of the work, so it is the one that may keep its threads awake.
        return onnx_runtime.load_graph(self.bundle.graph_path(name), self.provider, spin=name == "encoder")
