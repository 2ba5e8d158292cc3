"""A result as text: for the terminal, and as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from mdhr_runtime.cli.console import table as lay_out

from ..results import Result
from .overview import report_of
from .tables import Table
from .units import ADDRESS

WIDTH = 110
"""Characters in a line of the terminal."""

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
"""Characters that mean something in Markdown."""


def tell(result: Result) -> str:
    """The report of a result as text, without a final line break."""
    report = report_of(result)
    head = [report.interrupted] if report.interrupted else []
    said = (*(f"warning: {warning}" for warning in report.warnings), *(finding.text for finding in report.findings))
    return "\n\n".join(("\n".join((*head, report.title, *map(wrapped, said))), *map(_told, report.tables)))


def _told(table: Table) -> str:
    if table.header:
        body = [lay_out(table.header, table.rows)]
    else:
        width = max((len(name) for name, _ in table.rows), default=0)
        body = [f"{name.ljust(width)}  {value}" for name, value in table.rows]
    return "\n".join((table.title.upper(), *body, *map(wrapped, table.notes)))


def wrapped(text: str) -> str:
    """A text in lines of the terminal's width; addresses and long names are not broken."""
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def markdown(result: Result) -> str:
    """The report of a result as GitHub's Markdown, with a final line break."""
    report = report_of(result)
    blocks = [f"**{_escaped(report.interrupted)}**"] if report.interrupted else []
    blocks += [f"# {_escaped(report.title)}", *(f"> **Warning:** {_escaped(warning)}" for warning in report.warnings)]
    blocks += [_list([finding.text for finding in report.findings])] if report.findings else []
    for table in report.tables:
        blocks.append(f"## {_escaped(table.title)}")
        blocks += ["\n".join(_lines(table))] if table.rows else []
        blocks += [_list(table.notes)] if table.notes else []
    return "\n\n".join(blocks) + "\n"


def _list(entries: Sequence[str]) -> str:
    return "\n".join(f"- {_escaped(entry)}" for entry in entries)


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
