"""Figures of the action units of every face and person, as a table in a CSV file that is written when the run is over.

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
of faces, a kilobyte or two each, and not with their time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ..au_events import AuEvent, FrameTimes
from ..files import as_utf8
from ..results import FrameResult
from ..summary import ScoreFigures
from ..targets import PartialFile
from .base import Sink, SinkContext
from .columns import Cell, Column
from .csv_file import header, line, pattern
from .table_file import consists_of_lines

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


class SummaryFile(Sink):
    """Writes the table.

    Args:
        target: The file; an older table of this kind is replaced when the new one is complete.
        context: The run.

    Raises:
        OutputError: The file cannot be written, or may not be; see `Claim`.
    """

    def __init__(self, target: str | Path, context: SinkContext) -> None:
        self._target = PartialFile(Path(target), _is_ours, inputs=context.inputs, overwrite=context.overwrite)
        self._context, self._begun = context, False
        self._sources = {source.name: _Source() for source in context.sources}

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
                face = source.faces.get(row.face_id) or self._none_yet()
                source.faces[row.face_id] = face
                face.person = face.person if row.person is None else row.person
                face.figures.add(row.scores, row.occurrences)
                source.seen.append((face, row.timestamp))

    def write_event(self, event: AuEvent) -> None:
        """Take in an event of a face that was seen."""
        face = self._sources[event.source].faces[event.face_id]
        index = self._context.aus.index(event.au)
        face.events[index] += 1
        face.durations[index] += event.duration

    def close(self) -> None:
        """Write the table. Safe to call twice.

        Raises:
            OutputError: It cannot be written.
        """
        begun, self._begun = self._begun, False
        if begun:
            text = header(COLUMNS) + "".join(line(each, COLUMNS) for each in self._lines())
            self._target.fill(text.encode())
        self._target.release()

    def _none_yet(self) -> _Face:
        return _Face(len(self._context.aus), self._context.co_occurrence)

    def _lines(self) -> Iterator[Line]:
        for name, source in self._sources.items():
            source.pass_time(source.times.end())
            people: dict[int, _Face] = {}
            for face_id, face in source.faces.items():
                yield from self._lines_of(face, {"source": as_utf8(name).decode(), "face": face_id})
                if face.person is not None:
                    people.setdefault(face.person, self._none_yet()).join(face)
            for _, face in sorted(people.items()):
                yield from self._lines_of(face, {"source": as_utf8(name).decode()})

    def _lines_of(self, face: _Face, start: Line) -> Iterator[Line]:
        aus, figures = self._context.aus, face.figures
        start = {**start, "person": face.person, "seconds_seen": face.seconds}
        for index, au in enumerate(aus):
            events = face.events[index]
            yield {
                **start,
                "AU": au,
                "share": figures.shares[index],
                "events": events,
                "rate_per_minute": 60 * events / face.seconds if face.seconds else None,
                "mean_duration": face.durations[index] / events if events else None,
                "mean": figures.means[index],
                "sd": figures.deviations[index] if figures.frames > 1 else None,
            }
        if figures.together is not None:
            for one, two in combinations(range(len(aus)), 2):
                share = figures.together[one, two] / figures.frames
                yield {**start, "AU": f"{aus[one]}+{aus[two]}", "share": share}


class _Face:
    """The sums of a face, or of the faces of a person."""

    def __init__(self, aus: int, pairs: bool) -> None:
        self.person: int | None = None
        self.seconds = 0.0
        self.figures = ScoreFigures(aus, pairs)
        self.events, self.durations = np.zeros((2, aus))

    def join(self, other: _Face) -> None:
        self.person = other.person
        self.seconds += other.seconds
        self.figures.join(other.figures)
        self.events += other.events
        self.durations += other.durations


class _Source:
    """The faces of a source, and those of its last frame with its time."""

    def __init__(self) -> None:
        self.times = FrameTimes()
        self.faces: dict[int, _Face] = {}
        self.seen: list[tuple[_Face, float]] = []

    def pass_time(self, over: float) -> None:
        """Learn when the last frame is over."""
        for face, since in self.seen:
            face.seconds += over - since
        self.seen.clear()


def _is_ours(path: Path) -> bool:
    return consists_of_lines(path, HEAD, lambda head: pattern(COLUMNS))
