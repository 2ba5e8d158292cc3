"""The chart of a table of events: when the action units of a face or person occur."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..au_events import AuEvent
from ..contract import SCORE
from .picture import RowChart, Subject, pick, shades
from .style import COLOUR

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class EventChart(RowChart):
    """Bars from onset to offset, the darker the higher the peak, and a dot at the apex.

    Attributes:
        events: All of one source.
    """

    events: Sequence[AuEvent]

    def draw(self, figure: Figure) -> None:
        """See `Chart`."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        peaks = ScalarMappable(Normalize(SCORE.lowest, SCORE.highest), shades())
        rows = self.rows(figure)
        for au, axes in zip(self.aus, rows, strict=True):
            here = [event for event in self.events if event.au == au]
            colours = peaks.to_rgba(np.array([event.peak for event in here]))
            spans = [(event.onset, event.duration) for event in here]
            axes.broken_barh(spans, (0.2, 0.6), facecolor=colours, edgecolor=colours, lw=1)
            axes.plot([event.apex for event in here], [0.5] * len(here), "o", color=COLOUR["text"], ms=3)
            axes.set(ylim=(0, 1), yticks=())
        scale = figure.colorbar(peaks, ax=rows, label="peak", aspect=8 * len(rows), pad=0.01)
        scale.outline.set_visible(False)
        scale.ax.tick_params(labelsize=8)


def choose(rows: Iterable[AuEvent], table: Path, wish: Subject) -> tuple[EventChart, list[str]]:
    """Take the events of one face or person out of a table; see `timeline.choose`.

    Raises:
        OutputError: There is no event, or none of such a one.
    """
    groups: dict[Subject, list[AuEvent]] = defaultdict(list)
    for event in dict.fromkeys(rows):
        if wish.person is None or event.person is not None:
            groups[wish.of(event)].append(event)
    subject, others = pick(groups, wish, table, "No action unit occurred, or none for long enough.")
    events = groups[subject]
    aus = sorted({event.au for event in events}, key=lambda au: (len(au), au))
    start, end = min(event.onset for event in events), max(event.offset for event in events)
    margin = (end - start) / 50
    return EventChart((subject,), aus, start - margin, end + margin, events), others
