"""Commands in docs/: valid shell, with options that exist."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdhr_export.cli import main as mdhr_export
from mdhr_runtime.cli import main as mdhr_run
from mdhr_train.cli import main as mdhr_train

DOCS = Path(__file__).parents[2] / "docs"
PROGRAMS = {"mdhr-export": mdhr_export, "mdhr-run": mdhr_run, "mdhr-train": mdhr_train}

BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in sorted(DOCS.glob("*.md"))
    for number, block in enumerate(re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL))
]
OPTIONS = sorted(
    {
        (page.name, *command.groups(), option)
        for page in DOCS.glob("*.md")
        for command in re.finditer(r"(mdhr-(?:export|run|train))((?: [a-z0-9-]+)?)([^`\n]*)", page.read_text())
        for option in re.findall(r"--[a-z][a-z0-9-]*", command.group(3))
    }
)


@cache
def help_of(program, command):
    arguments = [command] if program == "mdhr-train" else []
    return CliRunner().invoke(PROGRAMS[program], [*arguments, "--help"]).output


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_are_valid_shell(block):
    result = subprocess.run(["sh", "-n", "-c", block], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("page", "program", "command", "rest", "option"), OPTIONS)
def test_options_exist(page, program, command, rest, option):
    assert option in help_of(program, command.strip()), f"{page}: {program}{command} {option}"
