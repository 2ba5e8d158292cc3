"""Events as a table in a CSV file, a line per event, which is written as soon as it is over.

| column | meaning |
|---|---|
| `source` | the video or camera |
| `person` | number of the person, empty if nobody was recognised |
| `face` | number of the face in its source: the `face_id` of the table of results |
| `AU` | name of the action unit |
| `onset`, `offset` | the times at which it begins and is over: seconds since the source's first frame |
| `apex` | the time of its highest score |
| `peak`, `mean` | its highest and its mean score, in [0, 1] |
| `duration` | seconds from onset to offset |

`mdhr_runtime.au_events` says what an event is.
"""

from __future__ import annotations

import re

from ..au_events import AuEvent
from ..files import as_utf8
from ..results import FrameResult
from .columns import Column
from .csv_file import header, line, pattern
from .table_file import TableFile

COLUMNS: tuple[Column[AuEvent], ...] = (
    Column("source", str, lambda event: as_utf8(event.source).decode()),
    Column("person", int, lambda event: event.person),
    Column("face", int, lambda event: event.face_id),
    Column("AU", str, lambda event: event.au),
    Column("onset", float, lambda event: event.onset, 4),
    Column("apex", float, lambda event: event.apex, 4),
    Column("offset", float, lambda event: event.offset, 4),
    Column("peak", float, lambda event: event.peak, 4, score=True),
    Column("mean", float, lambda event: event.mean, 4, score=True),
    Column("duration", float, lambda event: event.duration, 4),
)


class EventFile(TableFile):
    """Writes the table; see `TableFile`."""

    noun = "events"
    head = re.compile(re.escape(header(COLUMNS).encode()))

    @staticmethod
    def row_after(head: re.Match[bytes]) -> re.Pattern[bytes]:
        """See `TableFile`."""
        return pattern(COLUMNS)

    def header(self) -> str:
        """The names of the columns."""
        return header(COLUMNS)

    def line(self, event: AuEvent) -> str:
        """One event of the table."""
        return line(event, COLUMNS)

    def write(self, result: FrameResult) -> None:
        """Nothing: events come of their own."""

    def write_event(self, event: AuEvent) -> None:
        """Append an event; see `append`."""
        self.append(event)
