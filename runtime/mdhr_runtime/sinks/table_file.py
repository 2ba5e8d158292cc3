"""Base class of the sinks that write one line per row: CSV and JSON Lines."""

from __future__ import annotations

import re
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from ..files import LineFile
from ..results import FrameResult, Row
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

    def __init__(self, target: str | Path, context: SinkContext) -> None:
        self._path = None if target == STANDARD_OUTPUT else Path(target)
        self._claim = Claim(self._path or STDOUT, self._is_ours, inputs=context.inputs, overwrite=context.overwrite)
        self._context = context
        self._file: LineFile | None = None
        self._rows = 0

    @abstractmethod
    def header(self) -> str:
        r"""The first line with its "\n", or nothing."""

    @abstractmethod
    def line(self, row: Row) -> str:
        r"""A row's line with its "\n"."""

    @staticmethod
    @abstractmethod
    def row_after(head: re.Match[bytes]) -> re.Pattern[bytes] | None:
        r"""What every row of a file that begins so looks like, with its "\n"; None if no file of this kind does."""

    @property
    def summary(self) -> str:
        """See `Sink`."""
        return f"{self._rows} rows: {self._path or 'standard output'}"

    def begin(self) -> None:
        """Create the file, or empty an older one, and write the first line.

        Raises:
            OutputError: It cannot be written.
        """
        self._file = LineFile(self._path)
        if header := self.header():
            self._file.write(header)

    def write(self, result: FrameResult) -> None:
        """Append the rows of a frame.

        Raises:
            OutputError: A line cannot be written, for example because the disk is full. The lines before are complete.
            ReaderGone: The file is a pipe whose reader has closed it.
        """
        if self._file is None:
            raise RuntimeError("write() before begin()")
        for row in result.rows:
            self._file.write(self.line(row))
            self._rows += 1

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        try:
            if self._file is not None:
                self._file.close()
        finally:
            self._claim.release()

    def _is_ours(self, path: Path) -> bool:
        """Whether a file is, from its first byte to its last, what this class writes."""
        with path.open("rb") as file:
            text = file.read(BLOCK)
            head = self.head.match(text)
            row = head and self.row_after(head)
            if not head or not row:
                return False
            place = head.end()
            while True:
                while match := row.match(text, place):
                    place = match.end()
                text, place = text[place:], 0
                more = file.read(BLOCK)
                if not more or len(text) > LONGEST_ROW:
                    return not text
                text += more
