"""Reading tables in text (CSV), also when a spreadsheet, R or pandas has written them again.

| such programs | here |
|---|---|
| begin with a byte order mark, or write UTF-16 | the mark tells |
| end lines by CR, LF or both, leave blank ones, or begin with `sep=;` | passed over |
| put semicolons, tabs or blanks between cells | the first line tells |
| write 0,5 for 0.5 | read so, unless other numbers of the table have a point |
| name rows, but no column of their names (R's `write.table`) | the first line is quoted, and one cell shorter |
| write NA and the like for an empty cell | no number |

All that is certain in meaning; what is not is refused.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TextIO

from .files import open_regular
from .records import RecordError

LONGEST_LINE = 1 << 20
"""Characters. A row of a hundred AUs has 5,000."""
MISSING = frozenset(("", "NA", "nan", "NaN", "N/A", "#N/A", "<NA>", "None", "NULL", "null"))
"""What programs write for a missing cell."""

BYTE_ORDER_MARK = "\ufeff"
PREFACE = re.compile(rf'{BYTE_ORDER_MARK}?("?sep=.?"?)?\s*')
DECIMAL_COMMA = re.compile(r"\s*[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?\s*")


def open_text(path: Path) -> TextIO:
    """Open a text in UTF-8, or in the encoding that its byte order mark names; odd bytes become surrogates.

    Raises:
        OSError: It cannot be read.
        RecordError: It is no text.
    """
    with open_regular(path) as file:
        start = file.read(1 << 12)
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if b"\0" in start and not marked:
        raise RecordError("It holds zero bytes: it is no text, or UTF-16 without a byte order mark.")
    encoding, errors = ("utf-16", "replace") if marked else ("utf-8-sig", "surrogateescape")
    return io.TextIOWrapper(open_regular(path), encoding, errors, newline="")


def lines_of(file: TextIO, longest: int = LONGEST_LINE) -> Iterator[str]:
    """The lines of a text.

    Raises:
        RecordError: One is longer than so many characters; no more of it is read.
    """
    for line in iter(partial(file.readline, longest), ""):
        if len(line) == longest:
            raise RecordError(f"A line of it is longer than {longest} characters.")
        yield line


def is_cut(line: str) -> bool:
    """Whether a line has no line break: only the last one can."""
    return not line.endswith(("\n", "\r"))


def read_cells(path: Path, *, header: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Read a table in text.

    Args:
        path: The file.
        header: Whether its first line names columns. Then it may come again, where two tables were put together, and
            a last line may be cut off, as when a program that writes the table is ended: both are passed over.

    Yields:
        The number of a line and its cells: the same count in all lines.

    Raises:
        OSError: It cannot be read.
        RecordError: It is empty, no text, has lines of different lengths, or other columns from some line on.
    """
    with open_text(path) as file:
        rows = _rows(file)
        number, names, line = next(rows, (0, [], ""))
        if not names:
            raise RecordError("It is empty.")
        yield number, names
        width, quoted, before = len(names), line.lstrip(BYTE_ORDER_MARK).startswith('"'), names
        for number, cells, line in rows:
            if header:
                if cells == names:
                    continue
                if len({*cells} & {*names} - {""}) > 1:
                    raise RecordError(f"In line {number} another table begins, with other columns.")
                if quoted and before is names and len(cells) == width + 1:
                    width += 1  # the name of the row stands first
                shorter = before is not names and before[-1] != cells[-1] and before[-1].startswith(cells[-1])
                if is_cut(line) and (shorter or len(cells) < width):
                    return
            if len(cells) != width:
                raise RecordError(f"Line {number} has {len(cells)} cells, and the first line {len(names)}.")
            before = cells
            yield number, cells[width - len(names) :]


def _rows(file: TextIO) -> Iterator[tuple[int, list[str], str]]:
    """The lines that hold something: their numbers, cells, and text, which is that of its last line if it has more."""
    numbered = enumerate(lines_of(file))
    skipped, line = next((each for each in numbered if not PREFACE.fullmatch(each[1])), (0, ""))

    def remembered(first: str) -> Iterator[str]:
        nonlocal line
        for line in chain([first], lines_of(file)):  # noqa: UP028 -- it is remembered
            yield line

    separator = next((sign for sign in ";\t, " if sign in line), ",")
    rows = csv.reader(remembered(line), delimiter=separator)
    try:
        for cells in rows:
            if any(map(str.strip, cells)):
                yield rows.line_num + skipped, [cells[0].lstrip(BYTE_ORDER_MARK), *cells[1:]], line
    except csv.Error as error:
        raise RecordError(f"Line {rows.line_num + skipped} cannot be read: {error}.") from error


class Numbers:
    """Makes numbers of the cells of one table, which have all a point before their decimals, or all a comma."""

    def __init__(self) -> None:
        self._mark = ""

    def __call__(self, cell: str, place: str, column: str = "") -> float | None:
        """The number that a cell holds, or None if it is missing.

        Args:
            cell: The cell.
            place: The line, for errors.
            column: The column, for errors.

        Raises:
            RecordError: It is none, or has another decimal mark than those before it.
        """
        try:
            number, mark = float(cell), "." if "." in cell else ""
        except ValueError:
            if cell.strip() in MISSING:
                return None
            if not DECIMAL_COMMA.fullmatch(cell):
                raise RecordError(f"{self._where(place, column)} holds {cell!r}, and that is no number.") from None
            number, mark = float(cell.replace(",", ".")), ","
        if mark and mark != self._mark:
            if self._mark:
                why = f"numbers before it have the other decimal mark, {self._mark!r}"
                raise RecordError(f"{self._where(place, column)} holds {cell!r}, and {why}.")
            self._mark = mark
        return number

    @staticmethod
    def _where(place: str, column: str) -> str:
        return f"{place} is wrong at {column}: it" if column else place
