"""Lists of videos: a `.txt` with a path per line, or a `.csv`, `.jsonl` or `.parquet` with columns.

| column | meaning |
|---|---|
| `path` | path or URL of a video; a relative path is meant from the list's folder |
| `id` | the video's name in the results; without it the path, as it is written, with `#start-end` of a part |
| `start`, `end` | the part of the video that counts: seconds, or `[h:]mm:ss` |
| others | are carried into the rows of the video's table |

Cells of a `.csv` stay text, so that "007" stays "007"; those of the others keep their types. An empty cell is null.
In a `.txt`, blank lines and those that begin with "#" are passed over.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..addresses import is_address, locate, redacted
from ..errors import DataError
from ..extras import extra
from ..file_types import explain
from ..files import as_utf8
from ..records import RecordError, from_json, from_plain
from ..sinks.columns import columns
from ..sinks.summary_file import COLUMNS as SUMMARY_COLUMNS
from ..text_tables import lines_of, open_text, read_cells
from ..times import read_time
from .folders import local_copy, store_of
from .records import ArchiveVideo

Rows = Iterable[tuple[int, Mapping[str, Any]]]
"""Numbers of lines, and their cells by the names of their columns."""

LONGEST = 1 << 16
"""Characters of a line or cell."""
LARGEST_CHUNK = 1 << 28
"""Bytes of a column in a row group of a `.parquet`, which is read at once."""
TOLD = 3
"""Repeated lines that are told one by one."""

OURS = ("path", "id", "start", "end")
TAKEN = {*OURS, *(each.name for each in columns((), landmarks=True)), *(each.name.lower() for each in SUMMARY_COLUMNS)}
"""Names that no further column may have, in small letters: databases do not tell "Frame" from "frame"."""
AU = re.compile(r"au\d+_[pc]")
KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
STREAM = re.compile(r"(rtsps?|rtmps?|rtp|srt|udp|tcp|mms|wss?)://", re.IGNORECASE)


def read_manifest(address: str) -> tuple[list[ArchiveVideo], dict[str, type[Any]], list[str]]:
    """Read a list of videos.

    Args:
        address: Its path or URL.

    Returns:
        The videos; the types of the columns that they carry, by name; and what the user should know.

    Raises:
        DataError: It cannot be read, names no video, or contradicts itself; the text names the line.
        OutputError: What is needed to read it is not installed.
    """
    place, shown = locate(address), redacted(address)
    try:
        if isinstance(place, str):
            with TemporaryDirectory(prefix="mdhr-") as folder, local_copy(place, Path(folder)) as copy:
                return _read(copy, None)
        path = os.path.abspath(str(place))
        return _read(Path(path), os.path.dirname(path))
    except OSError as error:
        raise DataError(
            f"{shown} cannot be read.", *explain(Path(str(place)), "Check the path.", f"{error}.")
        ) from error
    except RecordError as error:
        fix = "Mend the list; a video that cannot be read need not be left out, it is passed over."
        raise DataError(f"{shown} is no list of videos that can be read.", str(error), fix) from error


def refuse_stream(address: str) -> None:
    """Refuse the address of a camera.

    Raises:
        RecordError: It is one.
    """
    if STREAM.match(address):
        raise RecordError(f"{redacted(address)} is a camera or stream, which has no end: mdhr-run labels such.")


def plain_name(address: str) -> str:
    """The name of a video after its address: a path as it is, of a URL that in which no secrets are."""
    if is_address(address):
        path = str(store_of(address)[1])
        address = redacted(path).partition("://")[2] if is_address(path) else path
    return str(clean(address))


def _read(path: Path, folder: str | None) -> tuple[list[ArchiveVideo], dict[str, type[Any]], list[str]]:
    if path.suffix.lower() not in READERS:
        raise RecordError(f"Its name ends in none of {', '.join(READERS)}.")
    rows = list(READERS[path.suffix.lower()](path))
    kinds = _kinds(rows)
    videos: dict[str, tuple[int, ArchiveVideo]] = {}
    repeated = []
    for number, row in rows:
        with _told(number):
            video = _video(row, folder, kinds)
            before, other = videos.setdefault(video.id, (number, video))
            if video != other:
                why = f"its id is {video.id!r}, as in line {before}, and the rest differs"
                raise RecordError(f"{why}. Give them different ones in a column `id`.")
            if number != before:
                repeated.append(f"{number} (as {before})")
    if not videos:
        raise RecordError("It names no video.")
    more = ", …" if len(repeated) > TOLD else ""
    notice = f"Lines of the list that repeat another count once: {len(repeated)}, {', '.join(repeated[:TOLD])}{more}."
    return [video for _, video in videos.values()], kinds, [notice] if repeated else []


def _kinds(rows: Rows) -> dict[str, type[Any]]:
    """The types of the further columns, each of which has one."""
    known: dict[str, tuple[int, type | None]] = {}
    for number, row in rows:
        with _told(number):
            from_plain(dict[str, Any], row)
            if not isinstance(row.get("path"), str):
                raise RecordError("it names no video: it has no text in a column `path`.")
            for name, cell in row.items():
                kind = None if cell is None else type(cell)
                if kind is not None and kind not in KINDS:
                    raise RecordError(f"{name} holds neither text nor a number nor true or false.")
                if kind is str and len(cell) > LONGEST:
                    raise RecordError(f"{name} holds more than {LONGEST} characters.")
                if name in OURS:
                    continue
                if name not in known:
                    _check_name(name, known)
                before, other = known.setdefault(name, (number, kind))
                if other is None:
                    known[name] = number, kind
                elif kind not in (None, other):
                    raise RecordError(f"{name} holds {KINDS[kind]}, and in line {before} {KINDS[other]}.")
    return {name: kind or str for name, (_, kind) in known.items()}


def _check_name(name: str, known: Iterable[str]) -> None:
    if not name.strip() or not name.isprintable():
        raise RecordError(f"a column has the name {name!r}. Give it another, or remove it.")
    if name.lower() in TAKEN or AU.fullmatch(name.lower()) or name.lower() in map(str.lower, known):
        raise RecordError(f"a column has the name {name!r}, as another of the results. Rename it.")


def _video(row: Mapping[str, Any], folder: str | None, kinds: Iterable[str]) -> ArchiveVideo:
    refuse_stream(row["path"])
    place = str(locate(row["path"])) if is_address(row["path"]) else row["path"]
    if folder is None and not is_address(place):
        raise RecordError(f"{row['path']} is a path. A list that has a URL itself can name URLs only.")
    start, end = _seconds(row, "start", 0.0), _seconds(row, "end", math.inf)
    if end <= start:
        raise RecordError(f"its end, {end:g} s, is not after its start, {start:g} s.")
    part = "" if (start, end) == (0, math.inf) else f"#{start:.12g}-{'' if math.isinf(end) else f'{end:.12g}'}"
    name = plain_name(place) + part if row.get("id") is None else clean(str(row["id"]))
    address = place if is_address(place) else os.path.join(folder or "", place)
    return ArchiveVideo(name, address, start, end, {kind: clean(row.get(kind)) for kind in kinds})


def _seconds(row: Mapping[str, Any], name: str, missing: float) -> float:
    cell = row.get(name)
    try:
        return missing if cell is None else float(cell) if type(cell) is float and cell >= 0 else read_time(str(cell))
    except ValueError as error:
        raise RecordError(f"{name} is wrong: {error}") from error


def clean(cell: Any) -> Any:
    """A cell whose text can be written, also that of a file's name with odd bytes."""
    return as_utf8(cell).decode() if isinstance(cell, str) else cell


