"""A small bundle on a GPU that the host plays, and a driver library that stands in for NVIDIA's."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from host_gpu import HostDevice, HostEngine

from mdhr_export.tensorrt.shapes import profiles_of
from mdhr_runtime.backends.tensorrt.graph import EngineGraph
from mdhr_runtime.bundle import open_bundle

SOURCE = Path(__file__).parents[3] / "support" / "driver_stand_in.c"


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


@pytest.fixture(scope="package")
def driver(tmp_path_factory):
    """A folder with a `libcuda.so.1` that keeps its memory on the host."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler, for the stand-in of the driver")
    library = tmp_path_factory.mktemp("driver") / "libcuda.so.1"
    command = [compiler, "-shared", "-fPIC", "-o", library, "-Wl,-soname,libcuda.so.1", SOURCE, "-ldl"]
    subprocess.run(command, check=True)
    return library.parent


@pytest.fixture(scope="package")
def run():
    """Run a script in a process of its own, with a folder of libraries and further environment variables."""

    def run(script, folder=None, **environment):
        if folder is not None:
            environment["LD_LIBRARY_PATH"] = str(folder)
        command = [sys.executable, "-c", script]
        return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)

    return run
