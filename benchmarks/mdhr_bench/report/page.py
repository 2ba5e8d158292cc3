"""A result as one HTML file that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Iterator

from mdhr_runtime.plotting.page import Child, Markup, document, element, facts, section, tiles
from mdhr_runtime.plotting.style import styled

from ..results import Result
from .overview import report_of
from .plots import PLOTS
from .tables import BenchReport, Table
from .units import ADDRESS, TOO_WIDE


def page(result: Result) -> str:
    """The report of a result, whole or partial, as one HTML file.

    Raises:
        OutputError: matplotlib is not installed.
    """
    report = report_of(result)
    with styled():
        plots = {name: list(draw(result)) for name, draw in PLOTS.items()}
    sections = (_section(table, plots.get(table.id, [])) for table in report.tables)
    return document(report.title, element("header", _top(report)), sections)


def _top(report: BenchReport) -> Iterator[Markup]:
    if report.interrupted:
        yield element("p", report.interrupted, class_="notice interrupted")
    yield element("p", "MDHR benchmark", class_="quiet")
    yield element("h1", report.title)
    yield from (element("p", element("b", "Warning: "), warning, class_="notice") for warning in report.warnings)
    yield tiles((finding.value, finding.text, "finding") for finding in report.findings)


def _section(table: Table, plots: list[Markup]) -> Markup:
    notes = [element("li", _linked(note)) for note in table.notes]
    return section(
        table.title,
        element("div", plots, class_="plots") if plots else None,
        _content(table) if table.rows else None,
        element("ul", notes, class_="notes") if notes else None,
        id=table.id,
    )


def _linked(text: str) -> Iterator[Child]:
    """A text whose addresses are links."""
    # With one group, a split gives text and addresses in turn.
    for index, part in enumerate(ADDRESS.split(text)):
        yield element("a", part, href=part) if index % 2 else part


def _content(table: Table) -> Markup:
    if not table.header:
        return facts((name, value) for name, value in table.rows)
    first, *others = table.header
    header = element("tr", element("td", first), (element("th", name, scope="col") for name in others))
    rows = (_row(table, row) for row in table.rows)
    content = element("table", element("thead", header), element("tbody", rows), class_="figures")
    # Who has no mouse must reach what is cut off at the side.
    return element("div", content, class_="scroll", tabindex=0, role="region", aria_label=table.title)


def _row(table: Table, row: tuple[str, ...]) -> Markup:
    name, *values = row
    cells = (_cell(value, table.lead and index == 0) for index, value in enumerate(values))
    return element("tr", element("th", name, scope="row"), cells)


def _cell(text: str, lead: bool) -> Markup:
    value = text.removesuffix(TOO_WIDE)
    doubt = element("small", TOO_WIDE) if value != text else None
    return element("td", element("b", value) if lead else value, doubt)
