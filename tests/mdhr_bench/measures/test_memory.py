import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from mdhr_bench.measures.memory import memory, state_size
from mdhr_runtime.bundle import open_bundle
from mdhr_runtime.errors import MdhrError

MEBIBYTE = 1 << 20

# What is asked of NVIDIA's driver. From within a container it does not know the process.
DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef void *Device;
typedef struct { unsigned pid; unsigned long long memory; unsigned gpu, compute; } Process;

int cuInit(unsigned flags) { (void)flags; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetPCIBusId(char *id, int size, int device) { (void)device; snprintf(id, size, "0000:3b:00.0"); return 0; }
int nvmlInitWithFlags(unsigned flags) { (void)flags; return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char *id, Device *gpu) { (void)id; *gpu = (Device)1L; return 0; }
int nvmlDeviceGetMemoryInfo(Device gpu, unsigned long long *sizes) {
    (void)gpu; sizes[0] = 8ULL << 20; sizes[1] = 5ULL << 20; sizes[2] = 3ULL << 20; return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(Device gpu, unsigned *count, Process *found) {
    unsigned room = *count, own = getenv("CONTAINER") ? 1234567 : (unsigned)getpid();
    (void)gpu; *count = 2;
    if (room < 2) return 7; /* NVML_ERROR_INSUFFICIENT_SIZE */
    found[0] = (Process){7654321, 1 << 20, 0, 0};
    found[1] = (Process){own, 2 << 20, 0, 0};
    return 0;
}
"""


def test_a_process_grows_from_its_imports_over_the_bundle_to_the_stream(tiny_bundle):
    taken = memory(tiny_bundle, "cpu", streams=8)
    weights = (tiny_bundle / "encoder.onnx").stat().st_size
    assert taken.loaded - taken.imported > weights / 2
    assert taken.streaming > taken.imported
    assert taken.peak >= max(taken.loaded, taken.streaming)
    assert taken.state == state_size(open_bundle(tiny_bundle).manifest)
    assert taken.per_stream > 0
    assert taken.device is None


def test_the_state_is_what_the_temporal_graph_is_given_of_the_past(model_state):
    manifest, states = model_state
    assert state_size(manifest) == sum(state.nbytes for state in states) > 0


@pytest.fixture
def model_state(tiny_bundle):
    """The manifest, and one stream's states as arrays that the temporal graph really takes."""
    import mdhr_runtime

    model = mdhr_runtime.load(tiny_bundle, "cpu")
    manifest = model.bundle.manifest
    inputs = {
        name: np.zeros([1 if isinstance(size, str) else size for size in record.shape], record.dtype)
        for name, record in manifest.graphs["temporal"].inputs.items()
    }
    model.graph("temporal")(inputs)
    return manifest, [array for name, array in inputs.items() if name.startswith("state_")]


def test_the_peak_of_the_process_that_asks_is_none_of_its_own():
    code = (
        "import subprocess, sys, numpy\n"
        f"numpy.ones({400 * MEBIBYTE}, numpy.uint8)\n"
        "asked = 'from mdhr_bench.measures.memory import _peak; print(_peak())'\n"
        "subprocess.run([sys.executable, '-c', asked], check=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert MEBIBYTE < int(done.stdout) < 200 * MEBIBYTE


@pytest.mark.parametrize(("environment", "own"), [({}, 2 * MEBIBYTE), ({"CONTAINER": "yes"}, None)])
def test_memory_on_a_gpu_is_that_of_the_process_as_far_as_the_driver_knows_it(tmp_path, environment, own):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler, for the stand-in of the driver")
    (tmp_path / "driver.c").write_text(DRIVER)
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "driver.c"], check=True)
    shutil.copy(library, tmp_path / "libcuda.so.1")
    code = "import json; from mdhr_bench.measures.memory import device_memory; print(json.dumps(device_memory()))"
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)} | environment
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert json.loads(done.stdout) == [own, 3 * MEBIBYTE]


def test_a_missing_bundle_is_told_in_the_words_of_the_runtime(tmp_path):
    with pytest.raises(MdhrError, match="There is no bundle"):
        memory(tmp_path / "none.mdhr", "cpu")
