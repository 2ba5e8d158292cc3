"""The tables of a report, most with a chart in one of their columns: F1 and confusion per AU, F1 per network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mdhr_runtime.au_names import NAMES
from mdhr_runtime.plotting.page import Markup, element

from ..metrics import Outcome, ScoreRow
from .series import Series

GRID = (0, 25, 50, 75, 100)
DIAMOND = "M0 -5L5 0L0 5L-5 0Z"
RADII = {"ring": 4.5, "dot": 3.0}
BARS = ("bar", "found", "missed", "false-alarm")
"""Kinds of marks that are bars; `RADII` has those that are circles, and the paper's are diamonds."""
STRIP_HEIGHT = 26
"""Height of a table's row of marks in pixels."""


def f1_table(aus: Sequence[str], series: Sequence[Series]) -> Markup:
    """F1 per AU as marks on a common axis, and as numbers; of the main one the interval and the AUC, too.

    Args:
        aus: Names of the AUs.
        series: What to show; the first is the main one.
    """
    known = series[0].rows
    rows = (_f1_row(_au(au), series, [one.f1[au] for one in series], known.get(au)) for au in aus)
    mean = _f1_row("Mean", series, [one.mean for one in series], known.get("mean"), class_="total")
    return _f1_figure("Action unit", series, (*rows, mean))


def network_table(names: Sequence[str], series: Sequence[Series]) -> Markup:
    """Mean F1 per network of a suite, as `f1_table` shows AUs.

    Args:
        names: Labels of the networks.
        series: What to show, with the mean F1 by these labels; a label may be missing. The first is the main one.
    """
    return _f1_figure(
        "Network", series, [_f1_row(name, series, [one.f1.get(name) for one in series]) for name in names]
    )


def _f1_figure(kind: str, series: Sequence[Series], rows: Iterable[Markup]) -> Markup:
    head = element(
        "tr",
        element("th", kind, scope="col"),
        element("th", _axis(), class_="chart", scope="col"),
        (element("th", title, class_="number", scope="col") for title in _titles(series)),
    )
    table = element("table", element("thead", head), element("tbody", rows), class_="charts")
    return element("figure", _legend(_marks(series)), element("div", table, class_="scroll"))


def _titles(series: Sequence[Series]) -> Iterator[str]:
    for index, one in enumerate(series):
        yield one.label.replace("-", "\N{NON-BREAKING HYPHEN}")
        if index == 0 and one.rows:
            yield from ("95 % interval", "AUC")


def _f1_row(
    name: Markup | str,
    series: Sequence[Series],
    values: Sequence[float | None],
    known: ScoreRow | None = None,
    **attributes: object,
) -> Markup:
    first, *others = ("–" if value is None else f"{value:.1f}" for value in values)
    interval = [100 * end for end in known.interval] if known and known.interval else None
    beside = []
    if known:
        auc = "–" if known.auc is None else f"{known.auc:.3f}"
        beside = [f"{interval[0]:.1f}–{interval[1]:.1f}" if interval else "–", auc]
    numbers = (element("td", text, class_="number") for text in (*beside, *others))
    # Later marks lie on top: the bar is drawn first, the paper's diamonds last.
    marks = [_mark(one.mark, value) for one, value in zip(series, values, strict=True) if value is not None]
    marks[1:1] = [_whisker(*interval)] if interval else []
    strip = element("svg", _grid(), marks, class_="strip", height=STRIP_HEIGHT, aria_hidden="true")
    cells = (element("td", strip, class_="chart"), element("td", first, class_="number main"), numbers)
    return element("tr", element("th", name, scope="row"), cells, **attributes)


def _whisker(low: float, high: float) -> Markup:
    """An interval: a line between two short ones across."""
    middle = STRIP_HEIGHT / 2
    lines = ((low, high, 0), (low, low, 4), (high, high, 4))
    return element(
        "g",
        (
            element("line", x1=f"{x1:.2f}%", x2=f"{x2:.2f}%", y1=middle - half, y2=middle + half)
            for x1, x2, half in lines
        ),
        class_="whisker",
    )


def _mark(kind: str, value: float) -> Markup:
    middle = STRIP_HEIGHT / 2
    if kind == "bar":
        return element("rect", x=0, y=middle - 5, width=f"{value:.2f}%", height=10, rx=2, class_="bar")
    return element("svg", _shape(kind), x=f"{value:.2f}%", y=middle, width=1, height=1, overflow="visible")


