"""Commands in docs/ and in the page on benchmarks: valid shell, with options that exist."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdhr_bench.cli import main as mdhr_bench
from mdhr_export.cli import main as mdhr_export
from mdhr_runtime.cli.archive import main as mdhr_archive
from mdhr_runtime.cli.plot import main as mdhr_plot
from mdhr_runtime.cli.run import main as mdhr_run
from mdhr_train.cli import main as mdhr_train

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks" / "README.md"]
PROGRAMS = {
    "mdhr-archive": mdhr_archive,
    "mdhr-bench": mdhr_bench,
    "mdhr-export": mdhr_export,
    "mdhr-run": mdhr_run,
    "mdhr-train": mdhr_train,
}
UNNAMED = {"mdhr-archive": "label", "mdhr-bench": "run"}
"""The command of a program that need not be named."""

COMMAND = re.compile(r"(mdhr-(?:archive|bench|export|run|train))((?: [a-z0-9-]+){0,2})([^`\n]*)")

BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL))
]
OPTIONS = sorted(
    {
        (page.name, *command.groups(), option)
        for page in PAGES
        for command in COMMAND.finditer(page.read_text().replace("\\\n", ""))
        for option in re.findall(r"--[a-z][a-z0-9-]*", command.group(3))
    }
)


@cache
def help_of(program, words):
    """Help of the command that the words behind a program begin with, which may be one of a group's."""
    command, named = PROGRAMS[program], []
    for word in words.split():
        if word not in getattr(command, "commands", {}):
            break
        command = command.commands[word]
        named.append(word)
    if not named and program in UNNAMED:
        named = [UNNAMED[program]]
    return CliRunner().invoke(PROGRAMS[program], [*named, "--help"]).output


def _commands(program, name):
    """A program and all of its commands, those of groups among them, each with its words."""
    inner = getattr(program, "commands", {}).items()
    return [(name, program), *(found for word, each in inner for found in _commands(each, f"{name} {word}"))]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, id=words)
        for name, program in {**PROGRAMS, "mdhr-plot": mdhr_plot}.items()
        for words, command in _commands(program, name)
    ],
)
def test_every_command_explains_itself_on_both_options(command):
    short, long = (CliRunner().invoke(command, [option]) for option in ("-h", "--help"))
    assert short.exit_code == long.exit_code == 0
    assert short.output == long.output
    assert "-h, --help" in long.output


@pytest.mark.parametrize("module", ["mdhr_runtime", "mdhr_runtime.plotting", "mdhr_export", "mdhr_train", "mdhr_bench"])
def test_every_program_is_a_module_too(module):
    done = subprocess.run([sys.executable, "-m", module, "-h"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: python -m {module} ")


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_are_valid_shell(block):
    result = subprocess.run(["sh", "-n", "-c", block], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("page", "program", "command", "rest", "option"), OPTIONS)
def test_options_exist(page, program, command, rest, option):
    assert option in help_of(program, command), f"{page}: {program}{command} {option}"
