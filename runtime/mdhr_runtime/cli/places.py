"""Faces and places in the picture on command lines: what `click` takes as types of options."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..faces.choice import Choice

PLACE = re.compile(r"(?:\d{1,5}(?:\.\d*)?|\.\d+)(?:,(?:\d{1,5}(?:\.\d*)?|\.\d+))*", re.ASCII)


def face(value: object) -> Choice:
    """Read which faces are given: `all`, the `largest` one, or that `nearest:X,Y`."""
    from ..faces.choice import Choice

    words = {"all": Choice(), "largest": Choice(most=1)}
    if (known := words.get(str(value))) is not None:
        return known
    kind, _, place = str(value).partition(":")
    numbers = _numbers(place)
    if kind != "nearest" or len(numbers) != 2:
        raise click.BadParameter(
            f"{value!r} is no choice: write all, largest, or nearest:X,Y, in pixels (nearest:320,180) or in fractions "
            "of the picture (nearest:0.5,0.5)."
        )
    return Choice(1, (numbers[0], numbers[1]))


def region(value: object) -> tuple[float, float, float, float]:
    """Read a region of the picture: `X,Y,W,H`."""
    numbers = _numbers(str(value))
    if len(numbers) != 4 or not min(numbers[2:]):
        raise click.BadParameter(
            f"{value!r} is no region: write X,Y,W,H, the left upper corner and the size above 0, in pixels "
            "(0,0,320,360) or in fractions of the picture (0,0,0.5,1)."
        )
    x, y, width, height = numbers
    return x, y, width, height


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")] if PLACE.fullmatch(text) else []
