"""What has become of every video: one small record each, and the folder of results that it lies in.

    results/
        plan.json                what the last driver was asked for: every video with its key
        tables/NAME.parquet      rows of a video, as `mdhr-run --out` writes them, with `id` and the manifest's columns
        summaries/NAME.parquet   figures of its faces, as `mdhr-run --summary` writes them
        records/NAME.KEY.STATUS.json

NAME follows from the video's id. KEY is a hash of all that the result depends on: the input's state, the bundle, the
options, the part of the video and the manifest's columns. So a list of names alone tells which videos are done, without
a look into a hundred thousand files.

The record is the commit. Before a table is replaced, the records of the older one are removed; the new record is
written last. Whoever dies when, a video with a record that fits has its table, and one without is done again: there are
neither locks nor a database. Two drivers at once do double work at worst.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from math import isinf
from typing import Any, Literal, NamedTuple

from ..errors import DataError, MdhrError
from ..names import name_of
from ..records import Count, Positive, RecordError, parse_json
from ..sinks.columns import Cell
from .folders import Folder, Input

SCHEMA = 1
"""Version of the formats of records and plans. It rises when a reader of the old version would misread a new one."""

AT_ONCE = 32
"""Files that are looked at or read at the same time: in a store, each takes a while to answer."""

TABLES, SUMMARIES, RECORDS, PLAN = "tables", "summaries", "records", "plan.json"

RECORD = re.compile(r"(.+)\.([0-9a-f]{16})\.(done|broken|failed)\.json", re.DOTALL)
"""The name of a record."""

TAIL = f".{'0' * 16}.broken.json"
"""The longest end of a record's name, for which a video's name leaves room."""

Status = Literal["done", "broken", "failed"]
"""Of a video that is "broken", there are rows up to where it breaks off; of one that "failed" there are none."""


@dataclass(frozen=True)
class ArchiveVideo:
    """A video of the collection: the unit of work, as a face's scores depend on the frames before and after.

    Attributes:
        id: Its name in the results, unique in the collection.
        address: Path or URL of its file.
        start: Second from which on its frames count.
        end: Second before which they do; infinite for the whole.
        columns: The manifest's further columns, which every row of its table carries.
    """

    id: str
    address: str
    start: float = 0.0
    end: float = float("inf")
    columns: Mapping[str, Cell] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of its files among the results, without what follows the first dot of ours."""
        return results_name(self.id)


def results_name(video: str) -> str:
    """The name of a video's files among the results, from its id."""
    return name_of(video, suffix=TAIL).removesuffix(TAIL)


class Standing(NamedTuple):
    """What the name of a record tells: key and status, besides the time at which it was written."""

    key: str
    status: Status
    written: float


def standing_of(standings: Sequence[Standing], key: str, has_table: bool) -> Standing | None:
    """The record that says how a video ended, or None if it is to be done, for the first time or again.

    A table of which two records with different keys tell may be the one's or the other's: two drivers wanted different
    things at the same time. It counts for neither.

    Args:
        standings: All records of the video.
        key: See `fit_key`.
        has_table: Whether its table is there.
    """
    whole = has_table and {each.key for each in standings if each.status != "failed"} == {key}
    fitting = [each for each in standings if each.key == key and (whole or each.status == "failed")]
    return min(fitting, key=lambda each: ("done", "broken", "failed").index(each.status), default=None)


