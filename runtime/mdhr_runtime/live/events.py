"""The events that a viewer receives over its one long-lived connection: server-sent events with JSON in them.

- `hello`: the run, the AUs and the sources. A viewer of another run starts afresh.
- `rows`: new results since the last event, each its source's index and what `compact` makes of it. Its id says where
  to read on.
- `stats`: figures of every source, once a second. So a silent connection is a broken one.
- `bye`: the run is over, and all of its results are sent. The viewer fetches the last pictures, then hangs up.

Pictures are not among them: a viewer asks for the next one when it has shown the last, so that a slow network means
fewer pictures, never older ones. Each comes with the result that is drawn in it.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Iterator
from threading import Event
from time import monotonic
from typing import Any

from ..au_names import NAMES
from ..results import FrameResult, Row, SourceStats
from ..sinks.base import SinkContext
from ..sinks.drawing import FACE_COLOURS, named_flaw
from ..sinks.record import ten_thousandths
from .page_state import SPAN, Entry, Pace, PageState

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
            Events ready to be sent, until the run has ended and all that was posted is sent.
        """
        cursor = self._cursor(after)
        yield _event("hello", self._hello(resumed=cursor > 0))
        due = 0.0
        over = False
        while not over:
            over = stopping.is_set()  # asked first: the last look then finds everything
            entries, cursor = self._state.since(cursor)
            for start in range(0, len(entries), MOST_AT_ONCE):
                portion = entries[start : start + MOST_AT_ONCE]
                rows = [[entry.source, *compact(entry)] for entry in portion]
                yield _event("rows", rows, f"{self._run}-{portion[-1].number}")
            if over or monotonic() >= due:
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
            "lookahead": self._context.lookahead,
            "colours": ["#{:02x}{:02x}{:02x}".format(*colour) for colour in FACE_COLOURS],
            "aus": [{"name": au, "meaning": NAMES.get(au, "")} for au in self._context.aus],
            "sources": [
                {"name": source.name, "live": source.live, "fps": source.fps} for source in self._state.sources
            ],
        }

    def _figures(self) -> list[dict[str, Any]]:
        known = self._context.stats() if self._context.stats is not None else {}
        return [
            self._figures_of(index, pace, known.get(source.name))
            for index, (source, pace) in enumerate(zip(self._state.sources, self._state.paces(), strict=True))
        ]

    def _figures_of(self, index: int, pace: Pace, stats: SourceStats | None) -> dict[str, Any]:
        started = self._state.newest(index) is not None
        return {
            "fps": _number(pace.fps, 1),
            "speed": _number(pace.speed, 1),
            "dropped": None if stats is None else stats.dropped,
            "latency": None if stats is None or stats.latency is None else _number(stats.latency, 3),
            "state": stats.state if stats is not None else "running" if started else "waiting",
        }


def compact(result: Entry | FrameResult) -> list[Any]:
    """A result in few characters of JSON: `[frame, timestamp, final, [face, …]]`.

    A face is `[face_id, scores, context, person, quality, flaw]` with null for what is unknown; the flaw is that which
    the picture names. Scores are in ten-thousandths, cut and not rounded, so that 0.49996 does not become an occurring
    AU.
    """
    faces = [_compact(row) for row in result.rows if row.face_id is not None]
    return [result.frame, _number(result.timestamp, 3), int(result.final), faces]


def _compact(row: Row) -> list[Any]:
    scores = None if row.scores is None else [*map(ten_thousandths, row.scores)]
    quality = None if row.view is None else _number(row.view.quality, 2)
    return [row.face_id, scores, row.context, row.person, quality, named_flaw(row)]


def as_json(data: Any) -> str:
    """Data as JSON in ASCII, without spaces."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def _number(value: float, digits: int) -> float | None:
    """A number that JSON can hold, else None."""
    return round(value, digits) if math.isfinite(value) else None


def _event(kind: str, data: Any, name: str | None = None) -> bytes:
    id_line = f"id: {name}\n" if name else ""
    return f"event: {kind}\n{id_line}data: {as_json(data)}\n\n".encode()
