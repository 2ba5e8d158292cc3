"""Results as a table in a file; `mdhr_runtime.sinks.columns` describes it.

Cells are separated by commas without spaces. A source's name is between quotes where it holds a comma.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from functools import cached_property

from ..results import Row
from .columns import Column, columns
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
        found = columns(re.findall(r",(AU\d+)_p", names), landmarks=",x_0," in names)
        if names != _header(found):
            return None
        cells = (CELLS[each.kind] % each.decimals if each.kind is float else CELLS[each.kind] for each in found)
        return re.compile(",".join(f"(?:{cell})?" for cell in cells).encode() + b"\n")

    def header(self) -> str:
        """The names of the columns."""
        return _header(self._columns)

    def line(self, row: Row) -> str:
        """One row of the table."""
        return _line([column.text(row) for column in self._columns])

    @cached_property
    def _columns(self) -> tuple[Column, ...]:
        return columns(self._context.aus, self._context.landmarks)


def _header(columns: Sequence[Column]) -> str:
    return _line([column.name for column in columns])


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
