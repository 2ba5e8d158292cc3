"""How much a program tells on stderr: `--log-level`.

Libraries speak in four ways: through `logging`, through `warnings`, by levels of their own (ONNX Runtime), and
from C straight to file descriptor 2 (OpenCV, libjpeg, libpng). What matters of it, our own messages say in words;
so all of it is silent, unless the level is debug. FFmpeg, whose lines name addresses in full, always is.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click

from .console import F, Option

LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}
OURS = logging.getLogger("mdhr_runtime")
"""Carries the level; the handlers of `logging` are for libraries."""


def log_level_option(section: str = "Options") -> Callable[[F], F]:
    """The option `--log-level`, in force until the command's context ends.

    Args:
        section: Where `--help` lists it.
    """

    def begin(context: click.Context, _: click.Parameter, level: str) -> None:
        context.with_resource(told_from(level))

    return click.option(
        "--log-level",
        cls=Option,
        section=section,
        type=click.Choice(tuple(LEVELS)),
        default="warning",
        show_default=True,
        expose_value=False,
        callback=begin,
        help="What is told besides results: errors; warnings too; facts on sources and versions too (info); or all "
        "that the libraries say (debug).",
    )


def warn(text: str, *, beside_progress: bool = False) -> None:
    """Tell a warning of ours on stderr, from level warning on.

    Args:
        text: What there is to know.
        beside_progress: Whether a progress bar may stand in the line.
    """
    _tell(logging.WARNING, "\n" * beside_progress + f"warning: {text}", fg="yellow")


def inform(text: str) -> None:
    """Tell a fact on stderr, from level info on."""
    _tell(logging.INFO, f"info: {text}", dim=True)


def _tell(level: int, text: str, **style: Any) -> None:
    if OURS.isEnabledFor(level):
        click.secho(text, err=True, **style)


@contextmanager
def told_from(level: str) -> Iterator[None]:
    """Set the level inside the block.

    Args:
        level: A key of `LEVELS`.
    """
    debug = level == "debug"
    handler = logging.StreamHandler() if debug else logging.NullHandler()
    handler.setFormatter(logging.Formatter("debug: %(name)s: %(message)s"))
    before = OURS.level, logging.root.level
    with ExitStack() as stack:
        stack.callback(logging.root.setLevel, before[1])
        stack.callback(OURS.setLevel, before[0])
        OURS.setLevel(LEVELS[level])
        logging.root.setLevel(logging.DEBUG if debug else logging.WARNING)
        stack.callback(logging.root.removeHandler, handler)
        logging.root.addHandler(handler)
        stack.callback(setattr, logging, "raiseExceptions", logging.raiseExceptions)
        logging.raiseExceptions = debug  # else handlers that fail print a traceback, where memory is short
        stack.callback(logging.captureWarnings, False)
        logging.captureWarnings(True)
        if not debug:
            stack.enter_context(own_stderr())
        yield


@contextmanager
def own_stderr() -> Iterator[None]:
    """Leave the standard error stream to Python inside the block: what C writes to its descriptor is lost.

    `sys.stderr` goes on, on a descriptor of its own, with messages, progress bars and tracebacks. Nothing is done where
    it is not the process's, as in a test, or closed.
    """
    before = sys.stderr
    try:
        standard = before is not None and before.fileno() == 2
    except (OSError, ValueError):
        standard = False
    if not standard:
        yield
        return
    before.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = open(kept, "w", 1, before.encoding, before.errors)  # noqa: SIM115 -- closed below
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        sys.stderr.close()
        sys.stderr = before
