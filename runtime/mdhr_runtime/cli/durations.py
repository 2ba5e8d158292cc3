"""Times and durations on command lines: what `click` takes as types of options."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import click

from ..times import read_time

SPAN = re.compile(r"(\d{1,9})|(\d{1,9}(?:\.\d*)?|\.\d+)s", re.ASCII)


def time(value: object) -> float:
    """Read a time in a source: `90.5` seconds, or `[h:]mm:ss[.f]`."""
    try:
        return read_time(str(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def frames_or_time(least: int) -> Callable[[object], int | timedelta]:
    """Make what reads a number of frames, `30`, from `least` on, or a duration, `1s`."""

    def read(value: object) -> int | timedelta:
        found = SPAN.fullmatch(str(value))
        if found is None or (found[1] and int(found[1]) < least):
            raise click.BadParameter(f"{value!r} is neither frames (30), from {least} on, nor seconds (1s).")
        return int(found[1]) if found[1] else timedelta(seconds=float(found[2]))

    return read
