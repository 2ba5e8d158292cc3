"""Base class of the sinks that write one line per row or event: CSV and JSON Lines."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from ..files import LineFile
from ..results import FrameResult
from ..targets import STDOUT, Claim
from .base import STANDARD_OUTPUT, Sink, SinkContext

BLOCK = 1 << 20
"""Bytes of an older file that are looked at together."""
LONGEST_ROW = 1 << 16
"""Bytes that a row has at most: the names of files are its longest part."""


class TableFile(Sink):
    """Writes rows as they come. The file is created, or replaced, when the context is entered.

    Every line reaches the file in one piece as soon as it is written: whatever ends the program, the file holds
    complete lines.

    Args:
        target: The file, or "-" for the standard output.
        context: The run.

    Raises:
        OutputError: The file cannot be written, or may not be; see `Claim`.
    """

    head: ClassVar[re.Pattern[bytes]]
    """What every file of this kind begins with."""
    noun = "rows"
    """What its lines are about."""

    def __init__(self, target: str | Path, context: SinkContext) -> None:
        self._path = None if target == STANDARD_OUTPUT else Path(target)
        self._claim = Claim(self._path or STDOUT, self._is_ours, inputs=context.inputs, overwrite=context.overwrite)
        self._context = context
        self._file: LineFile | None = None
        self._lines = 0

    @abstractmethod
    def header(self) -> str:
        r"""The first line with its "\n", or nothing."""

    @abstractmethod
    def line(self, record: Any, /) -> str:
        r"""The line of a row or event, with its "\n"."""

    @staticmethod
    @abstractmethod
    def row_after(head: re.Match[bytes]) -> re.Pattern[bytes] | None:
        r"""What every row of a file that begins so looks like, with its "\n"; None if no file of this kind does."""

    @property
    def summary(self) -> str:
        """See `Sink`."""
        return f"{self._lines} {self.noun}: {self._path or 'standard output'}"

    def begin(self) -> None:
        """Create the file, or empty an older one, and write the first line.

        Raises:
            OutputError: It cannot be written.
        """
        self._file = LineFile(self._path)
        if header := self.header():
            self._file.write(header)

    def write(self, result: FrameResult) -> None:
        """Append the rows of a frame; see `append`."""
        for row in result.rows:
            self.append(row)

    def append(self, record: Any) -> None:
        """Append the line of a row or event.

        Raises:
            OutputError: It cannot be written, for example because the disk is full. The lines before are complete.
            ReaderGone: The file is a pipe whose reader has closed it.
        """
        if self._file is None:
            raise RuntimeError("append() before begin()")
        self._file.write(self.line(record))
        self._lines += 1

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        try:
            if self._file is not None:
                self._file.close()
        finally:
            self._claim.release()

    def _is_ours(self, path: Path) -> bool:
        return is_table(path, self.head, self.row_after)


def is_table(
    path: Path, head: re.Pattern[bytes], row_after: Callable[[re.Match[bytes]], re.Pattern[bytes] | None]
) -> bool:
    """Whether a file is a table from its first byte to its last; see `TableFile` for the other arguments."""
    with path.open("rb") as file:
        text = file.read(BLOCK)
        found = head.match(text)
        row = found and row_after(found)
        if not found or not row:
            return False
        place = found.end()
        while True:
            while match := row.match(text, place):
                place = match.end()
            text, place = text[place:], 0
            more = file.read(BLOCK)
            if not more or len(text) > LONGEST_ROW:
                return not text
            text += more
