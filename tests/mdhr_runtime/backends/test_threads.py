"""Threads of graphs: a program that uses the runtime as a library keeps its own ONNX Runtime sessions."""

import subprocess
import sys

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
    from mdhr_runtime.backends.onnx_runtime import session_options

    options = session_options(threads=1)
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert options.intra_op_num_threads == 1
