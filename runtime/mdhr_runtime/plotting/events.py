"""The chart of a table of events: when the action units of a face or person occur."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..au_events import AuEvent
from ..contract import SCORE
from .picture import Subject, au_rows, pick, picture, row_size, shades
from .style import COLOUR


def choose(rows: Iterable[AuEvent], table: Path, wish: Subject) -> tuple[Subject, list[AuEvent], list[str]]:
    """Take the events of one face or person out of a table.

    Args:
        rows: The table's rows.
        table: Its name, for errors.
        wish: Which one; the one with the most events of those that fit.

    Returns:
        Whose events they are, the events, each once, and the names of those that were not chosen.

    Raises:
        OutputError: There is no event, or none of such a one.
    """
    groups: dict[Subject, list[AuEvent]] = defaultdict(list)
    for event in dict.fromkeys(rows):
        if wish.person is None or event.person is not None:
            groups[wish.of(event)].append(event)
    subject, others = pick(groups, wish, table, "No action unit occurred, or none for long enough.")
    return subject, groups[subject], others


def draw(
    subject: Subject, events: Sequence[AuEvent], path: Path, *, inputs: Iterable[Path] = (), overwrite: bool = False
) -> None:
    """Draw events: a row per AU with bars from onset to offset, the darker the higher the peak, and a dot at the apex.

    Args:
        subject: Whose they are.
        events: All of one source.
        path: The picture; as for `picture`, like the rest.
        inputs: What it is drawn from.
        overwrite: Whether any other file is replaced.

    Raises:
        OutputError: As for `picture`.
    """
    aus = sorted({event.au for event in events}, key=lambda au: (len(au), au))
    start, end = min(event.onset for event in events), max(event.offset for event in events)
    margin = (end - start) / 50
    size = row_size(len(aus), end - start)
    with picture(path, size, subject.title, inputs=inputs, overwrite=overwrite) as figure:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        peaks = ScalarMappable(Normalize(SCORE.lowest, SCORE.highest), shades())
        rows = au_rows(figure, aus, start - margin, end + margin)
        for au, axes in zip(aus, rows, strict=True):
            here = [event for event in events if event.au == au]
            colours = peaks.to_rgba(np.array([event.peak for event in here]))
            spans = [(event.onset, event.offset - event.onset) for event in here]
            axes.broken_barh(spans, (0.2, 0.6), facecolor=colours, edgecolor=colours, lw=1)
            axes.plot([event.apex for event in here], [0.5] * len(here), "o", color=COLOUR["text"], ms=3)
            axes.set(ylim=(0, 1), yticks=())
        scale = figure.colorbar(peaks, ax=rows, label="peak", aspect=8 * len(aus), pad=0.01)
        scale.outline.set_visible(False)
        scale.ax.tick_params(labelsize=8)
