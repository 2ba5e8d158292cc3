"""The newest results, between the analysis that writes them and the viewers that read them.

There is one memory for all viewers, and each reads on at its own pace from where it stopped. So a viewer that is slow
or gone costs nothing: there is no queue that could fill up. One that is too slow misses what has left the memory.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from operator import attrgetter
from threading import Lock
from typing import NamedTuple

import numpy as np

from ..results import FrameResult, Row, SourceInfo

SPAN = 60.0
"""Seconds of a source's results that are kept, so that a page opened later starts with full charts."""

MOST_ROWS = 20_000
"""Rows of a source that are kept at most, which is less than `SPAN` when there is a crowd: about 10 MB."""

PACE_WINDOW = 2.0
"""Seconds over which the pace is averaged."""


@dataclass(frozen=True)
class Entry:
    """A result without its image.

    Attributes:
        number: Its place among all entries, from 1.
        source: Index of its source.
        frame: Number of the frame.
        timestamp: Seconds since the source's beginning.
        final: Whether the rows are final.
        rows: The rows.
    """

    number: int
    source: int
    frame: int
    timestamp: float
    final: bool
    rows: tuple[Row, ...]


class Pace(NamedTuple):
    """How fast a source goes on at present.

    Attributes:
        fps: Frames per second.
        speed: Seconds of the source per second: 1 for a camera that nothing holds up, mostly more for a file.
    """

    fps: float = 0.0
    speed: float = 0.0


class PageState:
    """The memory. Its lock is held for moments only, never while something is encoded or sent.

    Args:
        sources: The sources, in the order in which they are shown.
        clock: Tells the wall time in seconds.
    """

    def __init__(self, sources: Sequence[SourceInfo], clock: Callable[[], float] = time.monotonic) -> None:
        self.sources = tuple(sources)
        self._index = {source.name: index for index, source in enumerate(sources)}
        self._states = [_SourceState() for _ in sources]
        self._clock = clock
        self._lock = Lock()
        self._count = 0

    def post(self, result: FrameResult) -> None:
        """Add a result. Never waits for a viewer.

        Args:
            result: The result of one of the sources. Scores that are not finite count as none.
        """
        index = self._index[result.source]
        result = replace(result, rows=tuple(map(_showable, result.rows)))
        with self._lock:
            self._count += 1
            entry = Entry(self._count, index, result.frame, result.timestamp, result.final, result.rows)
            self._states[index].add(entry, result, self._clock())

    def since(self, number: int) -> tuple[list[Entry], int]:
        """Read on.

        Args:
            number: The last entry that was read, 0 for none.

        Returns:
            The entries after it that are still kept, oldest first, and the number to go on from.
        """
        with self._lock:
            entries = [
                entry
                for state in self._states
                for entry in takewhile(lambda entry: entry.number > number, reversed(state.entries))
            ]
            last = self._count
        return sorted(entries, key=attrgetter("number")), last

    def newest(self, source: int) -> FrameResult | None:
        """The latest frame of a source with its rows, or None before the first.

        Args:
            source: Index of the source.
        """
        return self._states[source].newest

    def paces(self) -> list[Pace]:
        """The present pace of every source."""
        with self._lock:
            now = self._clock()
            return [state.pace(now) for state in self._states]


def _showable(row: Row) -> Row:
    return row if row.scores is None or np.isfinite(row.scores).all() else replace(row, scores=None)


class _SourceState:
    """The part of one source."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.newest: FrameResult | None = None
        self._rows = 0
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=1000)  # wall time, timestamp

    def add(self, entry: Entry, result: FrameResult, now: float) -> None:
        self.entries.append(entry)
        self._rows += len(entry.rows)
        while self._rows > MOST_ROWS or entry.timestamp - self.entries[0].timestamp > SPAN:
            self._rows -= len(self.entries.popleft().rows)
        # The final result of a frame that is already shown is late by the model's lookahead: the picture stays ahead.
        if self.newest is None or result.frame > self.newest.frame:
            self._arrivals.append((now, result.timestamp))
            self.newest = result
        elif result.frame == self.newest.frame:
            self.newest = result

    def pace(self, now: float) -> Pace:
        while self._arrivals and now - self._arrivals[0][0] > PACE_WINDOW:
            self._arrivals.popleft()
        if len(self._arrivals) < 2:
            return Pace()
        (start, first), (_, last) = self._arrivals[0], self._arrivals[-1]
        passed = max(now - start, 1e-6)  # to now and not to the last arrival: it falls as soon as frames fail to come
        return Pace((len(self._arrivals) - 1) / passed, (last - first) / passed)
