"""Reading a table of labels: of its cells those that mean something, as numbers, times and texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mdhr_runtime.errors import DataError
from mdhr_runtime.extras import extra
from mdhr_runtime.files import open_regular
from mdhr_runtime.records import RecordError
from mdhr_runtime.text_tables import MISSING, Numbers, read_cells
from mdhr_runtime.times import read_time

from .columns import COUNTS, TEXTS, TIMES, Columns

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
CLOCK = re.compile(r"\s*\d+:\d+(:\d+)?([.,]\d*)?\s*")
ELAN_CLOCK = re.compile(r"\d\d:\d\d:\d\d\.\d{3}")
TRUTH = {"true": "1", "false": "0"}

Rows = Iterator[tuple[int, list[Any]]]
"""The number of each line, and its cells."""


class NotLabelsError(DataError):
    """A file that holds no labels, such as may lie in a folder with others that do."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table of labels with R rows.

    Attributes:
        path: The file.
        columns: What its columns mean.
        cells: The cells of each column that is used, by its index: float64 (R,), NaN where they are missing, or
            object (R,) of texts, "" where they are missing.
        clock: Columns whose times are written h:mm:ss; they are in seconds.
        lines: int64 (R,), the lines of the rows.
    """

    path: Path
    columns: Columns
    cells: dict[int, np.ndarray]
    clock: frozenset[int]
    lines: np.ndarray

    def __len__(self) -> int:
        """Number of rows R."""
        return len(self.lines)

    def of(self, role: str) -> list[np.ndarray]:
        """The cells of the columns of a role."""
        return [self.cells[index] for index in self.columns.roles[role]]

    def unit(self, role: str) -> str:
        """The unit of the times of a role; see `Columns.unit`."""
        return "s" if self.columns.roles[role][0] in self.clock else self.columns.unit(role)

    def boxes(self, landmarks: bool = False) -> np.ndarray | None:
        """The boxes of the faces: float32 (R, 4), left, top, right and bottom in pixels, NaN where they are missing.

        Args:
            landmarks: Whether to make them of points, where there are no boxes. For these the file is read again.

        Returns:
            None if it has neither.
        """
        if self.columns.boxes:
            left, top, width, height = (self.cells[index] for index in self.columns.boxes)
            return np.stack([left, top, left + width, top + height], 1).astype(np.float32)
        points = self.columns.landmarks
        if not (landmarks and points):
            return None
        rows = (row for _, row in _read(self.path)[1])
        at = np.array([[_number(Numbers(), row[index], "", "") for index, _ in points] for row in rows], np.float32)
        x, y = (at[:, [axis == letter for _, axis in points]] for letter in "xy")
        return np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], 1)


def read_table(path: Path, known: frozenset[int]) -> Table:
    """Read a table of labels, in text or Parquet.

    Args:
        path: The file; `mdhr_runtime.text_tables` says what may be done to text.
        known: The AUs that a column named by a mere number can mean.

    Raises:
        NotLabelsError: It holds none.
        DataError: It cannot be read, a cell is no number or time, or two columns for the same differ.
    """
    try:
        names, rows = _read(path)
        columns = Columns(names, known)
        if not columns.is_labels:
            hint = "only commas, semicolons, tabs and blanks part cells"
            raise NotLabelsError(
                *_wrong(path, f"Its columns are {', '.join(map(repr, names[:6]))}; {hint}."),
                "Name the columns frame, or timestamp, and AU01, AU02, …; or start, end and code.",
            )
        texts = {*chain(*(columns.roles[role] for role in TEXTS), *(columns.aus.values() if columns.is_tiers else ()))}
        times = {*chain(*(columns.roles[role] for role in TIMES))}
        labels = {*chain(*columns.aus.values())} - texts
        counts = {*chain(*(columns.roles[role] for role in COUNTS), columns.boxes)} | labels
        lines: list[int] = []
        cells: dict[int, list[Any]] = {index: [] for index in sorted(texts | times | counts)}
        for line, row in rows:
            lines.append(line)
            for index, column in cells.items():
                column.append(row[index])
        if not lines:
            raise NotLabelsError(*_wrong(path, "It has no rows."), "Give a table with labels.")
        _require_equal(columns, cells)
        number, clock, found = Numbers(), set(), {}
        for index, column in cells.items():
            if index in texts:
                found[index] = np.array([*map(_text, column)], object)
                continue
            read: Callable[[Any, str, str], float] = partial(_number, number)
            if index in times and any(isinstance(cell, str) and CLOCK.fullmatch(cell) for cell in column):
                clock.add(index)
                read = _clock
            numbered = zip(lines, column, strict=True)
            found[index] = np.array([read(cell, f"Line {line}", names[index]) for line, cell in numbered])
            if index not in labels:  # an infinite time is none
                found[index][np.isinf(found[index])] = np.nan
    except (OSError, RecordError) as error:
        kind = NotLabelsError if str(error) == EMPTY else DataError
        fix = "Save it as CSV in UTF-8, with a line of column names and as many cells in all other lines."
        raise kind(*_wrong(path, getattr(error, "strerror", None) or str(error)), fix) from error
    return Table(path, columns, found, frozenset(clock), np.array(lines))


EMPTY = "It is empty."
"""What is said of a file without a line."""


def _wrong(path: Path, why: str) -> tuple[str, str]:
    return f"{path} is no table of labels.", why


def _require_equal(columns: Columns, cells: dict[int, list[Any]]) -> None:
    """Refuse two columns that mean the same, and differ.

    Raises:
        RecordError: There are such.
    """
    same: dict[object, list[int]] = dict(columns.aus.items())
    for index in cells:
        same.setdefault(columns.names[index], []).append(index)
    for first, *others in same.values():
        for other in others:
            if cells[other] != cells[first]:
                both = f"{columns.names[first]!r} and {columns.names[other]!r}"
                raise RecordError(f"Its columns {both} mean the same, and differ.")


def _number(number: Numbers, cell: Any, place: str, column: str) -> float:
    """A cell with a number; NaN if it is missing."""
    if isinstance(cell, str):
        cell = number(TRUTH.get(cell.strip().lower(), cell), place, column)
    try:
        return np.nan if cell is None else float(cell)
    except (TypeError, ValueError) as error:
        raise RecordError(f"{place} is wrong at {column}: it holds {cell!r}, and that is no number.") from error


def _clock(cell: Any, place: str, column: str) -> float:
    """A cell with a time, in seconds; NaN if it is missing."""
    text = _text(cell).replace(",", ".")
    try:
        return read_time(text) if text else np.nan
    except ValueError as error:
        raise RecordError(f"{place} is wrong at {column}: {error}") from error


def _text(cell: Any) -> str:
    """A cell as text. What is not in UTF-8 is taken for Windows-1252."""
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, float) and cell == int(cell):
        cell = int(cell)
    text = str(cell).strip()
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        text = text.encode(errors="surrogateescape").decode("cp1252", "replace")
    return "" if text in MISSING else text


def _read(path: Path) -> tuple[list[str], Rows]:
    """The names of a table's columns, and its rows."""
    if path.suffix.lower() == ".parquet":
        return _parquet(path)
    _, names = next(read_cells(path, header=False))
    clocks = [index for index, name in enumerate(names) if ELAN_CLOCK.fullmatch(name)]
    if len(clocks) > 1:  # ELAN, without a line of names: tier, …, begin, …, end, …, annotation
        named = {index: f"column {index + 1}" for index in range(len(names))}
        named |= {len(names) - 1: "annotation", 0: "tier", clocks[0]: "begin", clocks[1]: "end"}
        return [*named.values()], read_cells(path, header=False)
    # Where columns are named by numbers, a row of numbers looks like a header.
    rows = read_cells(path, header=not any(name.strip().isdecimal() for name in names))
    next(rows)
    return [_text(name) for name in names], rows


def _parquet(path: Path) -> tuple[list[str], Rows]:
    library: Any = extra("parquet", "pyarrow.parquet")
    try:
        with open_regular(path) as file:
            table = library.read_table(file)
    except extra("parquet", "pyarrow.lib").ArrowException as error:
        raise RecordError(f"It is no Parquet file or damaged: {error}") from error
    columns = [column.to_pylist() for column in table.columns]
    rows = ((row, list(cells)) for row, cells in enumerate(zip(*columns, strict=True), 1))
    return [str(name) for name in table.column_names], rows
