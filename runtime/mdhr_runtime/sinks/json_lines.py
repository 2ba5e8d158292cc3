"""Results as JSON Lines: one object per row and line, for `jq`, log collectors and other programs.

`mdhr_runtime.sinks.record` describes the object.
"""

from __future__ import annotations

from ..results import Row
from .record import FIRST_KEY, as_json
from .table_file import TableFile


class JsonLines(TableFile):
    """Writes the lines; see `TableFile`."""

    first_bytes = f'{{"{FIRST_KEY}":'.encode()

    def header(self) -> str:
        """Nothing: every line describes itself."""
        return ""

    def line(self, row: Row) -> str:
        """One row as an object."""
        return as_json(row, self._aus) + "\n"
