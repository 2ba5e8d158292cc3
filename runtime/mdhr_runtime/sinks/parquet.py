"""Results as a Parquet table, for data frames and databases: the columns of `mdhr_runtime.sinks.columns`, typed.

Numbers are as the model gives them, neither cut nor rounded. Cells that a frame without a face does not have are null.

Rows are written in groups, so that memory does not grow with the video. A Parquet file is readable only with its end,
which says where everything is: the file is called `au.mdhr-partial.parquet` until it is complete. A run that ends by an
error, Ctrl-C or SIGTERM completes it; one that is killed outright, or whose disk is full, leaves no table. For
rows that must survive that, write CSV or JSON Lines at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..extras import extra
from ..files import told
from ..results import FrameResult, Row
from ..targets import PartialFile
from .base import Sink, SinkContext
from .columns import Column, columns, columns_named, with_constants

GROUP_ROWS = 16_384
"""Rows that are kept in memory (about 10 MB) and written together: nine minutes of one face at 30 frames/s.

Smaller groups compress worse, and every group makes the end of the file longer, which is kept in memory as well.
"""

MARK = {b"mdhr-edge": b"table"}
"""Metadata of our files. A table to which others add columns has another schema beside it."""


class ParquetFile(Sink):
    """Writes the table.

    Args:
        target: The file; an older table of this program is replaced when the new one is complete.
        context: The run.
        group_rows: Rows that are written together.

    Raises:
        OutputError: The file cannot be written, is something else, or the extra `parquet` is not installed.
    """

    def __init__(self, target: str | Path, context: SinkContext, group_rows: int = GROUP_ROWS) -> None:
        self._arrow, self._parquet = extra("parquet", "pyarrow"), extra("parquet", "pyarrow.parquet")
        self._columns = with_constants(columns(context.aus, context.landmarks), context.constants)
        self._schema = schema(self._arrow, self._columns)
        self._target = PartialFile(Path(target), self._is_ours, inputs=context.inputs, overwrite=context.overwrite)
        self._group_rows = group_rows
        self._waiting: list[Row] = []
        self._writer: Any = None
        self._file: Any = None
        self._rows = 0

    @property
    def rows(self) -> int:
        """Number of rows that are in the file."""
        return self._rows

    @property
    def summary(self) -> str:
        """See `Sink`."""
        return f"{self._rows} rows: {self._target.path}"

    def begin(self) -> None:
        """Create the file under its other name.

        Raises:
            OutputError: It cannot be written.
        """
        with told(self._target.path):
            self._file = self._target.partial.open("wb")  # by our hands: Arrow knows names in UTF-8 only
            self._writer = self._parquet.ParquetWriter(self._file, self._schema, compression="zstd")

    def write(self, result: FrameResult) -> None:
        """Take the rows of a frame.

        Raises:
            OutputError: A group of rows cannot be written, for example because the disk is full.
        """
        self._waiting.extend(result.rows)
        if len(self._waiting) >= self._group_rows:
            self._write_group()

    def close(self) -> None:
        """Complete the file. Safe to call twice.

        Raises:
            OutputError: It cannot be completed; what was written is removed.
        """
        try:
            if self._writer is not None:
                self._write_group()
                self._guarded(self._end)
                self._writer = None
                self._target.complete()
        finally:
            self._target.release()

    def _end(self) -> None:
        self._writer.close()
        self._file.close()

    def _write_group(self) -> None:
        # Taken over before it is written: an interruption in between must not write rows twice.
        rows, self._waiting = self._waiting, []
        if not rows:
            return
        table = arrow_table(self._arrow, rows, self._columns, self._schema)
        self._guarded(self._writer.write_table, table, row_group_size=len(rows))
        self._rows += len(rows)

    def _guarded(self, write: Callable[..., None], *arguments: Any, **options: Any) -> None:
        try:
            with told(self._target.path):
                write(*arguments, **options)
        except OutputError as error:
            # Arrow would close such a file without an error, and leave one that is unreadable.
            writer, self._writer = self._writer, None
            for each in (writer, self._file):
                with suppress(OSError):
                    each.close()
            self._target.discard()
            why = f"{error.why.rstrip('.')}. A Parquet file that is cut short is unreadable, so it is removed."
            raise OutputError(error.what, why, f"{error.fix} CSV and JSON Lines keep what they have.") from error

    def _is_ours(self, path: Path) -> bool:
        return has_schema(path, lambda names: schema(self._arrow, columns_named(names)))


def has_schema(path: Path, expected: Callable[[Sequence[str]], Any]) -> bool:
    """Whether a file is a Parquet table with a schema, its metadata included.

    Args:
        path: The file.
        expected: Makes the schema for the names of the file's columns.

    Raises:
        OSError: The file cannot be read.
    """
    arrow, parquet = extra("parquet", "pyarrow"), extra("parquet", "pyarrow.parquet")
    try:
        with path.open("rb") as file:
            found = parquet.read_schema(file)
    except (arrow.ArrowException, OSError) as error:
        if getattr(error, "errno", None):  # it cannot be read
            raise
        return False
    return bool(found.equals(expected(found.names), check_metadata=True))


def schema(arrow: Any, columns: Sequence[Column[Any]], mark: Mapping[bytes, bytes] = MARK) -> Any:
    """The Arrow schema of some columns, with the mark by which we recognise our own."""
    types = {int: arrow.int64(), bool: arrow.bool_(), float: arrow.float32(), str: arrow.string()}
    fields = [(column.name, arrow.float64() if column.precise else types[column.kind]) for column in columns]
    return arrow.schema(fields, mark)


def arrow_table(arrow: Any, records: Sequence[Any], columns: Sequence[Column[Any]], schema: Any) -> Any:
    """Records as a table of Arrow.

    Args:
        arrow: The module `pyarrow`.
        records: What its lines are about.
        columns: Its columns.
        schema: Their schema.
    """
    cells = [arrow.array(map(column.cell, records), kind) for column, kind in zip(columns, schema.types, strict=True)]
    return arrow.Table.from_arrays(cells, schema=schema)
