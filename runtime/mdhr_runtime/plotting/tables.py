"""Reading the tables that the sinks write, also when other programs have written them again.

Such programs leave the columns in place, add some, and write 3.0 for 3 or TRUE for 1: all that is certain in meaning.
`mdhr_runtime.text_tables` says what else they do to text. A last line that is cut off is passed over: the program that
wrote or copied it was ended.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from ..au_events import AuEvent
from ..contract import SCORE
from ..errors import OutputError
from ..extras import extra
from ..file_types import EMPTY, JSON, TABLE, TEXT, explain, file_type
from ..files import open_regular
from ..records import Count, RecordError, from_json, from_plain
from ..text_tables import MISSING, Numbers, is_cut, lines_of, open_text, read_cells

SCORE_SUFFIX = "_p"
"""End of the name of a column with scores."""
BATCH_ROWS = 16_384
"""Rows of a Parquet file that are in memory at once."""

TRUE, FALSE = (True, "1", "1.0", "True", "TRUE", "true", "T"), (False, "0", "0.0", "False", "FALSE", "false", "F")
"""What programs write for truth values."""

AU_OR_PAIR = r"AU\d{1,3}(\+AU\d{1,3})?"
AuName = Annotated[str, Meta(pattern=r"^AU[0-9]{1,3}\Z")]
SourceName = Annotated[str, Meta(max_length=8192)]
LARGEST = 1e12
"""Of all numbers."""
ROUNDED = 1e-3
"""How far float16 may round beyond the ends of a range."""
Score = Annotated[float, Meta(ge=SCORE.lowest - ROUNDED, le=SCORE.highest + ROUNDED)]


@dataclass(frozen=True)
class Seen:
    """The part of a row of results that a chart needs.

    Attributes:
        source: Name of the source.
        frame: Number of the frame.
        timestamp: Its time in seconds.
        face_id: The face, or None in a frame without one.
        scores: The score of every AU by its name; empty without any.
        final: Whether no other row follows for the same source, frame and face.
        person: Number of the person, or None if nobody was recognised.
    """

    source: SourceName
    frame: Count
    timestamp: float
    face_id: Count | None
    scores: Annotated[dict[AuName, Score], Meta(max_length=100)]
    final: bool = True
    person: Count | None = None


@dataclass(frozen=True)
class Figures:
    """A row of a summary; `mdhr_runtime.sinks.summary_file` describes it. The last are None where they do not exist."""

    source: SourceName
    person: Count | None
    face_id: Count | None
    au: str
    seconds_seen: float
    share: float | None
    events: Count | None
    rate_per_minute: float | None
    mean_duration: float | None


KINDS = {"onset": AuEvent, "share": Figures}
"""Types of rows by a column that other kinds of table do not have; all others are results."""
COLUMNS: Mapping[type, Sequence[str]] = {
    Seen: ("source", "frame", "timestamp", "face_id", "person", "confidence", "success", "final"),
    **{kind: [field.name for field in fields(kind)] for kind in (AuEvent, Figures)},
}
"""The columns that are read, by their fields; results have those of the scores beside them."""
OPTIONAL = ("person", "confidence")
"""Columns of results that need not be there: older versions wrote no persons."""
RENAMED = {"face_id": "face", "au": "AU"}
"""Columns of events and summaries that are not called like their fields."""
PARTS = ("confidence", "peak", "mean", "share")
"""Columns with numbers in [0, 1]."""

Rows = Iterator[tuple[str, Mapping[str, Any]]]
"""Where each row stands, and its cells by their columns."""


class Table:
    """A table of results, events or a summary; iterating gives its rows, of results the final ones.

    Args:
        path: A `.csv`, `.jsonl`, `.ndjson` or `.parquet` file.

    Attributes:
        kind: Type of its rows: `Seen`, `AuEvent` or `Figures`.
        renamed: Whether names were not in UTF-8, and are read as Windows-1252; known when the rows have been read.

    Raises:
        OutputError: It cannot be read, or is no such table; also while iterating.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.renamed = path, False
        self.kind: type = Seen
        self._number = Numbers()
        self._rows = self._read()
        first = next(self._rows, None)  # so that the kind is known
        self._rows = self._rows if first is None else chain([first], self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def _read(self) -> Iterator[Any]:
        path, fix = self.path, "Give a table that mdhr-run wrote, with its suffix .csv, .jsonl or .parquet."
        try:
            if file_type(path) not in (TABLE, EMPTY, JSON, TEXT, None) or not os.path.exists(path):
                what = f"{path} is no table of action units." if os.path.exists(path) else f"There is no table {path}."
                raise OutputError(what, *explain(path, fix))
            if path.suffix.lower() not in _READERS:
                raise RecordError(f"Its name does not end in one of {', '.join(_READERS)}.")
            with _READERS[path.suffix.lower()](path) as (columns, rows):
                self._check(columns)
                yield from self._typed(rows)
        except OSError as error:
            raise OutputError(f"{path} cannot be read.", error.strerror or str(error), fix) from error
        except RecordError as error:
            raise OutputError(f"{path} is no table of action units.", str(error), fix) from error

    def _check(self, columns: Sequence[str]) -> None:
        """Tell the kind of table by its columns, of which none may be missing or come twice."""
        self.kind = next((kind for name, kind in KINDS.items() if name in columns), Seen)
        wanted = [column for _, column in self._columns() if column in columns or column not in OPTIONAL]
        if self.kind is Seen and "aus" not in columns:  # with the scores of JSON Lines
            wanted += [au + SCORE_SUFFIX for au in _aus(tuple(columns)) or ("AU…",)]
        for name in wanted if columns else ():
            if columns.count(name) != 1:
                raise RecordError(f"It has {'two columns' if name in columns else 'no column'} {name}.")

    def _columns(self) -> list[tuple[str, str]]:
        """Fields and their columns."""
        return [(name, name if self.kind is Seen else RENAMED.get(name, name)) for name in COLUMNS[self.kind]]

    def _typed(self, rows: Rows) -> Iterator[Any]:
        known: Sequence[str] = ()
        columns = self._columns()
        for place, row in rows:
            plain = {field: self._cell(place, row.get(column), column) for field, column in columns}
            if self.kind is not Seen:
                yield from_plain(self.kind, plain, place, lax=True)
                continue
            del plain["confidence"]
            aus = _aus(tuple(row)) if plain.pop("success") else []
            scores = {au: self._numeric(place, row.get(au + SCORE_SUFFIX), au + SCORE_SUFFIX) for au in aus}
            seen: Seen = from_plain(Seen, plain | {"scores": scores}, place, lax=True)
            known = known or aus
            if aus and aus != known:
                raise RecordError(f"{place} has other action units than the lines before.")
            if seen.final:
                yield seen

    def _cell(self, place: str, value: Any, column: str) -> Any:
        """A cell as plain data, or None if it is missing."""
        if column == "source":
            return self._name(value)
        if column not in ("final", "success", "AU"):
            return self._numeric(place, value, column)
        if value is None or value != value or (isinstance(value, str) and value.strip() in MISSING):
            return None
        if column == "AU" and not re.fullmatch(AU_OR_PAIR, str(value)):
            raise RecordError(f"{place} is wrong at AU: {value!r} is none.")
        return value if column == "AU" else value in TRUE or (False if value in FALSE else value)

    def _numeric(self, place: str, value: Any, column: str) -> Any:
        """A cell with a number."""
        number = self._number(value, place, column) if isinstance(value, str) else value
        if number is None or number != number:
            return None
        highest = SCORE.highest if column in PARTS else LARGEST
        if type(number) in (int, float) and abs(number) > highest + ROUNDED:
            why = f"above {highest:g}, as if a program had taken points for signs between thousands"
            raise RecordError(f"{place} is wrong at {column}: {value!s:.20} is {why}.")
        return number

    def _name(self, value: Any) -> Any:
        if value is None or value != value:  # a program took an empty name for a missing one
            return ""
        if not isinstance(value, str):  # or a name for a number
            return f"{value:g}" if type(value) in (int, float) else value
        if self.path.suffix.lower() == ".csv" and not value.isascii():
            with_bytes = value.encode(errors="surrogateescape")
            try:
                with_bytes.decode()
            except UnicodeDecodeError:
                self.renamed = True
                return with_bytes.decode("cp1252", "surrogateescape")
        return value


@contextmanager
def _csv(path: Path) -> Iterator[tuple[Sequence[str], Rows]]:
    cells = read_cells(path)
    _, names = next(cells)
    yield names, ((f"Line {number}", dict(zip(names, row, strict=True))) for number, row in cells)


@contextmanager
def _json_lines(path: Path) -> Iterator[tuple[Sequence[str], Rows]]:
    with open_text(path) as file:
        rows = _objects(enumerate(lines_of(file), 1))
        first = list(islice(rows, 1))
        yield [name for _, row in first for name in row], chain(first, rows)


def _objects(lines: Iterator[tuple[int, str]]) -> Rows:
    begun = False
    for number, line in lines:
        if not line.strip():
            continue
        place = f"Line {number}"
        try:
            row = from_json(line.encode())
            # As we write them; pandas may have made columns of the scores.
            nested = {au + SCORE_SUFFIX: each["score"] for au, each in (row.get("aus") or {}).items()}
            if len(_aus(tuple(nested))) < len(nested):
                raise RecordError("Not all that it scores is an action unit.")
        except RecordError as error:
            if begun and is_cut(line):
                return
            raise RecordError(f"{place}: {error}") from error
        except UnicodeEncodeError as error:
            raise RecordError(f"{place} is not in UTF-8.") from error
        except (TypeError, KeyError, AttributeError) as error:
            raise RecordError(f"{place} is of another kind of file ({error}).") from error
        yield place, {"success": bool(nested), **row, **nested}
        begun = True


@contextmanager
def _parquet(path: Path) -> Iterator[tuple[Sequence[str], Rows]]:
    library: Any = extra("parquet", "pyarrow.parquet")
    try:
        with open_regular(path) as opened, library.ParquetFile(opened) as file:
            rows = (row for batch in file.iter_batches(BATCH_ROWS) for row in batch.to_pylist())
            yield file.schema_arrow.names, ((f"Row {number}", row) for number, row in enumerate(rows, 1))
    except extra("parquet", "pyarrow.lib").ArrowException as error:
        raise RecordError(f"It is no Parquet file or damaged: {error}") from error


@cache
def _aus(columns: tuple[str, ...]) -> list[str]:
    """The AUs whose scores stand in some columns."""
    return [name.removesuffix(SCORE_SUFFIX) for name in columns if re.fullmatch(rf"AU\d{{1,3}}{SCORE_SUFFIX}", name)]


_READERS: dict[str, Callable[[Path], AbstractContextManager[tuple[Sequence[str], Rows]]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
