"""All tables of an archive as one file, and all summaries as another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from ..errors import DataError, MdhrError
from ..extras import extra
from ..files import told
from ..targets import PartialFile
from .folders import reading
from .records import SUMMARIES, TABLES, Results, Standing, record_file

GROUP_ROWS = 1 << 18
"""Rows that are kept in memory and written together. What tells of every group is kept to the end, so they are few."""
AHEAD = 16
"""Videos of which the files are fetched at the same time."""
MARK = {b"mdhr-edge": b"collection"}
"""Metadata of our files."""


@dataclass
class Collected:
    """What has been collected.

    Attributes:
        done: Number of videos that are whole.
        broken: Number of those whose rows end where they break off.
        failed: Number of those without rows.
        pending: Number of those that are not labelled yet, or again.
        others: Number of videos with results that are not in the last plan, and left out.
        rows: Number of rows in the table and the summary, of those that were asked for.
        left_out: Why videos that have ended are left out, and what to do, by their names.
    """

    done: int = 0
    broken: int = 0
    failed: int = 0
    pending: int = 0
    others: int = 0
    rows: list[int] = field(default_factory=list)
    left_out: dict[str, MdhrError] = field(default_factory=dict)


def collect(
    results: Results,
    table: Path | None,
    summary: Path | None,
    *,
    overwrite: bool = False,
    progress: Callable[[list[str]], AbstractContextManager[Iterable[str]]] = nullcontext,
) -> Collected:
    """Write the tables of all videos into one, and so their summaries. Memory does not grow with their number.

    Args:
        results: The results.
        table: The table to write, a `.parquet`; None for none.
        summary: The summary, likewise.
        overwrite: Whether files that are no such collections are replaced, too.
        progress: As for `label`: makes, of the videos' names, a context manager that gives the same.

    Raises:
        DataError: There are no results, or those of two videos do not go together.
        OutputError: A file cannot be written. What stood there stays.
    """
    planned, others = results.compare(results.read_plan())
    found, ended = Collected(others=others), dict[str, Standing]()
    for name, _, standing, _ in planned:
        status = standing.status if standing else "pending"
        setattr(found, status, getattr(found, status) + 1)
        if standing and status != "failed":
            ended[name] = standing
    if not ended:
        raise DataError(
            f"{results.folder.address} holds no tables.", "No video is labelled.", "Wait for the first one."
        )
    with ExitStack() as stack:
        files = {
            kind: stack.enter_context(_Collection(path, overwrite))
            for kind, path in ((TABLES, table), (SUMMARIES, summary))
            if path is not None
        }
        pool = stack.enter_context(ThreadPoolExecutor(AHEAD))
        names = iter(stack.enter_context(progress(list(ended))))
        while some := list(islice(names, AHEAD)):
            fetched = pool.map(lambda name: _fetch(results, name, ended[name], files), some)
            for name, parts in zip(some, fetched, strict=True):
                if isinstance(parts, MdhrError):
                    found.left_out[name] = parts
                else:
                    for file, part in zip(files.values(), parts, strict=True):
                        file.add(name, part)
        if len(found.left_out) == len(ended):
            raise next(iter(found.left_out.values()))
        found.rows = [file.complete() for file in files.values()]
    for name in found.left_out:
        setattr(found, ended[name].status, getattr(found, ended[name].status) - 1)
    return found


def _fetch(results: Results, name: str, standing: Standing, kinds: Iterable[str]) -> list[Any] | DataError:
    """A video's files, the table checked against the record, or why they must be left out."""
    arrow, parquet = extra("parquet", "pyarrow"), extra("parquet", "pyarrow.parquet")
    parts = []
    record = f"{record_file(name, standing)} in {results.folder.address}"
    again = f"Remove {record}, and run the archive again: the video is then done again."
    try:
        digest = results.read(name, standing).table
        for kind in kinds:
            copy, found = _copied(results, f"{kind}/{name}.parquet")
            if kind == TABLES and found != digest:
                raise DataError(
                    f"{kind}/{name}.parquet is not what its record tells of.", "Its hash is another.", again
                )
            parts.append(parquet.ParquetFile(copy))
    except arrow.ArrowException as error:
        return DataError(f"A table of {name} is damaged.", f"{error}.", again)
    except DataError as error:
        return error
    return parts


def _copied(results: Results, file: str) -> tuple[BinaryIO, str]:
    """A copy of a file of the results, which goes when it is closed, and its hash: a store gives it but once."""
    copy, digest = TemporaryFile(), hashlib.sha256()  # noqa: SIM115 -- it is read elsewhere
    with results.folder.open(file) as source, told("A temporary file", fix="Make room, or set TMPDIR."):
        while True:
            with reading(f"{results.folder.address}/{file}"):
                block = source.read(1 << 20)
            if not block:
                break
            digest.update(block)
            copy.write(block)
    return copy, digest.hexdigest()


class _Collection:
    """A Parquet file that tables are appended to. A context manager, which leaves nothing that is not complete."""

    def __init__(self, path: Path, overwrite: bool) -> None:
        self._arrow, self._parquet = extra("parquet", "pyarrow"), extra("parquet", "pyarrow.parquet")
        self._target = PartialFile(path, self._is_ours, overwrite=overwrite)
        self._file: Any = None
        self._writer: Any = None
        self._first, self._schema = "", None
        self._waiting: list[Any] = []
        self._waiting_rows = self._rows = 0

    def __enter__(self) -> _Collection:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            for each in (self._writer, self._file):
                with suppress(OSError):
                    each.close()
            self._target.discard()
        self._target.release()

    def add(self, name: str, table: Any) -> None:
        """Append the rows of a table of a video."""
        schema = table.schema_arrow
        if self._writer is None:
            self._first, self._schema = name, schema.with_metadata(MARK)
            with told(self._target.path):
                self._file = self._target.partial.open("wb")  # by our hands: Arrow knows names in UTF-8 only
                self._writer = self._parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        if not schema.equals(self._schema):
            differ = ", ".join(sorted({*map(str, schema)} ^ {*map(str, self._schema or ())}))
            why = f"They differ in columns: {differ}." if differ else "Their columns are in another order."
            fix = "Do all with one bundle and the same options: what differs is then done again."
            raise DataError(f"The tables of {self._first} and {name} do not go together.", why, fix)
        for batch in table.iter_batches():
            self._waiting.append(batch)
            self._waiting_rows += batch.num_rows
            if self._waiting_rows >= GROUP_ROWS:
                self._write()

    def complete(self) -> int:
        """Give the file its name, and say how many rows it has."""
        self._write()
        with told(self._target.path):
            self._writer.close()
            self._file.close()
        self._file = None
        self._target.complete()
        return self._rows

    def _write(self) -> None:
        batches, self._waiting, rows, self._waiting_rows = self._waiting, [], self._waiting_rows, 0
        if batches:
            with told(self._target.path):
                self._writer.write_table(self._arrow.Table.from_batches(batches, self._schema), row_group_size=rows)
        self._rows += rows

    def _is_ours(self, path: Path) -> bool:
        with suppress(self._arrow.ArrowException), path.open("rb") as file:
            return bool((self._parquet.read_schema(file).metadata or {}).items() >= MARK.items())
        return False
