"""Figures of the action units of every face and person, as a table in a file that is written when the run is over.

A line for each action unit of each face, then one for each of each person, whose `face` is empty: the faces of a source
that are one person, taken together. Faces of nobody who was recognised have lines of their own only.

| column | meaning |
|---|---|
| `source`, `person`, `face`, `AU` | as in a file of events; with `--co-occurrence` also pairs, `AU06+AU12` |
| `seconds_seen` | the time for which the face has scores; each frame counts up to the next one, a second at most |
| `share` | share of the frames with scores in which the action unit occurs (`AU12_c` is 1), of a pair: both |
| `events` | number of its events |
| `rate_per_minute` | events per minute seen |
| `mean_duration` | mean duration of its events in seconds |
| `mean`, `sd` | mean and standard deviation of its score (of a sample, as pandas and R have it), over the same frames |

What does not exist, such as the mean duration of no events, is empty. Only sums are kept: memory grows with the number
of faces, for 12 action units a kilobyte or two each, and not with their time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from ..au_events import AuEvent, FrameTimes
from ..extras import extra
from ..files import as_utf8
from ..results import FrameResult
from ..summary import AuFigures
from ..targets import PartialFile
from .base import Sink, SinkContext
from .columns import Cell, Column, with_constants
from .csv_file import header, line, pattern
from .parquet import arrow_table, has_schema, schema
from .table_file import is_table

Line = Mapping[str, Cell]


def _column(name: str, kind: type[Any], decimals: int = 0, score: bool = False) -> Column[Line]:
    return Column(name, kind, lambda line: line.get(name), decimals, score)


COLUMNS = (
    *(_column(name, kind) for name, kind in (("source", str), ("person", int), ("face", int), ("AU", str))),
    _column("seconds_seen", float, 4),
    _column("share", float, 4),
    _column("events", int),
    _column("rate_per_minute", float, 4),
    _column("mean_duration", float, 4),
    _column("mean", float, 4, score=True),
    _column("sd", float, 4),
)
HEAD = re.compile(re.escape(header(COLUMNS).encode()))
MARK = {b"mdhr-edge": b"summary"}
"""Metadata of our Parquet files."""


class SummaryFile(Sink):
    """Writes the table.

    Args:
        target: The file; an older table of this kind is replaced when the new one is complete.
        context: The run.

    Raises:
        OutputError: The file cannot be written, or may not be; see `Claim`.
    """

    def __init__(self, target: str | Path, context: SinkContext) -> None:
        self._target = PartialFile(Path(target), self._is_ours, inputs=context.inputs, overwrite=context.overwrite)
        self._context, self._begun = context, False
        self._none_yet = partial(AuFigures, len(context.aus), context.co_occurrence)
        self._sources = {source.name: _Source(self._none_yet) for source in context.sources}

    @property
    def summary(self) -> str:
        """See `Sink`."""
        return f"{sum(len(source.faces) for source in self._sources.values())} faces: {self._target.path}"

    def begin(self) -> None:
        """From now on there is a table to write."""
        self._begun = True

    def write(self, result: FrameResult) -> None:
        """Take in the scores of a frame."""
        if not result.final:
            return
        source = self._sources[result.source]
        source.pass_time(source.times.next(result)[0])
        for row in result.rows:
            if row.face_id is not None and row.scores is not None and row.occurrences is not None:
                source.faces[row.face_id].add(row.scores, row.occurrences)
                source.seen.append((source.faces[row.face_id], row.timestamp))
                if row.person is not None:
                    source.people[row.face_id] = row.person

    def write_event(self, event: AuEvent) -> None:
        """Take in an event of a face that was seen."""
        face = self._sources[event.source].faces[event.face_id]
        face.events[:, self._context.aus.index(event.au)] += (1, event.duration)

    def close(self) -> None:
        """Write the table. Safe to call twice.

        Raises:
            OutputError: It cannot be written.
        """
        begun, self._begun = self._begun, False
        if begun:
            self._target.fill(self._content(list(self._lines())))
        self._target.release()

    def _content(self, lines: Sequence[Line]) -> bytes:
        return (header(COLUMNS) + "".join(line(each, COLUMNS) for each in lines)).encode()

    def _is_ours(self, path: Path) -> bool:
        return is_table(path, HEAD, lambda head: pattern(COLUMNS))

    def _lines(self) -> Iterator[Line]:
        for name, source in self._sources.items():
            source.pass_time(source.times.end())
            where = {"source": as_utf8(name).decode()}
            whole = defaultdict[int, AuFigures](self._none_yet)
            for face_id, figures in source.faces.items():
                person = source.people.get(face_id)
                yield from self._lines_of(figures, {**where, "person": person, "face": face_id})
                if person is not None:
                    whole[person].join(figures)
            for person, figures in sorted(whole.items()):
                yield from self._lines_of(figures, {**where, "person": person})

    def _lines_of(self, figures: AuFigures, whose: Line) -> Iterator[Line]:
        aus, seconds = self._context.aus, figures.seconds
        start = {**whose, "seconds_seen": seconds}
        per_au = zip(aus, *figures.events, *figures.shares_means_deviations(), strict=True)
        for au, events, duration, share, mean, deviation in per_au:
            yield {
                **start,
                "AU": au,
                "share": share,
                "events": events,
                "rate_per_minute": 60 * events / seconds if seconds else None,
                "mean_duration": duration / events if events else None,
                "mean": mean,
                "sd": deviation if figures.frames > 1 else None,
            }
        for one, two in combinations(range(len(figures.together)), 2):
            yield {**start, "AU": f"{aus[one]}+{aus[two]}", "share": figures.together[one, two] / figures.frames}


class _Source:
    """The faces of a source, which of them is whom, and those of its last frame with its time."""

    def __init__(self, none_yet: Callable[[], AuFigures]) -> None:
        self.times = FrameTimes()
        self.faces = defaultdict[int, AuFigures](none_yet)
        self.people: dict[int, int] = {}
        self.seen: list[tuple[AuFigures, float]] = []

    def pass_time(self, over: float) -> None:
        """Learn when the last frame is over."""
        for figures, since in self.seen:
            figures.seconds += over - since
        self.seen.clear()


class SummaryParquet(SummaryFile):
    """Writes the table as a Parquet file, with the same columns, typed.

    Args:
        target: The file; an older table of this kind is replaced when the new one is complete.
        context: The run.

    Raises:
        OutputError: The file cannot be written, or may not be; or the extra `parquet` is not installed.
    """

    def __init__(self, target: str | Path, context: SinkContext) -> None:
        self._arrow, self._parquet = extra("parquet", "pyarrow"), extra("parquet", "pyarrow.parquet")
        super().__init__(target, context)

    def _content(self, lines: Sequence[Line]) -> bytes:
        columns = with_constants(COLUMNS, self._context.constants)
        table = arrow_table(self._arrow, lines, columns, schema(self._arrow, columns, MARK))
        content = self._arrow.BufferOutputStream()
        self._parquet.write_table(table, content, compression="zstd")
        return bytes(content.getvalue())

    def _is_ours(self, path: Path) -> bool:
        return has_schema(path, lambda names: schema(self._arrow, COLUMNS, MARK))
