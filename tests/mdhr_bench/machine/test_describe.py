"""The description of a machine, from made-up trees of /etc, /proc and /sys."""

import json
import os
import subprocess

import pytest

from mdhr_bench.machine import describe as describing
from mdhr_bench.machine.describe import describe, describe_code, describe_jetson, describe_packages, slug
from mdhr_runtime.threads import thread_count

BOARD = "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super"

JETSON = {
    "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n",
    "proc/device-tree/model": f"{BOARD}\0",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "schedutil\n",
    "sys/class/devfreq/17000000.gpu/cur_freq": "306000000\n",
    "sys/class/devfreq/17000000.gpu/min_freq": "306000000\n",
    "sys/class/devfreq/17000000.gpu/max_freq": "1020000000\n",
    "sys/class/devfreq/17000000.gpu/governor": "nvhost_podgov\n",
    "sys/class/devfreq/15340000.vic/governor": "tegra_wmark\n",
}
CORES = os.cpu_count()


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
    monkeypatch.setattr(describing, "find_gpu", lambda: None)
    monkeypatch.setattr(describing, "describe_gpus", dict)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder that comes first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_a_jetson_is_named_by_its_board_and_told_with_its_power_mode(tmp_path, programs, no_gpu):
    script(programs, "nvpmodel", 'echo "NV Fan Mode:quiet"; echo "NV Power Mode: 15W"; echo 0')
    script(programs, "lscpu", 'echo "Model name:  Cortex-A78AE"; echo "Flags:   fp asimd asimdhp asimddp"')
    found = describe("TensorRT", "a GPU is here", plant(tmp_path / "root", JETSON))
    assert found["machine"]["name"].startswith(f"{BOARD}, ")
    assert found["machine"]["slug"].startswith("nvidia-jetson-orin-nano-engineering-reference-developer-kit-super-")
    assert found["jetson"] == {
        "model": BOARD,
        "release": "36.4.3",
        "power_mode": "15W",
        "power_mode_number": 0,
        "gpu_clocks": {"current_mhz": 306.0, "min_mhz": 306.0, "max_mhz": 1020.0, "governor": "nvhost_podgov"},
    }
    assert (found["cpu"]["model"], found["cpu"]["instructions"]) == ("Cortex-A78AE", "neon, fp16, dotprod")
    assert found["cpu"]["clocks"]["governor"] == "schedutil"
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


INTEL = "11th Gen Intel(R) Core(TM) i5-1135G7 @ 2.40GHz"


def test_a_laptop_is_named_by_its_cpu(tmp_path, programs, no_gpu):
    script(programs, "lscpu", f'echo "Model name:  {INTEL}"; echo "Flags:  fpu avx2 fma avx512f avx512_vnni"')
    found = describe("CPU", "no GPU", tmp_path)
    assert found["machine"]["name"].startswith("11th Gen Intel Core i5-1135G7 @ 2.40GHz, ")
    assert found["machine"]["slug"].startswith("11th-gen-intel-core-i5-1135g7-2-40ghz-")
    assert found["cpu"]["instructions"] == "avx2, fma, avx512f, avx512-vnni"
    assert not {"jetson", "gpu", "gpus"} & set(found)


def test_a_container_is_told_with_the_cores_that_it_may_use(tmp_path, no_gpu, monkeypatch):
    monkeypatch.delenv("MDHR_THREADS", raising=False)
    group = {
        "proc/self/cgroup": "0::/\n",
        "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "sys/fs/cgroup/cpu.max": "50000 100000\n",
    }
    found = describe("CPU", "no GPU", plant(tmp_path, group))
    assert [found["cpu"][name] for name in ("cgroup_cores", "usable_cores", "threads")] == [0.5, 0.5, 1]
    assert found["machine"]["name"].endswith(f", 0.5 of {CORES} cores")


@pytest.mark.skipif(CORES < 2, reason="needs two cores")
def test_a_process_that_is_bound_to_some_cores_is_told_with_these(tmp_path, no_gpu):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        found = describe("CPU", "", tmp_path)
    finally:
        os.sched_setaffinity(0, before)
    assert found["cpu"]["usable_cores"] == 1
    assert found["machine"]["name"].endswith(f", 1 of {CORES} cores")


def test_a_machine_that_tells_nothing_still_has_a_name_and_nothing_is_guessed(tmp_path, no_gpu, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = describe("CPU", "", tmp_path)
    assert found["machine"]["slug"]
    assert found["cpu"]["model"]
    assert not {"instructions", "cgroup_cores"} & set(found["cpu"])
    assert not {"jetson", "code"} & set(found)


def test_this_machine_can_be_described():
    found = describe("CPU", "no GPU")
    assert found["cpu"]["logical_cores"] == os.cpu_count()
    assert found["cpu"]["usable_cores"] <= len(os.sched_getaffinity(0))
    assert found["cpu"]["threads"] == thread_count()
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
