"""A result as one HTML file that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from mdhr_runtime.files import write_text
from mdhr_train.report.markup import Child, Markup, element

from ..results import Result
from .latency_plots import latency_plots
from .pipeline_plot import pipeline_plots
from .reporting import report_of
from .roofline import roofline_plots
from .tables import Finding, Report, Table
from .throughput_plot import throughput_plots
from .units import ADDRESS

PLOTS: dict[str, Callable[[Result], Iterable[Markup]]] = {
    "latency": latency_plots,
    "throughput": throughput_plots,
    "pipeline": pipeline_plots,
    "ceilings": roofline_plots,
}
"""Table → the plots above it."""


def write_page(result: Result, path: Path) -> None:
    """Write the report of a result as one HTML file.

    Args:
        result: The result, whole or partial.
        path: The file, which is replaced.

    Raises:
        OutputError: The file cannot be written.
    """
    write_text(path, page(result))


def page(result: Result) -> str:
    """The whole page."""
    report = report_of(result)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", report.title),
        element("style", Markup(files(__package__).joinpath("page.css").read_text(encoding="utf-8"))),
    )
    sections = (_section(table, PLOTS.get(table.id, _no_plots)(result)) for table in report.tables)
    body = element("body", element("main", _header(report), sections))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _no_plots(_result: Result) -> Iterable[Markup]:
    return ()


def _header(report: Report) -> Markup:
    return element("header", _top(report), element("div", map(_tile, report.findings), class_="tiles"))


def _top(report: Report) -> Iterator[Markup]:
    if report.interrupted:
        yield element("p", report.interrupted, class_="notice interrupted")
    yield element("p", "MDHR benchmark", class_="quiet")
    yield element("h1", report.title)
    yield from (element("p", element("b", "Warning: "), warning, class_="notice") for warning in report.warnings)


def _tile(finding: Finding) -> Markup:
    return element("div", element("b", finding.value), element("span", finding.text), class_="tile")


def _section(table: Table, plots: Iterable[Markup]) -> Markup:
    drawn = list(plots)
    return element(
        "section",
        element("h2", table.title),
        element("div", drawn, class_="plots") if drawn else None,
        _content(table) if table.rows else None,
        element("ul", (element("li", _linked(note)) for note in table.notes), class_="notes") if table.notes else None,
        id=table.id,
    )


def _linked(text: str) -> Iterator[Child]:
    """A text whose addresses are links."""
    # With one group, a split gives text and addresses in turn.
    for index, part in enumerate(ADDRESS.split(text)):
        yield element("a", part, href=part) if index % 2 else part


def _content(table: Table) -> Markup:
    if not table.header:
        pairs = (element("div", element("dt", name), element("dd", value)) for name, value in table.rows)
        return element("dl", pairs)
    first, *others = table.header
    header = element("tr", element("td", first), (element("th", name, scope="col") for name in others))
    rows = (_row(table, row) for row in table.rows)
    content = element("table", element("thead", header), element("tbody", rows))
    # Who has no mouse must reach what is cut off at the side.
    return element("div", content, class_="scroll", tabindex=0, role="region", aria_label=table.title)


def _row(table: Table, row: tuple[str, ...]) -> Markup:
    name, *values = row
    cells = (
        element("td", element("b", value) if table.lead and index == 0 else value) for index, value in enumerate(values)
    )
    return element("tr", element("th", name, scope="row"), cells)
