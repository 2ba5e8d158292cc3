"""HTML and SVG from nested calls. Text is escaped where it is put in, so that nothing can be forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

VOID = {"br", "circle", "img", "line", "meta", "path", "polyline", "rect"}
"""Elements without content."""


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | int | float | None | Iterable["Child"]
"""Content of an element: text and numbers, which are escaped, markup, nothing, or a sequence of these."""


def element(name: str, /, *children: Child, **attributes: object) -> Markup:
    """Write an element.

    Args:
        name: Name of the element.
        *children: Its content.
        **attributes: Its attributes. `_` in a name stands for `-`, a last one is dropped (`class_`); None leaves the
            attribute out, numbers are written short.
    """
    pairs = (
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    opening = f"<{name}{''.join(pairs)}"
    return Markup(f"{opening}/>" if name in VOID else f"{opening}>{join(children)}</{name}>")


def join(children: Child) -> Markup:
    """Write content one after the other."""
    if children is None:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, (str, int, float)):
        return Markup(escape(str(children)))
    return Markup("".join(map(join, children)))


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
