"""The events that a viewer receives over its one long-lived connection: server-sent events with JSON in them.

- `hello`: the run, the AUs and the sources. A viewer of another run starts afresh.
- `rows`: new results since the last event, `[source, frame, timestamp, final, [[face_id, [scores]], …]]` each, with
  scores in thousandths, cut and not rounded, so that 0.4996 does not become an occurring AU.
  Its id says where to read on.
- `stats`: figures of every source, once a second. So a silent connection is a broken one.
- `bye`: the run is over.

Pictures are not among them: a viewer asks for the next one when it has shown the last, so that a slow network means
fewer pictures, never older ones.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from threading import Event
from time import monotonic
from typing import Any

import numpy as np

from ..au_names import NAMES
from ..results import SourceStats
from ..sinks.base import SinkContext
from ..sinks.drawing import FACE_COLOURS
from .page_state import SPAN, Entry, PageState

BEAT = 1 / 15
"""Seconds between looks for new results. The eye needs no more."""

STATS_EVERY = 1.0
"""Seconds between two events with figures."""

MOST_AT_ONCE = 1000
"""Results in one event: a viewer that starts with a minute of them gets them in portions."""


class EventStream:
    """Makes the events.

    Args:
        state: Where the results are.
        context: The run. Its `stats` are asked for about once a second and viewer.
    """

    def __init__(self, state: PageState, context: SinkContext) -> None:
        self._state = state
        self._context = context
        self._run = secrets.token_hex(8)

    def events(self, after: str, stopping: Event) -> Iterator[bytes]:
        """Stream events to one viewer.

        Args:
            after: The id of the last event that the viewer has seen, or anything else.
            stopping: Set when the run ends.

        Yields:
            Events ready to be sent, until the run ends.
        """
        cursor = self._cursor(after)
        yield _event("hello", self._hello(resumed=cursor > 0))
        due = 0.0
        while not stopping.is_set():
            entries, cursor = self._state.since(cursor)
            for start in range(0, len(entries), MOST_AT_ONCE):
                portion = entries[start : start + MOST_AT_ONCE]
                yield _event("rows", [*map(_compact, portion)], f"{self._run}-{portion[-1].number}")
            if monotonic() >= due:
                due = monotonic() + STATS_EVERY
                yield _event("stats", self._figures())
            stopping.wait(BEAT)
        yield _event("bye", {})

    def _cursor(self, after: str) -> int:
        run, _, number = after.partition("-")
        return int(number) if run == self._run and number.isascii() and number.isdigit() else 0

    def _hello(self, resumed: bool) -> dict[str, Any]:
        return {
            "run": self._run,
            "resumed": resumed,
            "span": SPAN,
            "occursFrom": self._context.output.threshold,
            "colours": ["#{:02x}{:02x}{:02x}".format(*colour) for colour in FACE_COLOURS],
            "aus": [{"name": au, "meaning": NAMES.get(au, "")} for au in self._context.aus],
            "sources": [{"name": source.name, "live": source.live} for source in self._state.sources],
        }

    def _figures(self) -> list[dict[str, Any]]:
        known = self._context.stats() if self._context.stats is not None else {}
        return [
            self._figures_of(index, fps, known.get(source.name))
            for index, (source, fps) in enumerate(zip(self._state.sources, self._state.rates(), strict=True))
        ]

    def _figures_of(self, index: int, fps: float, stats: SourceStats | None) -> dict[str, Any]:
        started = self._state.newest(index) is not None
        return {
            "fps": round(fps, 1),
            "dropped": None if stats is None else stats.dropped,
            "latency": None if stats is None or stats.latency is None else round(stats.latency, 3),
            "state": stats.state if stats is not None else "running" if started else "waiting",
        }


def _compact(entry: Entry) -> list[Any]:
    faces = [[row.face_id, _thousandths(row.scores)] for row in entry.rows if row.scores is not None]
    return [entry.source, entry.frame, round(entry.timestamp, 3), int(entry.final), faces]


def _thousandths(scores: np.ndarray) -> list[int]:
    thousandths: list[int] = np.floor(scores * 1000).astype(int).tolist()
    return thousandths


def _event(kind: str, data: Any, name: str | None = None) -> bytes:
    id_line = f"id: {name}\n" if name else ""
    return f"event: {kind}\n{id_line}data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
