"""The description of a machine, from made-up trees of /etc, /proc and /sys."""

import json
import os
import subprocess

import pytest

from mdhr_bench.machine import environment
from mdhr_bench.machine.environment import describe, slug
from mdhr_bench.machine.jetson import describe_jetson
from mdhr_bench.machine.software import describe_code, describe_packages

JETSON = {
    "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n",
    "etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\n',
    "proc/sys/kernel/osrelease": "5.15.148-tegra\n",
    "proc/device-tree/model": "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0",
    "proc/cpuinfo": "\n".join(
        f"processor\t: {core}\nmodel name\t: ARMv8 Processor rev 1 (v8l)\nFeatures\t: fp asimd asimdhp asimddp\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd42\n"
        for core in range(6)
    ),
    "proc/self/status": "Name:\tpython\nCpus_allowed_list:\t0-5\n",
    "proc/meminfo": "MemTotal:        7802936 kB\nMemFree:          100 kB\nMemAvailable:    5000000 kB\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1510400\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq": "729600\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "1510400\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "schedutil\n",
    "sys/class/devfreq/17000000.gpu/cur_freq": "306000000\n",
    "sys/class/devfreq/17000000.gpu/min_freq": "306000000\n",
    "sys/class/devfreq/17000000.gpu/max_freq": "1020000000\n",
    "sys/class/devfreq/17000000.gpu/governor": "nvhost_podgov\n",
    "sys/class/devfreq/15340000.vic/governor": "tegra_wmark\n",
} | {f"sys/devices/system/cpu/cpu{core}/topology/core_id": f"{core}\n" for core in range(6)}

LAPTOP = {
    "proc/cpuinfo": "\n".join(
        f"processor\t: {core}\nmodel name\t: 11th Gen Intel(R) Core(TM) i5-1135G7 @ 2.40GHz\ncpu MHz\t\t: 2400.000\n"
        "flags\t\t: fpu sse2 avx2 fma avx512f avx512_vnni\n"
        for core in range(4)
    ),
    "proc/self/status": "Cpus_allowed_list:\t0-127\n",
    "proc/self/cgroup": "0::/user.slice/session.scope\n",
    "sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
} | {
    f"sys/devices/system/cpu/cpu{core}/topology/{name}": f"{number}\n"
    for core in range(4)
    for name, number in (("core_id", core % 2), ("physical_package_id", 0))
}


def plant(root, files):
    """Write a tree of files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def script(folder, name, text):
    """A program on PATH that plays one of the machine's."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(environment, "find_gpu", lambda: None)
    monkeypatch.setattr(environment, "describe_gpus", dict)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder that comes first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_a_jetson_is_named_by_its_board_and_told_with_its_power_mode(tmp_path, programs, no_gpu):
    script(programs, "nvpmodel", 'echo "NV Fan Mode:quiet"; echo "NV Power Mode: 15W"; echo 0')
    found = describe("TensorRT", "a GPU is here", plant(tmp_path / "root", JETSON))
    assert found["machine"] == {
        "name": "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super, 6 cores",
        "slug": "nvidia-jetson-orin-nano-engineering-reference-developer-kit-super-6-cores",
    }
    assert found["jetson"] == {
        "model": "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
        "release": "36.4.3",
        "power_mode": "15W",
        "power_mode_number": 0,
        "gpu_clocks": {"current_mhz": 306.0, "min_mhz": 306.0, "max_mhz": 1020.0, "governor": "nvhost_podgov"},
    }
    assert found["cpu"] == {
        "model": "Cortex-A78AE",
        "physical_cores": 6,
        "logical_cores": 6,
        "usable_cores": 6,
        "instructions": "neon, fp16, dotprod",
        "clocks": {"current_mhz": 1510.4, "min_mhz": 729.6, "max_mhz": 1510.4, "governor": "schedutil"},
    }
    assert found["memory"] == {"total_bytes": 7802936 * 1024, "available_bytes": 5000000 * 1024}
    assert (found["system"]["os"], found["system"]["kernel"]) == ("Ubuntu 22.04.5 LTS", "5.15.148-tegra")
    assert found["provider"] == {"name": "TensorRT", "reason": "a GPU is here"}
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("printed", "mode"),
    [
        ("NV Power Mode: MAXN\n0", ("MAXN", 0)),
        ("NVPM WARN: fan mode is not set!\nNV Power Mode: MODE_15W_6CORE\n2", ("MODE_15W_6CORE", 2)),
        ("NV Power Mode: MAXN_SUPER", ("MAXN_SUPER", None)),
        ("NVPM ERROR: failed to read PARAM ARG", (None, None)),
    ],
)
def test_the_power_mode_is_read_in_the_forms_that_nvpmodel_prints(tmp_path, programs, printed, mode):
    script(programs, "nvpmodel", f"printf '{printed}\\n'")
    found = describe_jetson(plant(tmp_path / "root", JETSON))
    assert (found.get("power_mode"), found.get("power_mode_number")) == mode


