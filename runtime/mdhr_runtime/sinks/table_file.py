"""What the outputs share that write one line per row: CSV and JSON Lines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from ..results import FrameResult, Row
from .lines import LineFile, check_replaceable


class TableFile(ABC):
    """Writes rows as they come. A context manager; the file is created, or replaced, when it is entered.

    Every line reaches the file in one piece as soon as it is written: whatever ends the program, the file holds
    complete lines.

    Args:
        path: The file; None is the standard output.
        aus: Names of the AUs in the order of the scores.

    Raises:
        OutputError: The file cannot be written, or exists and is not of this kind.
    """

    first_bytes: bytes
    """How every file of this kind begins."""

    def __init__(self, path: Path | None, aus: Sequence[str]) -> None:
        if path is not None:
            check_replaceable(path, self._is_ours)
        self._path = path
        self._aus = tuple(aus)
        self._file: LineFile | None = None
        self._rows = 0

    @abstractmethod
    def header(self) -> str:
        r"""The first line with its "\n", or nothing."""

    @abstractmethod
    def line(self, row: Row) -> str:
        r"""A row's line with its "\n"."""

    @property
    def summary(self) -> str:
        """What was written, in words."""
        return f"{self._rows} rows: {self._path or 'standard output'}"

    def write(self, result: FrameResult) -> None:
        """Append the rows of a frame.

        Raises:
            OutputError: A line cannot be written, for example because the disk is full. The lines before are complete.
            ReaderGone: The file is a pipe that nobody reads any more.
        """
        if self._file is None:
            raise RuntimeError("write() outside of the `with` block")
        for row in result.rows:
            self._file.write(self.line(row))
            self._rows += 1

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> TableFile:
        self._file = LineFile(self._path)
        try:
            if header := self.header():
                self._file.write(header)
        except BaseException:
            self.close()
            raise
        return self

    def _is_ours(self, path: Path) -> bool:
        with path.open("rb") as file:
            return file.read(len(self.first_bytes)) == self.first_bytes

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
