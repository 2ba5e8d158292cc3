"""What the command lines share."""

import warnings

import click
from click.testing import CliRunner

from mdhr_runtime.cli.console import Command, spoken_warnings, step, table
from mdhr_runtime.errors import MdhrError


@click.command(cls=Command)
def failing():
    with step("work"):
        raise MdhrError("It broke.", "It was thin.", "Take a thicker one.")


def test_errors_are_told_in_three_parts_without_a_traceback():
    result = CliRunner().invoke(failing)
    assert result.exit_code == 1
    assert result.stderr == "work … failed\nerror: It broke.\n  why: It was thin.\n  fix: Take a thicker one.\n"
    assert result.stdout == ""


def test_tables_align_names_left_and_numbers_right():
    text = table(("AU", "share"), [("AU01", "5 %"), ("AU12", "100 %")])
    assert text.splitlines() == ["AU    share", "────  ─────", "AU01    5 %", "AU12  100 %"]


def test_warnings_are_told_in_one_line(capsys):
    with spoken_warnings():
        warnings.warn("The sky is low.", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: The sky is low.\n"


def test_a_lack_of_memory_is_told_in_three_parts():
    @click.command(cls=Command)
    def hungry():
        raise MemoryError("std::bad_alloc")

    result = CliRunner().invoke(hungry)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: Memory ran out.\n  why: std::bad_alloc\n  fix: ")
