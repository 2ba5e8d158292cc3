"""A small bundle on a GPU that the host plays."""

import pytest
from host_gpu import HostCuda, HostEngine

from mdhr_export.tensorrt.shapes import profiles_of
from mdhr_runtime.backends.tensorrt.device import Device
from mdhr_runtime.backends.tensorrt.graph import EngineGraph
from mdhr_runtime.bundle import open_bundle


class HostGpu:
    """The engines of a bundle, loaded.

    Args:
        bundle: The bundle.
        max_batch: As for `mdhr-export`.
        max_frames: Likewise.
        cuda: The GPU.
    """

    def __init__(self, bundle, max_batch=8, max_frames=16, cuda=None):
        self.manifest = bundle.manifest
        self.cuda = cuda or HostCuda()
        self.device = Device(self.cuda)
        self.engines, self.graphs = {}, {}
        for name in ("encoder", "temporal", "clip"):
            record = self.manifest.graphs[name]
            profiles = profiles_of(name, self.manifest, max_batch, max_frames)
            self.engines[name] = HostEngine(bundle.graph_path(name), record, profiles, self.cuda)
            self.graphs[name] = EngineGraph(
                name, self.engines[name], record, self.device, lambda: "words of TensorRT", "mdhr-export --trt"
            )

    def graph(self, name):
        return self.graphs[name]

    def read(self, region, dtype):
        """What is at a region, as the GPU has it when all its work is done."""
        import ctypes

        import numpy as np

        with self.device.use():
            self.device.wait()
        size = int(np.prod(region.shape)) * np.dtype(dtype).itemsize
        return np.frombuffer(ctypes.string_at(region.pointer, size), dtype).reshape(region.shape)


@pytest.fixture(scope="package")
def bundle(tiny_bundle):
    return open_bundle(tiny_bundle)


@pytest.fixture
def gpu(bundle):
    return HostGpu(bundle)
