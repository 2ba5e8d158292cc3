"""cuda-python, called for real on a driver library that stands in for NVIDIA's."""

import pytest

COPIES = """
import threading
import numpy as np
from mdhr_runtime.backends.tensorrt.cuda_python_binding import CudaPython

cuda = CudaPython()

def work():
    with cuda.active():
        first, second = cuda.allocate(1000), cuda.allocate(1000)
        sent, received = cuda.pinned(1000), cuda.pinned(1000)
        sent[:] = np.arange(1000) % 251
        cuda.to_device(first, sent)
        cuda.on_device(second, first, 1000)
        cuda.to_host(received, second)
        cuda.synchronize()
        assert (received == sent).all()
        cuda.zero(second, 1000)
        cuda.to_host(received, second)
        cuda.synchronize()
        assert not received.any()
        cuda.free(first)
        cuda.free(second)

work()
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(cuda.stream)
"""


def test_cuda_python_copies_from_any_thread(driver, run):
    pytest.importorskip("cuda.bindings", reason="needs cuda-python")
    result = run(COPIES, driver)
    assert result.returncode == 0, result.stderr
    assert not result.stderr
    assert int(result.stdout) > 0


FAILING = """
from mdhr_runtime.backends.tensorrt.cuda_python_binding import CudaPython
from mdhr_runtime.errors import ProviderError
try:
    cuda = CudaPython()
    with cuda.active():
        cuda.allocate(1000)
        cuda.synchronize()
except ProviderError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("cuInit", "No NVIDIA GPU can be used"),
        ("cuMemAlloc", "no memory left to allocate 1000 bytes"),
        ("cuStreamSynchronize", "no memory left to finish its work"),
    ],
)
def test_failures_of_cuda_are_explained(driver, run, function, words):
    pytest.importorskip("cuda.bindings", reason="needs cuda-python")
    result = run(FAILING, driver, CUDA_STAND_IN_FAILS=function)
    assert words in result.stdout, result.stderr
    assert "fix:" in result.stdout


@pytest.mark.parametrize(
    ("code", "name"), [(46, "DEVICE_UNAVAILABLE"), (214, "ECC_UNCORRECTABLE"), (719, "LAUNCH_FAILED")]
)
def test_a_gpu_that_disappears_is_told(driver, run, code, name):
    pytest.importorskip("cuda.bindings", reason="needs cuda-python")
    result = run(FAILING, driver, CUDA_STAND_IN_FAILS="cuStreamSynchronize", CUDA_STAND_IN_CODE=str(code))
    assert "The GPU failed to finish its work" in result.stdout, result.stderr
    assert name in result.stdout
    assert "nvidia-smi" in result.stdout


def test_a_context_is_current_only_inside_active(driver, run):
    pytest.importorskip("cuda.bindings", reason="needs cuda-python")
    script = FAILING.replace("        cuda.synchronize()\n", "    cuda.synchronize()\n")
    assert "failed to finish its work" in run(script, driver).stdout