def test_a_laptop_is_named_by_its_cpu(tmp_path, no_gpu):
    found = describe("CPU", "no GPU", plant(tmp_path, LAPTOP))
    assert found["machine"]["name"] == "11th Gen Intel Core i5-1135G7 @ 2.40GHz, 4 cores"
    assert found["machine"]["slug"] == "11th-gen-intel-core-i5-1135g7-2-40ghz-4-cores"
    cpu = found["cpu"]
    assert (cpu["physical_cores"], cpu["logical_cores"], cpu["usable_cores"]) == (2, 4, 4)
    assert cpu["instructions"] == "avx2, fma, avx512f, avx512-vnni"
    assert cpu["clocks"] == {"current_mhz": 2400.0}
    assert not {"jetson", "gpu", "gpus", "memory"} & set(found)


@pytest.mark.parametrize(
    "group",
    [
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"},
        {"proc/self/cgroup": "0::/../../docker/1f\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"},
        {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "150000 100000\n"},
        {
            "proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/docker/1f\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    ],
)
def test_a_container_is_told_with_the_cores_that_it_may_use(tmp_path, no_gpu, group):
    found = describe("CPU", "no GPU", plant(tmp_path, LAPTOP | group))
    assert (found["cpu"]["cgroup_cores"], found["cpu"]["usable_cores"]) == (1.5, 1.5)
    assert found["machine"]["name"].endswith(", 1.5 of 4 cores")


def test_a_process_that_is_bound_to_some_cores_is_told_with_these(tmp_path, no_gpu):
    found = describe("CPU", "", plant(tmp_path, LAPTOP | {"proc/self/status": "Cpus_allowed_list:\t0,2-3\n"}))
    assert found["cpu"]["usable_cores"] == 3
    assert found["machine"]["name"].endswith(", 3 of 4 cores")


def test_a_machine_that_tells_nothing_still_has_a_name_and_nothing_is_guessed(tmp_path, no_gpu):
    found = describe("CPU", "", tmp_path)
    assert found["machine"]["slug"]
    assert set(found["cpu"]) == {"model"}
    assert "memory" not in found


def test_this_machine_can_be_described():
    found = describe("CPU", "no GPU")
    assert found["cpu"]["logical_cores"] == os.cpu_count()
    assert found["cpu"]["usable_cores"] <= len(os.sched_getaffinity(0))
    assert found["memory"]["available_bytes"] < found["memory"]["total_bytes"]
    assert found["machine"]["slug"] == slug(found["machine"]["name"])
    assert {"mdhr-edge", "numpy", "onnx", "psutil"} <= set(found["packages"])
    assert json.loads(json.dumps(found)) == found


def test_variants_of_packages_are_told_by_their_names():
    packages = describe_packages()
    assert any(name.startswith("onnxruntime") for name in packages)
    assert any(name.startswith("opencv") for name in packages)
    assert "pytest" not in packages


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_code_in_a_checkout_has_a_revision_and_changes_are_told(tmp_path):
    plant(tmp_path, {"package/__init__.py": "", "other.py": ""})
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "All")
    clean = describe_code(tmp_path / "package")
    assert len(clean["revision"]) == 40
    assert clean["changes"] == "none"
    (tmp_path / "result.json").write_text("{}")
    assert describe_code(tmp_path / "package") == clean
    (tmp_path / "other.py").write_text("changed")
    assert describe_code(tmp_path / "package") == clean | {"changes": "uncommitted"}


def test_code_that_is_installed_inside_a_foreign_checkout_has_no_revision(tmp_path):
    plant(tmp_path, {"main.py": "", ".venv/package/__init__.py": ""})
    git(tmp_path, "init")
    git(tmp_path, "add", "main.py")
    git(tmp_path, "commit", "-m", "All")
    assert describe_code(tmp_path / ".venv/package") == {}


def test_code_outside_a_checkout_has_no_revision(tmp_path):
    plant(tmp_path, {"package/__init__.py": ""})
    assert describe_code(tmp_path / "package") == {}
