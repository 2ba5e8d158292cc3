"""What is told on stderr, by level: our lines always whole, those of libraries with debug only."""

import os
import subprocess
import sys

import cv2
import pytest

SPEAKING = """
import logging, os, sys, warnings
import click
from mdhr_runtime.cli.console import Command
from mdhr_runtime.cli.log_level import inform, log_level_option, warn

@click.command(cls=Command)
@log_level_option()
def main():
    os.write(2, b"from C\\n")
    logging.getLogger("library").error("from logging")
    warnings.warn("from warnings")
    inform("a fact")
    warn("a danger")
    with click.progressbar(range(2), file=sys.stderr, label="bar") as bar:
        list(bar)
    click.echo("a message", err=True)
    {end}

main()
"""
LIBRARIES = ("from C", "from logging", "from warnings")


def speak(*arguments, end="pass"):
    command = [sys.executable, "-c", SPEAKING.format(end=end), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("level", "told", "silent"),
    [
        ("error", (), ("info: a fact", "warning: a danger", *LIBRARIES)),
        ("warning", ("warning: a danger",), ("info: a fact", *LIBRARIES)),
        ("info", ("info: a fact", "warning: a danger"), LIBRARIES),
        ("debug", ("info: a fact", "warning: a danger", *LIBRARIES), ()),
    ],
)
def test_each_level_tells_more(level, told, silent):
    status, said = speak("--log-level", level)
    assert status == 0
    assert "bar" in said
    assert said.endswith("a message\n")
    assert all(text in said for text in told)
    assert not any(text in said for text in silent)


def test_a_traceback_and_an_error_are_never_lost():
    status, said = speak(end="raise RuntimeError('our bug')")
    assert status == 1
    assert said.endswith("RuntimeError: our bug\n")
    status, said = speak(end="from mdhr_runtime.errors import MdhrError; raise MdhrError('A.', 'B.', 'C.')")
    assert status == 1
    assert said.endswith("error: A.\n  why: B.\n  fix: C.\n")


def test_a_thread_that_fails_is_heard():
    fail = "import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()"
    assert "ZeroDivisionError" in speak(end=fail)[1]


@pytest.mark.slow
def test_damaged_images_are_told_by_us_alone(tiny_bundle, portrait, tmp_path):
    for suffix in (".jpg", ".png", ".tif"):
        data = bytearray(cv2.imencode(suffix, portrait)[1].tobytes())
        data[len(data) // 2 :] = os.urandom(40)
        (tmp_path / f"damaged{suffix}").write_bytes(data)
    code = "from mdhr_runtime.cli.run import main; main()"
    base = [sys.executable, "-c", code, tiny_bundle, tmp_path, "--provider", "cpu", "--out"]

    def lines(name, *arguments):
        command = [*map(str, base), str(tmp_path / name), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()

    quiet = [line for line in lines("a.csv") if line]
    assert all(line.startswith(("provider: ", "warning: ", tmp_path.name)) or "rows: " in line for line in quiet)
    assert len(lines("b.csv", "--log-level", "debug")) > len(quiet) + 3
