"""A small bundle on a GPU that the host plays."""

import ctypes

import numpy as np
import pytest
from host_gpu import HostDevice, HostEngine

from mdhr_export.tensorrt.shapes import profiles_of
from mdhr_runtime.backends.tensorrt.graph import EngineGraph
from mdhr_runtime.bundle import open_bundle


class HostGpu:
    """The engines of a bundle, loaded.

    Args:
        bundle: The bundle.
        max_batch: As for `mdhr-export`.
        max_frames: Likewise.
        device: The GPU.

    Attributes:
        logged: The error that TensorRT logged last.
    """

    def __init__(self, bundle, max_batch=8, max_frames=16, device=None):
        self.manifest = bundle.manifest
        self.device = device or HostDevice()
        self.logged = "nothing"
        self.engines, self.graphs = {}, {}
        for name in ("encoder", "temporal", "clip"):
            record = self.manifest.graphs[name]
            profiles = profiles_of(name, self.manifest, max_batch, max_frames)
            self.engines[name] = HostEngine(bundle.graph_path(name), record, profiles, self.device)
            self.graphs[name] = EngineGraph(
                name, self.engines[name], record, self.device, lambda: self.logged, "mdhr-export --trt"
            )

    def graph(self, name):
        return self.graphs[name]

    def read(self, view):
        """What is at a view, as the GPU has it when all its work is done."""
        with self.device.use():
            self.device.wait()
        return np.frombuffer(ctypes.string_at(view.pointer, view.size), view.buffer.dtype).reshape(view.shape)


@pytest.fixture(scope="package")
def bundle(tiny_bundle):
    return open_bundle(tiny_bundle)


@pytest.fixture
def gpu(bundle):
    return HostGpu(bundle)
