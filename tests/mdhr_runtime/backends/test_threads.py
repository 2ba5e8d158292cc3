"""Threads of graphs: a program that uses the runtime as a library keeps its own ONNX Runtime sessions."""

import subprocess
import sys
from pathlib import Path

import pytest

from mdhr_runtime.backends.onnx_runtime import session_options

SCRIPT = """
import sys
import numpy, onnxruntime, mdhr_runtime
model = mdhr_runtime.load(sys.argv[1], "cpu")
assert model.clip(numpy.zeros((2, 224, 224, 3), numpy.uint8)).shape == (2, 12)
onnxruntime.InferenceSession(str(model.bundle.graph_path("temporal")))
"""


def test_sessions_of_the_host_program_start_beside_the_runtime(tiny_bundle):
    result = subprocess.run([sys.executable, "-c", SCRIPT, tiny_bundle], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_threads_sleep_when_a_run_is_over():
    options = session_options(threads=1)
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert options.intra_op_num_threads == 1


COUNT = """
import os, sys, mdhr_runtime
model = mdhr_runtime.load(sys.argv[1], "cpu", threads=int(sys.argv[2]))
before = len(os.listdir("/proc/self/task"))
model.graph(sys.argv[3])
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
@pytest.mark.parametrize(("graph", "threads", "further"), [("temporal", 1, 0), ("temporal", 3, 2), ("pnet", 3, 0)])
def test_a_model_takes_as_many_threads_as_it_is_given(tiny_bundle, graph, threads, further):
    command = [sys.executable, "-c", COUNT, tiny_bundle, str(threads), graph]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.stdout.strip() == str(further), result.stderr