@dataclass(frozen=True)
class Task:
    """A video to be labelled.

    Attributes:
        video: The video.
        input: State of its file, of which the size tells how long it may take.
        key: What its record is called by; see `fit_key`.
        superseded: Records of older results, which are removed before these are replaced.
    """

    video: ArchiveVideo
    input: Input
    key: str
    superseded: tuple[Standing, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Why a video has no whole result: the parts of an `MdhrError`."""

    what: str
    why: str
    fix: str

    @classmethod
    def of(cls, error: MdhrError) -> Problem:
        """The parts of an error."""
        return cls(error.what, error.why, error.fix)


@dataclass(frozen=True)
class Record:
    """The outcome of a video.

    Attributes:
        id: The video's id.
        source: Its path or URL, as it may be shown.
        key: See `fit_key`.
        status: How it ended.
        size: Bytes of its file.
        input: State of its file.
        bundle: Hash of the bundle.
        options: Hash of the options.
        frames: Number of frames.
        rows: Number of rows in its table.
        faces: Number of different faces.
        media_seconds: Time from its first frame to its last.
        seconds: How long it took, from the fetching of its file on.
        host: The machine.
        provider: What ran the model, with its precision.
        version: Of this software.
        ended: When, in seconds since 1970.
        table: SHA-256 of its table; None without one.
        problem: Why it is not whole; None if it is.
        warnings: What the user should know of it.
        tries: How often it was begun.
    """

    id: str
    source: str
    key: str
    status: Status
    size: Count
    input: str
    bundle: str
    options: str
    frames: Count = 0
    rows: Count = 0
    faces: Count = 0
    media_seconds: float = 0.0
    seconds: float = 0.0
    host: str = ""
    provider: str = ""
    version: str = ""
    ended: float = 0.0
    table: str | None = None
    problem: Problem | None = None
    warnings: tuple[str, ...] = ()
    tries: Positive = 1
    schema: Positive = SCHEMA

    @property
    def failure(self) -> str:
        """What happened to it, without its name: the same text for all to which the same happened."""
        text = f"{self.problem.what} {self.problem.why}" if self.problem else ""
        for name in (self.source, self.id, self.source.rpartition("/")[2]):
            text = text.replace(name, "…") if name else text
        return text


def fit_key(video: ArchiveVideo, state: Input | None, bundle: str, options: str) -> str:
    """What a result depends on, as 16 hexadecimal digits.

    Args:
        video: The video.
        state: State of its file; None if there is none.
        bundle: Hash of the bundle.
        options: Hash of the options that change results.
    """
    end = None if isinf(video.end) else video.end
    parts = [state, bundle, options, video.id, video.start, end, dict(video.columns)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def shard_of(video: ArchiveVideo, shards: int) -> int:
    """Which of so many parts of the collection a video belongs to, from 0: whatever its place in a list."""
    return int.from_bytes(hashlib.sha256(video.id.encode(errors="surrogatepass")).digest()[:8], "big") % shards


def record_file(name: str, record: Standing | Record) -> str:
    """Where among the results a video's record lies; `RECORD` reads it again."""
    return f"{RECORDS}/{name}.{record.key}.{record.status}.json"


class Planned(NamedTuple):
    """A video of a plan.

    Attributes:
        name: Its name among the results.
        size: Bytes of its file.
        standing: The record that says how it ended; None if it is to be done.
        changed: Whether it has a result of another state of the file, bundle or options instead.
    """

    name: str
    size: int
    standing: Standing | None
    changed: bool


class Results:
    """The folder of results.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def standings(self) -> dict[str, list[Standing]]:
        """The records of every video by its name. Usually one each; more where a program died in between."""
        found: dict[str, list[Standing]] = {}
        for file, entry in self.folder.entries(RECORDS).items():
            if match := RECORD.fullmatch(file):
                found.setdefault(match[1], []).append(Standing(match[2], match[3], entry.written))  # type: ignore[arg-type]
        return found

    def tables(self) -> set[str]:
        """Names of the videos whose tables and summaries are there."""
        kinds = (self.folder.entries(kind) for kind in (TABLES, SUMMARIES))
        return set.intersection(*({file.removesuffix(".parquet") for file in files} for files in kinds))

    def compare(self, plan: Plan) -> tuple[list[Planned], int]:
        """The videos of a plan as they stand, and the number of others that have results."""
        standings, tables = self.standings(), self.tables()
        planned = []
        for name, size, key in plan.names():
            old = standings.pop(name, [])
            standing = standing_of(old, key, name in tables)
            planned.append(Planned(name, size, standing, standing is None and any(each.key != key for each in old)))
        return planned, len(standings)

    def read(self, name: str, standing: Standing) -> Record:
        """Read a record.

        Raises:
            DataError: It cannot be read.
        """
        file = record_file(name, standing)
        try:
            record: Record = parse_json(self.folder.read(file), Record, SCHEMA)
        except RecordError as error:
            fix = "Remove it: its video is then done again."
            raise DataError(f"{self.folder.address}/{file} cannot be read.", str(error), fix) from error
        return record

    def read_many(self, which: Sequence[tuple[str, Standing]]) -> Iterator[Record]:
        """Read records, many at a time, in any store. Those that somebody removes meanwhile are passed over."""

        def read(name: str, standing: Standing) -> Record | None:
            with suppress(DataError):
                return self.read(name, standing)
            return None

        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from filter(None, pool.map(read, *zip(*which, strict=True)) if which else ())

    def commit(self, name: str, record: Record) -> None:
        """Write a record, when all that it tells of is there.

        Raises:
            OutputError: It cannot be written.
        """
        text = json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n"
        self.folder.write(
            record_file(name, record), text.encode(errors="replace")
        )  # odd bytes of a path, which errors may quote

    def withdraw(self, name: str, standings: Iterable[Standing]) -> None:
        """Remove records, before what they tell of is replaced.

        Raises:
            OutputError: One cannot be removed.
        """
        for standing in standings:
            self.folder.remove(record_file(name, standing))

    def write_plan(self, plan: Plan) -> None:
        """Keep what a driver was asked for.

        Raises:
            OutputError: It cannot be written.
        """
        self.folder.write(PLAN, json.dumps(vars(plan)).encode())

    def read_plan(self) -> Plan:
        """What the last driver was asked for.

        Raises:
            DataError: No driver has worked here, or its plan cannot be read.
        """
        try:
            plan: Plan = parse_json(self.folder.read(PLAN), Plan, SCHEMA)
        except (RecordError, DataError) as error:
            why = error.why if isinstance(error, DataError) else str(error)
            fix = "Give the folder that `mdhr-archive … --out FOLDER` writes to."
            raise DataError(f"{self.folder.address} is no folder of an archive's results.", why, fix) from error
        return plan


@dataclass(frozen=True)
class Plan:
    """What a driver was asked for, for those who ask later how far it is.

    Attributes:
        bundle: Hash of the bundle.
        options: Hash of the options.
        videos: Of every video, of all shards: its id, size in bytes, and key.
        started: When the driver began, in seconds since 1970.
    """

    bundle: str
    options: str
    videos: tuple[tuple[str, Count, str], ...]
    started: float
    schema: Positive = SCHEMA

    def names(self) -> Iterator[tuple[str, int, str]]:
        """Name among the results, size and key of every video."""
        return ((results_name(video), size, key) for video, size, key in self.videos)


def options_hash(options: Mapping[str, Any]) -> str:
    """A hash of options that change results: their names and plain values."""
    return hashlib.sha256(json.dumps(options, sort_keys=True, default=str).encode()).hexdigest()[:16]
