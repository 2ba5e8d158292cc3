"""All tables of an archive as one file, and all summaries as another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from ..errors import DataError, MdhrError
from ..extras import extra
from ..files import told
from ..targets import PartialFile
from .folders import reading
from .records import RECORDS, SUMMARIES, TABLES, Results, Standing, standing_of

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
    plan, standings, tables = results.read_plan(), results.standings(), results.tables()
    found, ended = Collected(), dict[str, Standing]()
    for name, _, key in plan.names():
        standing = standing_of(standings.pop(name, []), key, name in tables)
        status = standing.status if standing else "pending"
        setattr(found, status, getattr(found, status) + 1)
        if standing and status != "failed":
            ended[name] = standing
    found.others = len(standings)
    if not ended:
        raise DataError(
            f"{results.folder.address} holds no tables.", "No video is labelled.", "Wait for the first one."
        )
    places = {TABLES: table, SUMMARIES: summary}
    with ExitStack() as stack:
        files = {
            kind: stack.enter_context(_Collection(path, overwrite)) for kind, path in places.items() if path is not None
        }
        pool = stack.enter_context(ThreadPoolExecutor(AHEAD))
        names = iter(stack.enter_context(progress(list(ended))))
        while some := list(islice(names, AHEAD)):
            for name, copies in zip(
                some, pool.map(lambda each: _fetch(results, each, ended[each], files), some), strict=True
            ):
                if isinstance(copies, MdhrError):
                    found.left_out[name] = copies
                    setattr(found, ended[name].status, getattr(found, ended[name].status) - 1)
                    continue
                for file, copy in zip(files.values(), copies, strict=True):
                    with copy:
                        file.add(name, copy)
        found.rows = [file.complete() for file in files.values()]
    return found


def _fetch(results: Results, name: str, standing: Standing, kinds: Iterable[str]) -> list[BinaryIO] | MdhrError:
    """Copies of a video's files, the table checked against the record, or why it must be left out."""
    copies = []
    try:
        record = results.read(name, standing)
        for kind in kinds:
            file = f"{kind}/{name}.parquet"
            with results.folder.open(file) as source, reading(f"{results.folder.address}/{file}"):
                copies.append(TemporaryFile())
                copyfileobj(source, copies[-1], 1 << 20)
            copies[-1].seek(0)
            if kind == TABLES and _hash(copies[-1]) != record.table:
                fix = f"Remove {RECORDS}/{name}.{standing.key}.{standing.status}.json there: then it is done again."
                what = f"The table of {record.id} in {results.folder.address} is not the one that its record tells of."
                raise DataError(what, "Its hash is another.", fix)
    except MdhrError as error:
        for copy in copies:
            copy.close()
        return error
    return copies


def _hash(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


class _Collection:
    """A Parquet file that tables are appended to. A context manager, which leaves nothing that is not complete."""

    def __init__(self, path: Path, overwrite: bool) -> None:
        self._arrow, self._parquet = extra("parquet", "pyarrow"), extra("parquet", "pyarrow.parquet")
        self._target = PartialFile(path, self._is_ours, overwrite=overwrite)
        self._writer: Any = None
        self._schema: Any = None
        self._first = ""
        self._waiting: list[Any] = []
        self._waiting_rows = self._rows = 0

    def __enter__(self) -> _Collection:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._target.discard()
        self._target.release()

    def add(self, name: str, file: BinaryIO) -> None:
        """Append the rows of a table of a video."""
        with self._parquet.ParquetFile(file) as table:
            schema = table.schema_arrow
            if self._schema is None:
                self._first, self._schema = name, schema.with_metadata(MARK)
                with told(self._target.path):
                    self._writer = self._parquet.ParquetWriter(self._target.partial, self._schema, compression="zstd")
            if not schema.equals(self._schema):
                differ = sorted(map(str, {*schema} ^ {*self._schema}))
                raise DataError(
                    f"The tables of {self._first} and {name} do not go together.",
                    f"One has other columns: {', '.join(differ)}.",
                    "Do the archive again with one bundle and the same options, which does only what differs.",
                )
            for batch in table.iter_batches():
                self._waiting.append(batch)
                self._waiting_rows += batch.num_rows
                if self._waiting_rows >= GROUP_ROWS:
                    self._write()

    def complete(self) -> int:
        """Give the file its name, and the number of its rows."""
        self._write()
        with told(self._target.path):
            self._writer.close()
        self._writer = None
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
