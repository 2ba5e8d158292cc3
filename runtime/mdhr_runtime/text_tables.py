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

PREFACE = re.compile(r'\ufeff?("?sep=.?"?)?\s*')
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


def lines_of(file: TextIO) -> Iterator[str]:
    """The lines of a text; one that is longer than `LONGEST_LINE` comes in pieces."""
    return iter(partial(file.readline, LONGEST_LINE), "")


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
        raw = iter(enumerate(lines_of(file), 1))
        number, first = next((each for each in raw if not PREFACE.fullmatch(each[1])), (0, ""))
        if not first:
            raise RecordError("It is empty.")
        skipped, last = number - 1, first

        def remembered() -> Iterator[str]:
            nonlocal last
            for _, last in raw:
                yield last

        separator = next((sign for sign in ";\t, " if sign in first), ",")
        rows = csv.reader(chain([first], remembered()), delimiter=separator)
        names: list[str] = []
        before: list[str] = []
        width = row_names = 0
        try:
            for cells in rows:
                number = rows.line_num + skipped
                cells[:1] = [cell.lstrip("\ufeff") for cell in cells[:1]]
                if not any(map(str.strip, cells)):
                    continue
                if not names:
                    width, names = len(cells), cells
                    yield number, names
                    continue
                if header and cells == names:
                    continue
                if header and len({*cells} & {*names} - {""}) > 1:
                    raise RecordError(f"In line {number} another table begins, with other columns.")
                if header and not before and len(cells) == width + 1 and first.lstrip("\ufeff").startswith('"'):
                    row_names = 1
                if header and not last.endswith(("\n", "\r")):
                    if next(rows, None) is not None:
                        raise RecordError(f"Line {number} is longer than {LONGEST_LINE} characters.")
                    shorter = before and before[-1] != cells[-1] and before[-1].startswith(cells[-1])
                    if shorter or len(cells) < width + row_names:
                        return
                if len(cells) != width + row_names:
                    raise RecordError(f"Line {number} has {len(cells)} cells, and the first line {width}.")
                before = cells
                yield number, cells[row_names:]
        except csv.Error as error:
            raise RecordError(f"Line {rows.line_num + skipped} cannot be read: {error}.") from error
        if not names:
            raise RecordError("It is empty.")


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
