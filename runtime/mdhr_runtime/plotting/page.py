"""HTML pages of one file: nested calls that write elements, one style sheet, and the parts that all pages have.

Text is escaped where it is put in, so that nothing can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib.resources import files

COLOURS = {
    "ground": ("#ffffff", "#0f1319"),
    "text": ("#14181f", "#e9ecf1"),
    "quiet": ("#586173", "#9aa5b6"),
    "line": ("#dfe3ea", "#2b333f"),
    "grid": ("#e6e9ef", "#252c37"),
    "notice": ("#f4f6f9", "#181e27"),
    "ours": ("#1463c9", "#5aa2f7"),
    "ours-pale": ("#8ab6ee", "#2c5488"),
    "second": ("#b85f08", "#f0954a"),
    "third": ("#137a43", "#4cc987"),
    "missed": ("#c3cad6", "#495364"),
    "false": ("#e2a33b", "#d39a3d"),
}
"""The colours of pages and plots, on a light and on a dark ground; CSS names them `var(--ground)` and so on."""

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


def document(title: str, *content: Child) -> str:
    """Write a whole page, which refers to nothing outside itself.

    Args:
        title: Its title in the browser.
        *content: Its header and sections.
    """
    light, dark = (" ".join(f"--{name}: {pair[ground]};" for name, pair in COLOURS.items()) for ground in (0, 1))
    colours = f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(colours + files(__package__).joinpath("page.css").read_text(encoding="utf-8"))),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', element('main', content)), lang='en')}\n"


def section(title: str, *content: Child, **attributes: object) -> Markup:
    """Write a section under its heading."""
    return element("section", element("h2", title), content, **attributes)


def tiles(entries: Iterable[tuple[str, str, str]], **attributes: object) -> Markup:
    """Write the most important numbers as tiles.

    Args:
        entries: Value, text and class of each: "finding", "main" or "".
        **attributes: Of the element around them.
    """
    each = (
        element("div", element("b", value), element("span", text), class_=f"tile {kind}".rstrip())
        for value, text, kind in entries
    )
    return element("div", each, **{"class_": "tiles", **attributes})


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Write names with their values."""
    return element("dl", (element("div", element("dt", name), element("dd", value)) for name, value in pairs))


def figure(title: str, picture: Child, caption: str | None = None) -> Markup:
    """Write a picture under a title that says what it shows.

    Args:
        title: The finding.
        picture: What is seen.
        caption: What a reader has to know to read it.
    """
    return element("figure", element("h3", title), picture, element("figcaption", caption) if caption else None)
