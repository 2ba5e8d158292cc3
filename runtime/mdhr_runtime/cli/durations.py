"""Times and durations on command lines."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import click

TIME = re.compile(r"(?:(?:(\d+):(?=[0-5]?\d:))?(\d+):(?=[0-5]?\d(?!\d)))?(\d+(?:\.\d*)?)", re.ASCII)
"""[[hours:]minutes:]seconds; of what follows a colon, 59 is the highest."""
SECONDS = re.compile(r"(\d{1,9}(?:\.\d*)?|\.\d+)s", re.ASCII)


class Time(click.ParamType):
    """A time in a source, in seconds: `90.5` or `[h:]mm:ss[.f]`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the time."""
        found = TIME.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no time: write seconds, 90.5, or [h:]mm:ss, 1:30.5.", param, ctx)
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return 3600 * hours + 60 * minutes + seconds


class FramesOrTime(click.IntRange):
    """A number of frames within bounds, `30`, or a duration, `1s`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | timedelta:
        """Read the number or duration."""
        found = SECONDS.fullmatch(str(value))
        if found is not None:
            return timedelta(seconds=float(found[1]))
        try:
            number: int = super().convert(value, param, ctx)
        except click.BadParameter as error:
            self.fail(f"{error.message} Write a number of frames, 30, or of seconds, 1s.", param, ctx)
        return number
