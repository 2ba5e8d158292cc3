"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from ..datasets import LAYOUTS

Decorated = TypeVar("Decorated", bound=Callable[..., object])

layout_option = click.option(
    "--layout",
    type=click.Choice([name.lower() for name in LAYOUTS]),
    default="bp4d",
    show_default=True,
    callback=lambda _context, _option, name: LAYOUTS[name.upper()],
    help="Action units, their regions and the crop.",
)
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all that is random."
)


def count_option(name: str, default: int, help_text: str, least: int = 1) -> Callable[[Decorated], Decorated]:
    """An option that takes a whole number."""
    return click.option(name, type=click.IntRange(min=least), default=default, show_default=True, help=help_text)
