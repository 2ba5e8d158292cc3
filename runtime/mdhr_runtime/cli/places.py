"""Faces and places in the picture on command lines: what `click` takes as types of options."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..faces.choice import Choice, Region

NUMBER = r"(\d{1,5}(?:\.\d*)?|\.\d+)"
FACE = re.compile(rf"all|(largest)|nearest:{NUMBER},{NUMBER}", re.ASCII)
REGION = re.compile(",".join([NUMBER] * 4), re.ASCII)


def face(value: object) -> Choice:
    """Read which faces are given: `all`, the `largest` one, or that `nearest:X,Y`."""
    from ..faces.choice import Choice

    found = FACE.fullmatch(str(value))
    if found is None:
        raise click.BadParameter(
            f"{value!r} is no choice: write all, largest, or nearest:X,Y, in pixels (nearest:320,180) or in fractions "
            "of the picture (nearest:0.5,0.5)."
        )
    return Choice(1 if found.lastindex else None, (float(found[2]), float(found[3])) if found[2] else None)


def region(value: object) -> Region:
    """Read a region of the picture: `X,Y,W,H`."""
    found = REGION.fullmatch(str(value))
    x, y, width, height = map(float, found.groups()) if found else (0, 0, 0, 0)
    if not width * height:
        raise click.BadParameter(
            f"{value!r} is no region: write X,Y,W,H, its left upper corner and its size, in pixels (0,0,320,360) or in "
            "fractions of the picture (0,0,0.5,1)."
        )
    return x, y, width, height
