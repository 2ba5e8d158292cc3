"""Results as a table in a file; `mdhr_runtime.sinks.columns` describes it.

Cells are separated by commas without spaces. A source's name is between quotes where it holds a comma.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from ..results import Row
from .columns import Column, Record, columns, columns_named
from .table_file import TableFile

CELLS = {int: r"\d+", bool: "[01]", float: r"-?\d+\.\d{%d}", str: r'(?:[^",\r\n]+|"[^"]*(?:""[^"]*)*")'}
"""What is in a cell that is not empty, by its type, as regular expressions; of numbers, with their decimals."""


class CsvFile(TableFile):
    """Writes the table; see `TableFile`."""

    head = re.compile(rb".*\n")

    @staticmethod
    def row_after(head: re.Match[bytes]) -> re.Pattern[bytes] | None:
        """See `TableFile`."""
        names = head.group().decode(errors="replace")
        found = columns_named(names.split(","))
        return pattern(found) if names == header(found) else None

    def header(self) -> str:
        """The names of the columns."""
        return header(self._columns)

    def line(self, row: Row) -> str:
        """One row of the table."""
        return line(row, self._columns)

    @cached_property
    def _columns(self) -> tuple[Column[Row], ...]:
        return columns(self._context.aus, self._context.landmarks)


def header(columns: Iterable[Column[Any]]) -> str:
    r"""The first line of a table, with its "\n"."""
    return _joined(column.name for column in columns)


def line(record: Record, columns: Iterable[Column[Record]]) -> str:
    r"""A line of a table, with its "\n"."""
    return _joined(column.text(record) for column in columns)


def pattern(columns: Iterable[Column[Any]]) -> re.Pattern[bytes]:
    """What every line of a table but the first looks like."""
    cells = (CELLS[each.kind] % each.decimals if each.kind is float else CELLS[each.kind] for each in columns)
    return re.compile(",".join(f"(?:{cell})?" for cell in cells).encode() + b"\n")


def _joined(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
