"""Results as a folder of tables: one per source, a CSV file with its name; see `mdhr_runtime.names`."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

from ..files import told
from ..names import name_of
from ..results import FrameResult
from .base import Sink, SinkContext
from .csv_file import CsvFile


class TableFolder(Sink):
    """Writes the tables; see `TableFile`. Other files in the folder stay as they are.

    Args:
        target: The folder. If there is none, it is made; it goes again if no table comes to be in it.
        context: The run.

    Raises:
        OutputError: The folder cannot be made, or a table cannot be written, or may not be; see `Claim`.
    """

    def __init__(self, target: str | Path, context: SinkContext) -> None:
        self._folder, self._rows = Path(target), 0
        self._tables: dict[str, CsvFile] = {}
        with told(self._folder):
            self._made = not self._folder.exists()
            self._folder.mkdir(exist_ok=True)
        try:
            for source in context.sources:
                self._tables[source.name] = CsvFile(self._folder / name_of(source.name, suffix=".csv"), context)
        except BaseException:
            self.close()
            raise

    @property
    def summary(self) -> str:
        """See `Sink`."""
        return f"{self._rows} rows in {len(self._tables)} tables: {self._folder}/"

    def begin(self) -> None:
        """See `TableFile`."""
        for table in self._tables.values():
            table.begin()

    def write(self, result: FrameResult) -> None:
        """Append the rows of a frame to the table of its source; see `TableFile`."""
        self._tables[result.source].write(result)
        self._rows += len(result.rows)

    def close(self) -> None:
        """Close the tables. Safe to call twice."""
        with ExitStack() as stack:
            for table in self._tables.values():
                stack.callback(table.close)
        if self._made:
            with suppress(OSError):  # there are tables in it
                self._folder.rmdir()
