"""Base classes of the sinks that write lines as they come: one per row, CSV and JSON Lines, or one per event."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from ..files import LineFile
from ..results import FrameResult, Row
from ..targets import STDOUT, Claim
from .base import STANDARD_OUTPUT, Sink, SinkContext

BLOCK = 1 << 20
"""Bytes of an older file that are looked at together."""
LONGEST_LINE = 1 << 16
"""Bytes that a line has at most: the names of files are its longest part."""


class TableFile(Sink):
    """Writes lines as they come. The file is created, or replaced, when the context is entered.

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
    noun: ClassVar[str]
    """What the lines are."""

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
    def line(self, record: Any) -> str:
        r"""The line of a row or event, with its "\n"."""

    @staticmethod
    @abstractmethod
    def line_after(head: re.Match[bytes]) -> re.Pattern[bytes] | None:
        r"""What every line of a file that begins so looks like, with its "\n"; None if no file of this kind does."""

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

    def append(self, record: Any) -> None:
        """Append the line of a row or event.

        Raises:
            OutputError: It cannot be written, for example because the disk is full. The lines before are complete.
            ReaderGone: The file is a pipe whose reader has closed it.
        """
        if self._file is None:
            raise RuntimeError("nothing can be written before begin()")
        self._file.write(self.line(record))
        self._lines += 1

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        try:
            if self._file is not None:
                self._file.close()
        finally:
            self._claim.release()

    @classmethod
    def _is_ours(cls, path: Path) -> bool:
        return consists_of_lines(path, cls.head, cls.line_after)


class RowFile(TableFile):
    """Writes one line per row; see `TableFile`."""

    noun = "rows"

    def write(self, result: FrameResult) -> None:
        """Append the rows of a frame; see `append`."""
        for row in result.rows:
            self.append(row)

    @abstractmethod
    def line(self, record: Row) -> str:
        """See `TableFile`."""


def consists_of_lines(
    path: Path, head: re.Pattern[bytes], line_after: Callable[[re.Match[bytes]], re.Pattern[bytes] | None]
) -> bool:
    """Whether a file is, from its first byte to its last, lines of a kind. Arguments are as in `TableFile`."""
    with path.open("rb") as file:
        text = file.read(BLOCK)
        found = head.match(text)
        line = found and line_after(found)
        if not found or not line:
            return False
        place = found.end()
        while True:
            while match := line.match(text, place):
                place = match.end()
            text, place = text[place:], 0
            more = file.read(BLOCK)
            if not more or len(text) > LONGEST_LINE:
                return not text
            text += more
