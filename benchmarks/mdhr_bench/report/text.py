"""A result on the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from mdhr_runtime.cli.console import table as lay_out

from ..results import Result
from .reporting import report_of
from .tables import Report, Table

WIDTH = 110


def tell(result: Result) -> str:
    """The report of a result as text, without a final line break."""
    report = report_of(result)
    return "\n\n".join(("\n".join(_head(report)), *map(_table, report.tables)))


def _head(report: Report) -> Iterator[str]:
    if report.interrupted:
        yield report.interrupted
    yield report.title
    yield from (_wrapped(f"warning: {warning}") for warning in report.warnings)
    yield from (_wrapped(finding.text) for finding in report.findings)


def _table(table: Table) -> str:
    return "\n".join((table.title.upper(), *_body(table), *map(_wrapped, table.notes)))


def _body(table: Table) -> Iterator[str]:
    if table.header:
        yield lay_out(table.header, table.rows)
        return
    width = max((len(name) for name, _ in table.rows), default=0)
    yield from (f"{name.ljust(width)}  {value}" for name, value in table.rows)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
