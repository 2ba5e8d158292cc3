"""Every command block of the README runs, in the order in which a reader meets it."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "examples" / "demo.sh"
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
SUBSCRIBERS = re.findall(r"^```python subscriber\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PROGRAMS = [block for kind, block in BLOCKS if kind == "python"]


def run(command, folder, **environment):
    """Run a command as a reader does whose environment is active."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment | {"PATH": path}, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's folder, after `make demo`'s script ran in it."""
    folder = tmp_path_factory.mktemp("readme")
    result = run(["sh", DEMO, folder / "demo"], folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "AU12" in result.stdout
    return folder / "demo"


def test_the_demo_leaves_what_it_promises(demo):
    assert {path.name for path in demo.iterdir()} >= {
        *("face.mp4", "truth.csv", "demo.pt", "demo.mdhr"),
        *("au.csv", "overlay.mp4", "au.csv.png"),
    }
    assert len((demo / "au.csv").read_text().splitlines()) == len((demo / "truth.csv").read_text().splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command, demo):
    if command.startswith("make "):
        dry = run([*command.split(), "--dry-run"], ROOT)
        assert dry.returncode == 0, dry.stderr
    elif command.startswith("pip install"):
        # tests/test_packages.py installs exactly this into an environment of its own.
        assert command == "pip install '.[cpu]'"
    elif command.startswith("sh examples/"):
        _, script, folder = command.split()
        small = {"RECORDINGS": "1", "EPOCHS": "1", "OPTIONS": "--subjects 3 --frames 12"}
        result = run(["sh", ROOT / script, folder], demo, **small)
        assert result.returncode == 0, result.stderr
        assert (demo / folder / "run" / "report.html").exists()
    elif command not in DEMO.read_text().splitlines():  # what the demo runs, it has run
        result = run(["sh", "-c", command], demo)
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_programs_run(program, demo):
    result = run([sys.executable, "-c", program], demo)
    assert result.returncode == 0, result.stderr
    assert result.stdout


def wait_for(port):
    """Wait until somebody listens on a loopback port."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"nobody listens on port {port}")


@contextmanager
def program(*command, **options):
    """A program in the background, ended with the block."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_websocket_subscriber_receives_rows(demo, tmp_path):
    address = "ws://127.0.0.1:8765"
    (subscriber,) = [block for block in SUBSCRIBERS if address in block]
    command = [Path(sys.executable).parent / "mdhr-run", "demo.mdhr", "face.mp4", "--publish", address]
    with program(*command, "--out", tmp_path / "au.csv", cwd=demo):
        wait_for(8765)
        result = run([sys.executable, "-c", subscriber], demo)
    assert result.returncode == 0, result.stderr
    assert "face.mp4 0 [" in result.stdout


@pytest.mark.skipif(not shutil.which("mosquitto"), reason="needs Debian's package mosquitto")
def test_an_mqtt_subscriber_receives_rows(demo, tmp_path):
    (subscriber,) = [block for block in SUBSCRIBERS if "paho" in block]
    command = ["mdhr-run", "demo.mdhr", "face.mp4", "--publish", "mqtt://localhost/lab/faces"]
    with program("mosquitto", "-p", "1883"):
        wait_for(1883)
        with program(sys.executable, "-u", "-c", subscriber) as listener:
            time.sleep(2)  # until it has subscribed: the broker keeps nothing for those who come later
            result = run([*command, "--out", str(tmp_path / "au.csv")], demo)
            assert result.returncode == 0, result.stderr
            assert listener.stdout.readline().startswith("face.mp4 0 [")


def test_the_demo_is_what_make_runs():
    assert "examples/demo.sh demo-output" in run(["make", "--dry-run", "demo"], ROOT).stdout
