"""What is installed, and who imports whom."""

import csv
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]

PACKAGES = {  # package → folder
    "mdhr_runtime": ROOT / "runtime" / "mdhr_runtime",
    "mdhr_export": ROOT / "export" / "mdhr_export",
    "mdhr_train": ROOT / "mdhr_train",
    "mdhr_bench": ROOT / "benchmarks" / "mdhr_bench",
}

FORBIDDEN = {  # package → what it must not import
    "mdhr_runtime": ("mdhr_bench", "mdhr_train", "mdhr_export", "torch", "timm", "onnx", "matplotlib"),
    "mdhr_train": ("mdhr_bench", "mdhr_export", "onnx", "matplotlib"),
    "mdhr_export": ("mdhr_bench",),
    "mdhr_bench": (
        "mdhr_train",
        "mdhr_export",
        "torch",
        "timm",
        "onnx",
        "onnxruntime",
        "psutil",
        "pynvml",
        "matplotlib",
    ),
}

# Imports every module of a package where the forbidden ones cannot be imported. The bindings of CUDA import what not
# every machine has.
IMPORT_ALL = """
import importlib, pkgutil, sys
package, *forbidden = sys.argv[1:]
sys.modules.update(dict.fromkeys(forbidden))
root = importlib.import_module(package)
names = [module.name for module in pkgutil.walk_packages(root.__path__, package + ".")]
names = [name for name in names if not name.endswith("_binding")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


@pytest.mark.parametrize("package", FORBIDDEN)
def test_dependencies_point_one_way(package):
    command = [sys.executable, "-c", IMPORT_ALL, package, *FORBIDDEN[package]]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) >= 10


def test_every_extra_that_a_message_names_exists():
    section = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    extras = set(re.findall(r"^([\w-]+) = \[", section, re.MULTILINE))
    texts = [path for folder in PACKAGES.values() for path in folder.rglob("*.py")]
    texts += [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docker/*")]
    named = {
        extra: path
        for path in texts
        for extras_of in re.findall(r"mdhr-edge\[([\w,-]+)\]", path.read_text(encoding="utf-8"))
        for extra in extras_of.split(",")
    }
    assert {"train", "export", "cpu"} <= set(named)
    assert "face-recognition-models" in re.search(r"^export = \[.*?^\]", section, re.MULTILINE | re.DOTALL)[0]
    assert not {extra: path for extra, path in named.items() if extra not in extras}


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def lean_python(wheel, tmp_path_factory):
    """The Python of an environment with nothing but the runtime and its `cpu` extra."""
    folder = tmp_path_factory.mktemp("lean")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[cpu]")
    return python


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel):
    tree = {
        f"{package}/{path.relative_to(root).as_posix()}"
        for package, root in PACKAGES.items()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == tree


def test_an_editable_install_is_plain_paths_that_type_checkers_follow(tmp_path):
    """No import hook: the four folders stand on Python's path."""
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path, "--editable", ROOT)
    listed = {line for file in tmp_path.glob("*.pth") for line in file.read_text().splitlines()}
    assert listed == {str(root.parent) for root in PACKAGES.values()}


def test_the_runtime_labels_frames_where_no_training_library_is_installed(lean_python, tiny_bundle, tmp_path):
    script = """
import sys, numpy, mdhr_runtime
scores = mdhr_runtime.load(sys.argv[1]).clip(numpy.zeros((9, 224, 224, 3), numpy.uint8))
assert scores.shape == (9, 12), scores.shape
for name in ("torch", "timm", "onnx"):
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit(name + " is installed")
"""
    result = subprocess.run([lean_python, "-c", script, tiny_bundle], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_people_and_events_need_no_more_than_the_runtime(lean_python, tiny_bundle, tmp_path):
    portrait = np.ascontiguousarray(data.astronaut()[:240, 100:340, ::-1])
    cv2.imwrite(str(tmp_path / "a.png"), portrait)
    outputs = ("--out", "au.csv", "--events", "events.csv", "--events", "events.eaf", "--summary", "summary.csv")
    run(lean_python.parent / "mdhr-run", tiny_bundle, "a.png", *outputs, cwd=tmp_path)
    (row,) = csv.DictReader((tmp_path / "au.csv").read_text().splitlines())
    assert row["person"] == "0"
    assert float(row["quality"]) > 0.9
    assert all((tmp_path / name).is_file() for name in outputs[1::2])


@pytest.mark.parametrize("command", ["mdhr-run", "mdhr-archive", "mdhr-plot", "mdhr-export", "mdhr-train"])
def test_help_works_in_the_lean_environment(lean_python, command):
    result = subprocess.run([lean_python.parent / command, "--help"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout


def test_the_exporter_names_the_extra_that_it_lacks(lean_python, tmp_path):
    command = [lean_python.parent / "mdhr-export", "--ckpt", "x.pt"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 1
    assert "mdhr-edge[export,cpu]" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_gpu_machine_is_set_up_from_wheels_where_its_python_is_itself_a_virtual_environment(wheel, tmp_path):
    (tmp_path / "wheels").mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path)
    command = ["make", ".venv-gpu/ready", f"PYTHON={sys.executable}"]
    without = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert without.returncode != 0
    assert "pip wheel" in without.stdout
    shutil.copy(wheel, tmp_path / "wheels")
    run(*command, cwd=tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    program = "import mdhr_runtime, torch, sys; print(mdhr_runtime.__file__)"
    place = run(tmp_path / ".venv-gpu" / "bin" / "python", "-c", program, env=environment, cwd=tmp_path)
    assert place.startswith(str(tmp_path))
