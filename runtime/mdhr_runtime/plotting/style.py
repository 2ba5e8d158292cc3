"""The look of all plots, which matplotlib draws: into files, and as SVG in a page, in the page's font and colours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from ..extras import extra
from .page import COLOURS, Markup, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 420
"""Width of a page's plot in its own units; a page shows it larger or smaller."""

COLOUR = {name: light for name, (light, _) in COLOURS.items()}
"""The colours that plots are drawn with."""

STYLE = {
    "font.size": 11.5,
    "text.color": COLOUR["text"],
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "axes.facecolor": "none",
    "axes.edgecolor": COLOUR["line"],
    "axes.labelcolor": COLOUR["quiet"],
    "axes.labelsize": 11.5,
    "axes.axisbelow": True,
    "axes.grid": True,
    **{f"axes.spines.{side}": False for side in ("left", "right", "top", "bottom")},
    "grid.color": COLOUR["grid"],
    "grid.linewidth": 1.0,
    "lines.linewidth": 1.8,
    **{f"{axis}tick.{kind}.size": 0 for axis in "xy" for kind in ("major", "minor")},
    **{f"{axis}tick.color": COLOUR["quiet"] for axis in "xy"},
    **{f"{axis}tick.labelsize": 11.5 for axis in "xy"},
    **{f"{axis}tick.major.pad": 6 for axis in "xy"},
    # The page's own font, and the same file for the same plot.
    "svg.fonttype": "none",
    "svg.hashsalt": "mdhr",
}

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"


@contextmanager
def styled(**settings: object) -> Iterator[None]:
    """Draw in our look inside the block.

    Args:
        **settings: What differs from it, by matplotlib's names with `_` for `.`.

    Raises:
        OutputError: The extra `plot` is not installed.
    """
    with extra("plot", "matplotlib").rc_context(STYLE | {key.replace("_", "."): settings[key] for key in settings}):
        yield


def axes_of(height: float, width: float = WIDTH) -> Axes:
    """Make the axes of a plot of its own, in a page's units; call it inside `styled`."""
    from matplotlib.figure import Figure

    return Figure((width / 72, height / 72)).subplots()


def settle(axes: Axes) -> None:
    """Lay a plot out, so that its transforms give the places that things will have."""
    _figure_of(axes).draw_without_rendering()


def _figure_of(axes: Axes) -> Figure:
    from matplotlib.figure import Figure

    assert isinstance(axes.figure, Figure)  # not a part of one
    return axes.figure


def plot(axes: Axes, title: str, description: str, caption: str | None = None) -> Markup:
    """Write a plot into a page, under a title that says what it shows; in the page's colours, also on a dark ground.

    Args:
        axes: The plot; nothing of it may reach outside the axes, as nothing is clipped.
        title: The finding.
        description: What the plot shows, for readers who do not see it.
        caption: What a reader has to know to read it.
    """
    return figure(title, _svg(axes, title, description), caption)


def _svg(axes: Axes, title: str, description: str) -> Markup:
    file = StringIO()
    _figure_of(axes).savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(file.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.removeprefix(SVG) in ("style", "clipPath") or "metadata" in child.tag:
                parent.remove(child)
    for node in root.iter():
        node.tag = node.tag.removeprefix(SVG)
        node.attrib.pop("clip-path", None)
        if node.tag == "use":
            node.set("href", node.attrib.pop(f"{XLINK}href"))
        elif node.tag != "path":  # a marker's shape is a path that is referred to
            node.attrib.pop("id", None)
        if "style" in node.attrib:
            node.set("style", _of_the_page(node.attrib["style"]))
    root.attrib = {"viewBox": root.attrib["viewBox"], "class": "plot", "role": "img"}
    root.set("aria-label", f"{title} {description}")
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        said = ElementTree.Element(tag)
        said.text = text
        root.insert(index, said)
    return Markup(" ".join(ElementTree.tostring(root, encoding="unicode").split()))


def _of_the_page(style: str) -> str:
    """A style with the page's variables in place of colours, and without matplotlib's font."""
    for name, colour in COLOUR.items():
        style = style.replace(colour, f"var(--{name})")
    return "; ".join(part for part in style.split("; ") if not part.startswith("font-family"))