@contextmanager
def _told(number: int) -> Iterator[None]:
    """Name the line in which something is wrong."""
    try:
        yield
    except RecordError as error:
        raise RecordError(f"Line {number}: {error}") from error


def _read_text(path: Path) -> Rows:
    with open_text(path) as file:
        for number, line in enumerate(lines_of(file, LONGEST), 1):
            if line.strip() and not line.startswith("#"):
                yield number, {"path": line.strip()}


def _read_csv(path: Path) -> Rows:
    rows = read_cells(path, header=False)  # so a last line that has no line break is not taken for one that is cut off
    _, names = next(iter(rows))
    if len({*names}) < len(names):
        raise RecordError("Two of its columns have the same name.")
    for number, cells in rows:
        yield number, {name: cell or None for name, cell in zip(names, cells, strict=True)}


def _read_json_lines(path: Path) -> Rows:
    with open_text(path) as file:
        for number, line in enumerate(lines_of(file, LONGEST), 1):
            with _told(number):
                if line.strip():
                    yield number, from_plain(dict[str, Any], from_json(line.encode(errors="surrogateescape")))


def _read_parquet(path: Path) -> Rows:
    arrow, parquet = extra("parquet", "pyarrow"), extra("parquet", "pyarrow.parquet")
    try:
        with path.open("rb") as file, parquet.ParquetFile(file) as table:
            groups = map(table.metadata.row_group, range(table.num_row_groups))
            for chunk in (group.column(index) for group in groups for index in range(group.num_columns)):
                if chunk.total_uncompressed_size > min(LONGEST * (chunk.num_values + 1), LARGEST_CHUNK):
                    raise RecordError(
                        f"{chunk.path_in_schema} holds {chunk.total_uncompressed_size >> 20} MiB at once."
                    )
            rows = (row for batch in table.iter_batches(1024) for row in batch.to_pylist())
            for number, row in enumerate(rows, 1):
                yield number, {name: None if cell != cell else cell for name, cell in row.items()}  # NaN, of pandas
    except arrow.ArrowException as error:
        raise RecordError(f"{str(error).splitlines()[0]}.") from error


READERS: Mapping[str, Callable[[Path], Rows]] = {
    ".txt": _read_text,
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}
