"""Results as JSON Lines: one object per row and line, for `jq`, log collectors and other programs.

`mdhr_runtime.sinks.record` describes the object.
"""

from __future__ import annotations

import re

from ..results import Row
from .record import LINE, as_json
from .table_file import TableFile


class JsonLines(TableFile):
    """Writes the lines; see `TableFile`."""

    head = re.compile(b"")

    @staticmethod
    def row_after(head: re.Match[bytes]) -> re.Pattern[bytes]:
        """See `TableFile`."""
        return LINE

    def header(self) -> str:
        """Nothing: every line describes itself."""
        return ""

    def line(self, row: Row) -> str:
        """One row as an object."""
        return as_json(row, self._context) + "\n"
