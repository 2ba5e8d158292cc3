"""The scores of one face or person over time, and the chart of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..au_events import LONGEST_FRAME
from ..contract import SCORE
from ..errors import OutputError
from .picture import RowChart, Subject, contradiction, pick
from .style import COLOUR
from .tables import Seen

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NO_ROW = "It has no final row: the run found no frame, or was stopped before its first result."


@dataclass(frozen=True, eq=False)
class Timeline(RowChart):
    """The scores of one face, or of one person in a source: shaded where an AU occurs, grey without scores.

    Attributes:
        times: float64 (T,), seconds.
        scores: float64 (T, N); NaN rows stand where there are none.
    """

    times: np.ndarray
    scores: np.ndarray

    def draw(self, figure: Figure) -> None:
        """See `Chart`."""
        for index, axes in enumerate(self.rows(figure)):
            _draw_row(axes, self, index)


def choose(rows: Iterable[Seen], table: Path, wish: Subject) -> tuple[Timeline, list[str]]:
    """Take one face or person out of a table.

    Args:
        rows: The table's rows, in any order. A row that comes twice counts once.
        table: Its name, for errors.
        wish: Which one; the one with the most rows of those that fit.

    Returns:
        The timeline, and the names of those that were not chosen.

    Raises:
        OutputError: There is no row, no scored face, or no such one; or rows contradict each other.
    """
    times: dict[str, dict[int, float]] = defaultdict(dict)
    faces: dict[tuple[str, int | None], dict[int, Seen]] = defaultdict(dict)
    for row in rows:
        same = times[row.source].setdefault(row.frame, row.timestamp) == row.timestamp
        if not same or faces[row.source, row.face_id].setdefault(row.frame, row) != row:
            raise contradiction(table, f"frame {row.frame} of {row.source}")
    groups: dict[Subject, dict[int, Seen]] = defaultdict(dict)
    for (source, face_id), seen in faces.items():
        for frame, row in seen.items():
            if face_id is not None and frame in faces.get((source, None), ()):
                raise contradiction(table, f"frame {row.frame} of {row.source}")
            if row.scores and (wish.person is None or row.person is not None):
                subject = wish.of(row)
                before = groups[subject].setdefault(frame, row)
                if before is not row and wish.fits(subject):
                    raise OutputError(
                        f"{table} has {subject.words} twice in frame {frame}.",
                        f"It is seen as face {before.face_id} and as face {row.face_id}.",
                        "Choose one of them with --face.",
                    )
    none = "No face in any of its frames has scores." if times else NO_ROW
    subject, others = pick(groups, wish, table, none)
    assert subject.source is not None
    return _timeline(subject, groups[subject], times[subject.source]), others


def _timeline(subject: Subject, rows: Mapping[int, Seen], frames: Mapping[int, float]) -> Timeline:
    aus = tuple(next(iter(rows.values())).scores)
    order = {frame: index for index, frame in enumerate(sorted(frames))}
    times: list[float] = []
    scores: list[list[float]] = []
    before: Seen | None = None
    for _, row in sorted(rows.items()):
        if before is not None:
            # A frame between them without this face's scores, or time between them that nobody saw.
            missed = order[row.frame] - order[before.frame] > 1 or row.timestamp - before.timestamp > LONGEST_FRAME
            if missed:
                times.append((before.timestamp + row.timestamp) / 2)
                scores.append([np.nan] * len(aus))
        times.append(row.timestamp)
        scores.append([row.scores[au] for au in aus])
        before = row
    start, end = (frames[edge(frames)] for edge in (min, max))
    return Timeline((subject,), aus, start, end, np.array(times), np.array(scores))


def _draw_row(axes: Axes, timeline: Timeline, index: int) -> None:
    times, scores = timeline.times, timeline.scores[:, index]
    for start, end in _absences(timeline):
        axes.axvspan(start, end, color=COLOUR["notice"], lw=0)
    axes.broken_barh(occurrences(times, scores), (0, 1), color=COLOUR["false"], alpha=0.45, lw=0)
    axes.axhline(SCORE.threshold, color=COLOUR["quiet"], lw=0.6, ls=(0, (2, 3)))
    axes.plot(times, scores, color=COLOUR["ours"], lw=1.2, solid_capstyle="round", solid_joinstyle="round")
    axes.set(ylim=(0, 1.02), yticks=(0, SCORE.threshold, 1), yticklabels=("0", "", "1"))
    axes.tick_params(axis="y", length=3)


def occurrences(times: np.ndarray, scores: np.ndarray) -> list[tuple[float, float]]:
    """Begin and duration of the times in which an AU occurs, in seconds. A single frame has a duration, too."""
    frame = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    edges = np.flatnonzero(np.diff(np.concatenate(([0], SCORE.occurs(scores), [0]))))
    return [
        (times[first] - frame / 2, times[last - 1] - times[first] + frame)
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]


def _absences(timeline: Timeline) -> list[tuple[float, float]]:
    """Begin and end of the times without scores, in seconds."""
    times = timeline.times
    gaps = [(times[index - 1], times[index + 1]) for index in np.flatnonzero(np.isnan(timeline.scores[:, 0]))]
    return [(timeline.start, times[0]), *gaps, (times[-1], timeline.end)]
