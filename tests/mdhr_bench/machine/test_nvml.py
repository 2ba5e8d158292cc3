"""NVML's Python module, called for real on a library that stands in for the driver's."""

import json
import os
import shutil
import subprocess
import sys

import pytest

# One GPU of both of the driver's libraries. NVML_LACKS names functions that it does not support.
SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *Device;
typedef struct { unsigned pid; unsigned long long memory; unsigned gpu, compute; } Process;

static int lacks(const char *name) {
    const char *names = getenv("NVML_LACKS");
    return names && strstr(names, name) ? 3 : 0; /* NVML_ERROR_NOT_SUPPORTED */
}

int cuInit(unsigned flags) { (void)flags; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int size, int device) { (void)device; snprintf(name, size, "Stand-in GPU"); return 0; }
int cuDeviceGetAttribute(int *value, int which, int device) { (void)device; *value = which == 75 ? 9 : 0; return 0; }
int cuDeviceGetPCIBusId(char *id, int size, int device) { (void)device; snprintf(id, size, "0000:3b:00.0"); return 0; }

int nvmlInitWithFlags(unsigned flags) { (void)flags; return lacks("nvmlInit"); }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int error) { (void)error; return "Not Supported"; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) { snprintf(text, size, "580.95.05"); return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 13020; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device *gpu) { *gpu = (Device)(long)(index + 1); return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char *id, Device *gpu) {
    *gpu = (Device)1L;
    return strcmp(id, "0000:3b:00.0") ? 6 : 0;
}
int nvmlDeviceGetName(Device gpu, char *name, unsigned size) { return cuDeviceGetName(name, size, 0); }
int nvmlDeviceGetMemoryInfo(Device gpu, unsigned long long *sizes) {
    sizes[0] = 1ULL << 33; sizes[1] = 1ULL << 32; sizes[2] = 1ULL << 32;
    return 0;
}
int nvmlDeviceGetClockInfo(Device gpu, int type, unsigned *mhz) { *mhz = 100 * (unsigned)type; return 0; }
int nvmlDeviceGetMaxClockInfo(Device gpu, int type, unsigned *mhz) { *mhz = 900 * (unsigned)type; return 0; }
int nvmlDeviceGetEnforcedPowerLimit(Device gpu, unsigned *limit) { *limit = 350000; return 0; }
int nvmlDeviceGetPersistenceMode(Device gpu, int *mode) { *mode = 1; return 0; }
int nvmlDeviceGetMigMode(Device gpu, unsigned *now, unsigned *next) { *now = *next = 0; return lacks("Mig"); }
int nvmlDeviceGetTotalEnergyConsumption(Device gpu, unsigned long long *energy) {
    static unsigned long long total = 1ULL << 40;
    *energy = total += 2500;
    return lacks("Energy");
}
int nvmlDeviceGetPowerUsage(Device gpu, unsigned *power) { *power = 80000; return lacks("Power"); }
int nvmlDeviceGetCurrentClocksThrottleReasons(Device gpu, unsigned long long *reasons) {
    const char *given = getenv("NVML_REASONS");
    *reasons = given ? strtoull(given, 0, 0) : 0;
    return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(Device gpu, unsigned *count, Process *found) {
    const char *pid = getenv("NVML_PID");
    unsigned room = *count;
    *count = pid ? 1 : 0;
    if (room < *count) return 7; /* NVML_ERROR_INSUFFICIENT_SIZE */
    if (pid) found[0] = (Process){(unsigned)atoi(pid), 2 << 20, 0, 0};
    return 0;
}
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """A folder with both of the driver's libraries."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler, for the stand-in of the driver")
    folder = tmp_path_factory.mktemp("driver")
    (folder / "driver.c").write_text(SOURCE)
    library = folder / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "driver.c"], check=True)
    shutil.copy(library, folder / "libcuda.so.1")
    return folder


def run(driver, expression, **environment):
    """What an expression evaluates to in a process that finds the stand-in for the driver."""
    code = (
        "import json, os, time\n"
        "from mdhr_bench.machine.describe import describe\n"
        "from mdhr_bench.machine.nvml import device_memory, gpu_troubles\n"
        "from mdhr_bench.machine.power import find_gpu_meter\n"
        "def measure():\n"
        "    meter = find_gpu_meter()\n"
        "    joules, seconds, _ = meter.measure(lambda: time.sleep(0.05))\n"
        "    return meter.name, joules, seconds\n"
        f"print(json.dumps({expression}))\n"
    )
    environment = os.environ | {"LD_LIBRARY_PATH": str(driver)} | environment
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_gpu_is_described_and_names_the_machine(driver):
    found = run(driver, "describe('CUDA', '')", NVML_LACKS="Mig")
    assert found["gpus"] == {
        "0": {
            "name": "Stand-in GPU",
            "driver": "580.95.05",
            "cuda": "13.2",
            "memory_bytes": 1 << 33,
            "sm_mhz": 100,
            "sm_max_mhz": 900,
            "memory_mhz": 200,
            "memory_max_mhz": 1800,
            "power_limit_watts": 350.0,
            "persistence": "on",
        }
    }
    assert found["gpu"]["compute_capability"] == "9.0"
    if not os.path.exists("/proc/device-tree/model"):
        assert found["machine"]["slug"].startswith("stand-in-gpu-")


def test_the_energy_of_a_gpu_is_the_difference_of_its_counter(driver):
    name, joules, _ = run(driver, "measure()")
    assert (name, joules) == ("NVML, Stand-in GPU", 2.5)


def test_the_energy_of_a_gpu_without_a_counter_is_summed_up_from_its_power(driver):
    _, joules, seconds = run(driver, "measure()", NVML_LACKS="Energy")
    assert joules == pytest.approx(80 * seconds, rel=0.02)


def test_a_gpu_that_tells_neither_energy_nor_power_is_missing(driver):
    assert "neither energy nor power" in run(driver, "find_gpu_meter().why", NVML_LACKS="Energy Power")


def test_a_driver_that_does_not_answer_has_no_gpus(driver):
    assert run(driver, "[find_gpu_meter(), list(gpu_troubles(set()))]", NVML_LACKS="nvmlInit") == [None, []]


def test_a_gpu_that_is_held_down_and_shared_is_told(driver):
    told = run(driver, "list(gpu_troubles({42}))", NVML_REASONS="0x64", NVML_PID="1")
    assert told == [
        "The GPU's clocks are held down by its power limit and its temperature.",
        "Other programs compute on the GPU: pid 1.",
    ]


def test_own_programs_on_a_gpu_are_no_trouble(driver):
    assert run(driver, "list(gpu_troubles({42}))", NVML_PID="42") == []


@pytest.mark.parametrize(("pid", "own"), [("os.getpid()", 2 << 20), ("1234567", None)])
def test_memory_on_a_gpu_is_that_of_the_process_as_far_as_the_driver_knows_it(driver, pid, own):
    """From within a container the driver does not know the process."""
    expression = f"[os.environ.update(NVML_PID=str(os.getpid())), device_memory({pid})]"
    assert run(driver, expression)[1] == [own, 1 << 32]


def test_an_idle_gpu_is_no_trouble(driver):
    assert run(driver, "list(gpu_troubles({42}))", NVML_REASONS="0x1") == []
