"""Every command block of the README runs, in the order in which a reader meets it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "examples" / "demo.sh"
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
PROGRAMS = [block for kind, block in BLOCKS if kind == "python"]


def run(command, folder):
    """Run a command as a reader does whose environment is active."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's folder, after `make demo`'s script ran in it."""
    folder = tmp_path_factory.mktemp("readme")
    result = run(["sh", DEMO, folder / "demo"], folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "AU12" in result.stdout
    return folder / "demo"


def test_the_demo_leaves_what_it_promises(demo):
    assert {path.name for path in demo.iterdir()} >= {"face.mp4", "truth.csv", "demo.pt", "demo.mdhr", "au.csv"}
    assert len((demo / "au.csv").read_text().splitlines()) == len((demo / "truth.csv").read_text().splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command, demo):
    if command.startswith("make "):
        dry = run([*command.split(), "--dry-run"], ROOT)
        assert dry.returncode == 0, dry.stderr
    elif command.startswith("pip install"):
        # tests/test_packages.py installs exactly this into an environment of its own.
        assert command == "pip install '.[cpu]'"
    elif command not in DEMO.read_text().splitlines():  # what the demo runs, it has run
        result = run(["sh", "-c", command], demo)
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_programs_run(program, demo):
    result = run([sys.executable, "-c", program], demo)
    assert result.returncode == 0, result.stderr
    assert result.stdout


def test_the_demo_is_what_make_runs():
    assert "examples/demo.sh demo-output" in run(["make", "--dry-run", "demo"], ROOT).stdout
