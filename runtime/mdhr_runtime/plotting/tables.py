"""Reading the tables that the sinks write, also when pandas, R or a spreadsheet has written them again.

Such programs leave the columns in place, add some, and write 3.0 for 3, NA for an empty cell, TRUE for 1, semicolons
between cells or a comma in numbers. All that is certain in meaning. A last line that is cut off is passed over: the
program that wrote or copied it was ended.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from ..contract import SCORE
from ..errors import OutputError
from ..file_types import EMPTY, JSON, TABLE, TEXT, explain, file_type
from ..files import open_regular
from ..records import Count, RecordError, from_json, from_plain
from ..sinks.extras import extra

SCORE_SUFFIX = "_p"
"""End of the name of a column with scores."""
BATCH_ROWS = 16_384
"""Rows of a Parquet file that are in memory at once."""
LONGEST_LINE = 1 << 20
"""Bytes. One of a hundred AUs has 5,000."""

COLUMNS = ("source", "frame", "timestamp", "face_id", "final", "success")
"""Those that are read, besides the scores."""
MISSING = (None, "", "NA", "nan", "NaN", "N/A", "#N/A", "<NA>", "None", "NULL", "null")
TRUE, FALSE = (True, "1", "1.0", "True", "TRUE", "true", "T"), (False, "0", "0.0", "False", "FALSE", "false", "F")
"""What programs write for a missing cell, and for truth values."""

AuName = Annotated[str, Meta(pattern=r"^AU[0-9]{1,3}\Z")]
Number = Annotated[float, Meta(ge=-1e12, le=1e12)]
Score = Annotated[float, Meta(ge=SCORE.lowest - 1e-3, le=SCORE.highest + 1e-3)]  # float16 may round beyond the ends


@dataclass(frozen=True)
class Seen:
    """The part of a row that a chart needs.

    Attributes:
        source: Name of the source.
        frame: Number of the frame.
        timestamp: Its time in seconds.
        face_id: The face, or None in a frame without one.
        scores: The score of every AU by its name; empty without a face.
        final: Whether no other row follows for the same source, frame and face.

    Raises:
        ValueError: A number is not finite.
    """

    source: Annotated[str, Meta(max_length=8192)]
    frame: Count
    timestamp: Number
    face_id: Count | None
    scores: Annotated[dict[AuName, Score], Meta(max_length=100)]
    final: bool = True

    def __post_init__(self) -> None:
        if not all(map(isfinite, (self.timestamp, *self.scores.values()))):
            raise ValueError("a time or score is no finite number")


def read_table(path: Path) -> Iterator[Seen]:
    """Read the final rows of a table.

    Args:
        path: A `.csv`, `.jsonl`, `.ndjson` or `.parquet` file.

    Yields:
        The rows in the order of the file.

    Raises:
        OutputError: It cannot be read, or is no such table.
    """
    fix = "Give a table that mdhr-run wrote, with its suffix .csv, .jsonl or .parquet."
    aus = None
    try:
        if file_type(path) not in (TABLE, EMPTY, JSON, TEXT, None) or not os.path.exists(path):
            what = f"{path} is no table of action units." if os.path.exists(path) else f"There is no table {path}."
            raise OutputError(what, *explain(path, fix))
        if path.suffix.lower() not in _READERS:
            raise RecordError(f"Its name does not end in one of {', '.join(_READERS)}.")
        open_regular(path).close()
        for place, plain in _READERS[path.suffix.lower()](path):
            row: Seen = from_plain(Seen, plain, place, lax=True)
            aus = aus or row.scores.keys()
            if row.scores and row.scores.keys() != aus:
                raise RecordError(f"{place} has other action units than the lines before.")
            if row.final:
                yield row
    except OSError as error:
        raise OutputError(f"{path} cannot be read.", error.strerror or str(error), fix) from error
    except (RecordError, csv.Error) as error:
        raise OutputError(f"{path} is no table of action units.", str(error), fix) from error


def _csv(path: Path) -> Iterator[tuple[str, object]]:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        header = file.readline(LONGEST_LINE)
        if not header:
            raise RecordError("It is empty.")
        delimiter = max(",;\t", key=header.count)
        names = next(csv.reader([header], delimiter=delimiter), [])
        aus = _aus(names)
        rows = csv.reader(iter(partial(file.readline, LONGEST_LINE), ""), delimiter=delimiter)
        for cells in rows:
            place = f"Line {rows.line_num + 1}"
            if not any(cells):
                continue
            if len(cells) < len(names) and next(rows, None) is None:
                return
            if len(cells) != len(names):
                raise RecordError(f"{place} has {len(cells)} cells, and the header {len(names)}.")
            row = dict(zip(names, cells, strict=True))
            if delimiter != ",":  # then it may stand in numbers
                row = {name: cell if name == "source" else cell.replace(",", ".") for name, cell in row.items()}
            yield place, _plain(row, aus)


def _json_lines(path: Path) -> Iterator[tuple[str, object]]:
    with path.open("rb") as file:
        number, line = 1, file.readline(LONGEST_LINE)
        while line:
            following = file.readline(LONGEST_LINE)
            if line.strip():
                try:
                    row = from_json(line)
                    scores = {au: each["score"] for au, each in (row["aus"] or {}).items()}
                    seen = {name: row[name] for name in ("source", "frame", "timestamp", "face_id", "final")}
                except RecordError as error:
                    if number > 1 and not following and not line.endswith(b"\n"):
                        return
                    raise RecordError(f"Line {number}: {error}") from error
                except (TypeError, KeyError, AttributeError) as error:
                    raise RecordError(f"Line {number} is of another kind of file ({error}).") from error
                yield f"Line {number}", seen | {"scores": scores}
            number, line = number + 1, following


def _parquet(path: Path) -> Iterator[tuple[str, object]]:
    library: Any = extra("parquet", "pyarrow.parquet")
    try:
        with path.open("rb") as opened, library.ParquetFile(opened) as file:
            aus = _aus(file.schema_arrow.names)
            columns = [*COLUMNS, *(au + SCORE_SUFFIX for au in aus)]
            number = 0
            for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield f"Row {number}", _plain(row, aus)
    except extra("parquet", "pyarrow.lib").ArrowException as error:
        raise RecordError(f"It is no Parquet file or damaged: {error}") from error


def _plain(row: Mapping[str, Any], aus: Sequence[str]) -> dict[str, object]:
    """A row of columns as `Seen` keeps it."""
    seen = {name: _cell(row[name]) for name in ("frame", "timestamp", "face_id")}
    scores = {au: _cell(row[au + SCORE_SUFFIX]) for au in aus} if _flag(row["success"]) else {}
    return seen | {"source": row["source"], "final": _flag(row["final"]), "scores": scores}


def _cell(value: Any) -> Any:
    """A cell's value, or None if it is missing."""
    return None if value in MISSING or value != value else value


def _flag(value: Any) -> Any:
    """The truth value of a cell, or the cell as it is where it has none."""
    return value in TRUE or (False if value in FALSE else _cell(value))


def _aus(columns: Sequence[str]) -> list[str]:
    aus = [name.removesuffix(SCORE_SUFFIX) for name in columns if re.fullmatch(rf"AU\d{{1,3}}{SCORE_SUFFIX}", name)]
    for name in (*COLUMNS, *(au + SCORE_SUFFIX for au in aus or ("AU…",))):
        if columns.count(name) != 1:
            raise RecordError(f"It has {'two columns' if name in columns else 'no column'} {name}.")
    return aus


_READERS: dict[str, Callable[[Path], Iterator[tuple[str, object]]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
