"""A result as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..results import Result
from .reporting import report_of
from .tables import Report, Table
from .units import ADDRESS

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown(result: Result) -> str:
    """The report of a result as GitHub's Markdown, with a final line break."""
    report = report_of(result)
    return "\n\n".join((*_head(report), *(block for table in report.tables for block in _table(table)))) + "\n"


def _head(report: Report) -> Iterator[str]:
    if report.interrupted:
        yield f"**{_escaped(report.interrupted)}**"
    yield f"# {_escaped(report.title)}"
    yield from (f"> **Warning:** {_escaped(warning)}" for warning in report.warnings)
    if report.findings:
        yield "\n".join(f"- {_escaped(finding.text)}" for finding in report.findings)


def _table(table: Table) -> Iterator[str]:
    yield f"## {_escaped(table.title)}"
    if table.rows:
        yield "\n".join(_lines(table))
    if table.notes:
        yield "\n".join(f"- {_escaped(note)}" for note in table.notes)


def _lines(table: Table) -> Iterator[str]:
    header = table.header or ("", "")
    yield line([_escaped(cell) for cell in header])
    yield line([":--" if index == 0 or not table.header else "--:" for index in range(len(header))])
    for row in table.rows:
        cells = [_escaped(cell) for cell in row]
        if table.lead:
            cells[1] = f"**{cells[1]}**"
        yield line(cells)


def line(cells: Sequence[str]) -> str:
    """A line of a table, of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    # With one group, a split gives text and addresses in turn.
    parts = ADDRESS.split(text)
    return "".join(f"<{part}>" if index % 2 else SPECIAL.sub(r"\\\1", part) for index, part in enumerate(parts))
