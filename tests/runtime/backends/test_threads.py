"""Threads of graphs: a program that uses the runtime as a library keeps its own ONNX Runtime sessions."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import numpy, onnxruntime, mdhr_runtime
from mdhr_runtime.backends.onnx_runtime import share_threads
if sys.argv[2] == "shared":
    share_threads()
    share_threads()  # harmless
model = mdhr_runtime.load(sys.argv[1], "cpu")
assert model.clip(numpy.zeros((2, 224, 224, 3), numpy.uint8)).shape == (2, 12)
if sys.argv[2] == "own":
    onnxruntime.InferenceSession(str(model.bundle.graph_path("temporal")))
"""


@pytest.mark.parametrize("threads", ["own", "shared"])
def test_graphs_run_with_threads_of_their_own_and_with_common_ones(tiny_bundle, threads):
    command = [sys.executable, "-c", SCRIPT, tiny_bundle, threads]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