def _shape(kind: str) -> Markup:
    """A mark around the origin."""
    if kind in RADII:
        return element("circle", cx=0, cy=0, r=RADII[kind], class_=kind)
    return element("path", d=DIAMOND, class_=kind)


def _grid() -> list[Markup]:
    return [element("line", x1=f"{x}%", x2=f"{x}%", y1=0, y2=STRIP_HEIGHT, class_="grid") for x in GRID]


def _axis() -> Markup:
    anchors = {GRID[0]: "start", GRID[-1]: "end"}
    labels = (element("text", x, x=f"{x}%", y=12, text_anchor=anchors.get(x, "middle")) for x in GRID)
    return element("svg", labels, class_="strip", height=16, role="img", aria_label="F1 in per cent")


def _legend(entries: Iterable[tuple[str, str]]) -> Markup:
    """Meaning of the marks: pairs of a label and a kind of mark."""
    return element("ul", (element("li", _key(kind), label) for label, kind in entries), class_="legend")


def _marks(series: Sequence[Series]) -> list[tuple[str, str]]:
    """The marks of some series with their labels; the folds share one."""
    labels = {one.mark: "single folds" if one.mark == "dot" else one.label for one in series}
    return [(label, mark) for mark, label in labels.items()]


def _key(kind: str) -> Markup:
    bar = element("rect", x=1, y=3, width=20, height=10, class_=kind)
    shape = bar if kind in BARS else element("g", _shape(kind), transform="translate(11 8)")
    return element("svg", shape, width=22, height=16, aria_hidden="true")


def au_table(aus: Sequence[str], networks: Mapping[str, Mapping[str, float]]) -> Markup:
    """F1 per AU of several networks, as numbers.

    Args:
        aus: Names of the AUs.
        networks: F1 in per cent by label, then by AU.
    """
    head = element("tr", (element("th", title, scope="col") for title in ("Network", *aus)))
    rows = (
        element("tr", element("th", label, scope="row"), (element("td", f"{f1[au]:.1f}") for au in aus))
        for label, f1 in networks.items()
    )
    table = element("table", element("thead", head), element("tbody", rows), class_="figures")
    return element("figure", element("div", table, class_="scroll"))


def confusion_table(aus: Sequence[str], counts: Mapping[Outcome, Mapping[str, int]]) -> Markup:
    """Frames found, missed and falsely reported, per AU.

    Args:
        aus: Names of the AUs.
        counts: Frames by outcome ("true_positives", …), then by AU.
    """
    titles = ("occurs", "found", "missed", "false alarms", "rightly silent", "precision", "recall")
    head = element(
        "tr",
        element("th", "Action unit", scope="col"),
        element("th", "Frames", class_="chart", scope="col"),
        (element("th", title, class_="number", scope="col") for title in titles),
    )
    frames = {au: {outcome: counts[outcome][au] for outcome in counts} for au in aus}
    # A bar is as long as what is not rightly silent.
    longest = max(1, *(sum(each.values()) - each["true_negatives"] for each in frames.values()))
    rows = (_confusion_row(au, frames[au], longest) for au in aus)
    table = element("table", element("thead", head), element("tbody", rows), class_="charts")
    legend = _legend((("found", "found"), ("missed", "missed"), ("false alarms", "false-alarm")))
    return element("figure", legend, element("div", table, class_="scroll"))


def _confusion_row(au: str, frames: Mapping[Outcome, int], longest: int) -> Markup:
    found, false_alarms = frames["true_positives"], frames["false_positives"]
    missed, silent = frames["false_negatives"], frames["true_negatives"]
    bars, start = [], 0.0
    for kind, amount in (("found", found), ("missed", missed), ("false-alarm", false_alarms)):
        width = 100 * amount / longest
        bars.append(element("rect", x=f"{start:.2f}%", y=7, width=f"{width:.2f}%", height=12, class_=kind))
        start += width
    cells = (
        _share(found + missed, found + missed + false_alarms + silent),
        *(f"{amount:,}" for amount in (found, missed, false_alarms, silent)),
        _share(found, found + false_alarms),
        _share(found, found + missed),
    )
    return element(
        "tr",
        element("th", _au(au), scope="row"),
        element("td", element("svg", bars, class_="strip", height=STRIP_HEIGHT, aria_hidden="true"), class_="chart"),
        (element("td", cell, class_="number") for cell in cells),
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _au(au: str) -> Markup:
    return Markup(element("b", au) + element("span", NAMES.get(au, ""), class_="quiet"))
