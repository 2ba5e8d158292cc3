"""Libraries that report home are told not to before they are imported; a value of the user's stays."""

import os
import subprocess
import sys

import pytest

SHOW = "import {package}, os; print(os.environ['{variable}'])"


@pytest.mark.parametrize("given", [None, "0"])
@pytest.mark.parametrize(
    ("package", "variable"),
    [("mdhr_runtime.backends.onnx_runtime", "ORT_DISABLE_TELEMETRY"), ("mdhr_train.cli", "HF_HUB_DISABLE_TELEMETRY")],
)
def test_telemetry_is_off_unless_the_user_wants_it(package, variable, given):
    environment = {name: value for name, value in os.environ.items() if name != variable}
    environment |= {} if given is None else {variable: given}
    command = [sys.executable, "-c", SHOW.format(package=package, variable=variable)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (given or "1")


def test_onnx_runtime_says_nothing_without_a_home():
    """It prints a coloured warning where it cannot keep its identifier."""
    code = "from mdhr_runtime.backends.onnx_runtime import onnxruntime_module as module; module()"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**environment, "HOME": "/proc/nowhere"}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
