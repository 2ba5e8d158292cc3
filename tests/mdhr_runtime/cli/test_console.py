"""What the command lines share."""

import errno
import warnings

import click
import pytest
from click.testing import CliRunner

from mdhr_runtime.cli.console import Command, Finite, spoken_warnings, step, table
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


@click.command(cls=Command)
@click.argument("place")
@click.option("--rate", type=Finite(min=0.5, max=1e6))
def placed(place, rate):
    if place == "full":
        raise OSError(errno.ENOSPC, "No space left on device")
    raise MdhrError(f"There is no table {place}.", f"Nothing at {place}", f"Look at {place} again.")


@pytest.mark.parametrize("arguments", [["https:/me:SECRET@host/x"], ["x", "ws://me:SECRET@host/?SECRET#SECRET"]])
def test_an_address_that_was_given_as_another_thing_is_told_without_its_secrets(arguments):
    result = CliRunner().invoke(placed, arguments)
    assert result.exit_code in (1, 2)
    assert "//host" in result.stderr
    assert "SECRET" not in result.output


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e300", "1e-320", "one"])
def test_numbers_are_finite_and_within_bounds(number):
    result = CliRunner().invoke(placed, ["x", "--rate", number])
    assert result.exit_code == 2
    assert "--rate" in result.stderr


def test_a_full_standard_output_is_told_in_three_parts():
    result = CliRunner().invoke(placed, ["full"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: The standard output cannot be written.\n  why: No space left on device\n")


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
