"""The CUDA bindings, called for real on a driver library that stands in for NVIDIA's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "support" / "driver_stand_in.c"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """A folder with a `libcuda.so.1` that keeps its memory on the host."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler, for the stand-in of the driver")
    library = tmp_path_factory.mktemp("driver") / "libcuda.so.1"
    command = [compiler, "-shared", "-fPIC", "-o", library, "-Wl,-soname,libcuda.so.1", SOURCE, "-ldl"]
    subprocess.run(command, check=True)
    return library.parent


def run(script, folder=None, **environment):
    if folder is not None:
        environment["LD_LIBRARY_PATH"] = str(folder)
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)


FIND = "from mdhr_runtime.backends.tensorrt.installed import find_gpu; print(find_gpu())"


def test_the_driver_names_the_gpu(driver):
    assert run(FIND, driver).stdout.strip() == "Stand-in GPU (14 multiprocessors, compute capability 8.7)"


def test_a_driver_without_a_gpu_has_none(driver):
    assert run(FIND, driver, CUDA_STAND_IN_FAILS="cuInit").stdout.strip() == "None"


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


def test_cuda_python_copies_from_any_thread(driver):
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
def test_failures_of_cuda_are_explained(driver, function, words):
    pytest.importorskip("cuda.bindings", reason="needs cuda-python")
    result = run(FAILING, driver, CUDA_STAND_IN_FAILS=function)
    assert words in result.stdout, result.stderr
    assert "fix:" in result.stdout


@pytest.mark.parametrize(
    ("code", "name"), [(46, "DEVICE_UNAVAILABLE"), (214, "ECC_UNCORRECTABLE"), (719, "LAUNCH_FAILED")]
)
def test_a_gpu_that_disappears_is_told(driver, code, name):
    pytest.importorskip("cuda.bindings", reason="needs cuda-python")
    result = run(FAILING, driver, CUDA_STAND_IN_FAILS="cuStreamSynchronize", CUDA_STAND_IN_CODE=str(code))
    assert "The GPU failed to finish its work" in result.stdout, result.stderr
    assert name in result.stdout
    assert "nvidia-smi" in result.stdout


def test_a_context_is_current_only_inside_active(driver):
    pytest.importorskip("cuda.bindings", reason="needs cuda-python")
    script = FAILING.replace("        cuda.synchronize()\n", "    cuda.synchronize()\n")
    assert "failed to finish its work" in run(script, driver).stdout


def test_without_a_driver_there_is_no_gpu():
    from mdhr_runtime.backends.tensorrt.installed import find_gpu

    if find_gpu() is not None:
        pytest.skip("there is a GPU")
    result = run(
        "from mdhr_runtime.backends.tensorrt.backend import open_device\n"
        "from mdhr_runtime.errors import ProviderError\n"
        "try:\n    open_device()\nexcept ProviderError as error:\n    print(error)"
    )
    assert "fix:" in result.stdout, result.stderr
