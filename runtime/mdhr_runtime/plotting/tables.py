"""Reading the tables that the sinks write."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import OutputError
from ..file_types import TABLE, explain, file_type
from ..sinks.csv_file import FIRST_COLUMNS, LAST_COLUMNS
from ..sinks.extras import extra

SCORE_SUFFIX = "_p"
"""End of the name of a column with scores."""
BATCH_ROWS = 16_384
"""Rows of a Parquet file that are in memory at once."""


class Seen(NamedTuple):
    """The part of a final row that a chart needs.

    Attributes:
        source: Name of the source.
        frame: Number of the frame.
        timestamp: Its time in seconds.
        face_id: The face, or None in a frame without one.
        scores: The score of every AU by its name; empty without a face.
    """

    source: str
    frame: int
    timestamp: float
    face_id: int | None
    scores: dict[str, float]


class _Foreign(Exception):
    """A file is not one of ours; the text says why."""


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
    try:
        if file_type(path) not in (TABLE, None) or not os.path.exists(path):
            raise OutputError(f"There is no table {path}.", *explain(path, fix))
        if path.suffix.lower() not in _READERS:
            raise _Foreign(f"Its name does not end in one of {', '.join(_READERS)}.")
        yield from _READERS[path.suffix.lower()](path)
    except OSError as error:
        raise OutputError(f"{path} cannot be read.", error.strerror or str(error), fix) from error
    except _Foreign as error:
        raise OutputError(f"{path} is no table of action units.", str(error), fix) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        why = f"A row is damaged or of another kind of file ({type(error).__name__}: {error})."
        raise OutputError(f"{path} is no table of action units.", why, fix) from error


def _csv(path: Path) -> Iterator[Seen]:
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.DictReader(file)
        aus = _aus(rows.fieldnames or ())
        for row in rows:
            if row["final"] == "1":
                face_id = int(row["face_id"]) if row["face_id"] else None
                scores = {au: float(row[au + SCORE_SUFFIX]) for au in aus} if row["success"] == "1" else {}
                yield Seen(row["source"], int(row["frame"]), float(row["timestamp"]), face_id, scores)


def _json_lines(path: Path) -> Iterator[Seen]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["final"]:
                scores = {au: float(value["score"]) for au, value in (row["aus"] or {}).items()}
                yield Seen(row["source"], row["frame"], row["timestamp"], row["face_id"], scores)


def _parquet(path: Path) -> Iterator[Seen]:
    library: Any = extra("parquet", "pyarrow.parquet")
    with library.ParquetFile(path) as file:
        aus = _aus(file.schema_arrow.names)
        columns = ["source", "frame", "timestamp", "face_id", "final", "success", *(au + SCORE_SUFFIX for au in aus)]
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            for row in batch.to_pylist():
                if row["final"]:
                    scores = {au: row[au + SCORE_SUFFIX] for au in aus} if row["success"] else {}
                    yield Seen(row["source"], row["frame"], row["timestamp"], row["face_id"], scores)


def _aus(columns: Any) -> list[str]:
    missing = [name for name in (*FIRST_COLUMNS, *LAST_COLUMNS) if name not in columns]
    aus = [name.removesuffix(SCORE_SUFFIX) for name in columns if name.startswith("AU") and name.endswith(SCORE_SUFFIX)]
    if missing or not aus:
        raise _Foreign(f"It has no column {missing[0] if missing else 'AU…' + SCORE_SUFFIX}.")
    return aus


_READERS: dict[str, Callable[[Path], Iterator[Seen]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
