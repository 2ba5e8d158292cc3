"""The commands of docs/jetson.md, as far as they can be checked without a Jetson."""

import re
import subprocess

import pytest
from deployment import ROOT, extras, unknown_extras

PAGE = (ROOT / "docs" / "jetson.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_commands_are_valid_shell(block):
    result = subprocess.run(["sh", "-n", "-c", block], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_extras_exist():
    named = extras(PAGE)
    assert {"cpu", "tensorrt"} <= named
    assert not unknown_extras(named)
