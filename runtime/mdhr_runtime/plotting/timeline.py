"""The scores of one face over time, and the chart of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..contract import SCORE
from ..errors import OutputError
from ..files import staged
from ..sinks.extras import extra
from ..sinks.lines import cannot_write
from .tables import Seen

LONGEST_STEP = 1.0
"""Seconds between two rows from which on the line breaks, whatever the frames' numbers say."""

INK, BAND, FAINT, ABSENT = "#1f5f8b", "#ffb03b", "#8a94a0", "#f1f2f4"


@dataclass(frozen=True, eq=False)
class Timeline:
    """The scores of one face.

    Attributes:
        source: Name of the video or camera.
        face_id: Number of the face in it.
        aus: Names of the AUs.
        times: float64 (T,), seconds.
        scores: float64 (T, N); NaN rows stand where the face is not seen.
        start: When the source's first row is, in seconds.
        end: When its last one is.
    """

    source: str
    face_id: int
    aus: tuple[str, ...]
    times: np.ndarray
    scores: np.ndarray
    start: float
    end: float


def choose(
    rows: Iterable[Seen], table: Path, source: str | None = None, face_id: int | None = None
) -> tuple[Timeline, list[str]]:
    """Take one face out of a table.

    Args:
        rows: The table's rows.
        table: Its name, for errors.
        source: Which source; None for the one where the face is seen most.
        face_id: Which face; None for the one that is seen most.

    Returns:
        The face's timeline, and the names of the faces that were not chosen.

    Raises:
        OutputError: There is no row, no face, or no such face.
    """
    frames: dict[str, list[tuple[int, float]]] = defaultdict(list)
    faces: dict[tuple[str, int], list[Seen]] = defaultdict(list)
    for row in rows:
        if not frames[row.source] or frames[row.source][-1][0] != row.frame:
            frames[row.source].append((row.frame, row.timestamp))
        if row.face_id is not None and row.scores:
            faces[row.source, row.face_id].append(row)
    if not frames:
        why = "It has no final row: the run found no frame, or was stopped before its first result."
        raise OutputError(f"{table} holds nothing to draw.", why, "Run mdhr-run on a video with a face.")
    fitting = [key for key in faces if source in (None, key[0]) and face_id in (None, key[1])]
    if not fitting:
        wanted = " and ".join(
            part for part in (source and f"source {source!r}", face_id is not None and f"face {face_id}") if part
        )
        known = ", ".join(map(_name, sorted(faces)[:20]))
        raise OutputError(
            f"{table} has no such face: {wanted}." if wanted else f"{table} holds nothing to draw.",
            f"It has {known}." if known else "There is no face in any of its frames.",
            "Choose one of them with --source and --face." if known else "Run mdhr-run on a video with a face.",
        )
    key = max(fitting, key=lambda one: len(faces[one]))
    others = [_name(other) for other in sorted(faces) if other != key]
    return _timeline(key, faces[key], frames[key[0]]), others


def _name(key: tuple[str, int]) -> str:
    return f"face {key[1]} of {key[0]}"


def _timeline(key: tuple[str, int], rows: Sequence[Seen], frames: Sequence[tuple[int, float]]) -> Timeline:
    aus = tuple(rows[0].scores)
    order = {frame: index for index, (frame, _) in enumerate(frames)}
    times: list[float] = []
    scores: list[list[float]] = []
    before: Seen | None = None
    for row in rows:
        if before is not None:
            # A frame between them without this face, or time between them that nobody saw.
            missed = order[row.frame] - order[before.frame] > 1 or row.timestamp - before.timestamp > LONGEST_STEP
            if missed:
                times.append((before.timestamp + row.timestamp) / 2)
                scores.append([np.nan] * len(aus))
        times.append(row.timestamp)
        scores.append([row.scores[au] for au in aus])
        before = row
    return Timeline(*key, aus, np.array(times), np.array(scores), frames[0][1], frames[-1][1])


class Chart:
    """A picture of a timeline.

    Args:
        path: The picture, which is replaced.

    Attributes:
        path: The picture.

    Raises:
        OutputError: Its name does not end in .png or .svg, or the extra `plot` is not installed.
    """

    suffixes = (".png", ".svg")

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in self.suffixes:
            raise OutputError(
                f"{path} cannot be written.",
                f"Its name does not end in {' or '.join(self.suffixes)}.",
                "Choose such a name with --out.",
            )
        self.path = path
        extra("plot", "matplotlib").use("Agg")
        self._figure: Any = extra("plot", "matplotlib.figure").Figure

    def draw(self, timeline: Timeline) -> None:
        """Draw a timeline: a row per AU with its score, shaded where the AU occurs, grey where there is no face.

        Raises:
            OutputError: The file cannot be written.
        """
        count = len(timeline.aus)
        width = float(np.clip(6 + (timeline.end - timeline.start) / 10, 10, 24))
        figure = self._figure(figsize=(width, 1.1 + 0.55 * count), layout="constrained")
        for index, axes in enumerate(np.atleast_1d(figure.subplots(count, 1, sharex=True))):
            _draw_row(axes, timeline, index)
            if index < count - 1:
                axes.tick_params(axis="x", length=0)
                axes.spines["bottom"].set_visible(False)
        axes.set_xlabel("time in seconds", color=FAINT)
        figure.suptitle(
            f"{timeline.source} · face {timeline.face_id}", x=0.01, ha="left", fontsize=12, fontweight="bold"
        )
        try:
            with staged(self.path) as stage:
                figure.savefig(stage, dpi=130)
        except OSError as error:
            raise cannot_write(self.path, error) from error


def _draw_row(axes: Any, timeline: Timeline, index: int) -> None:
    times, scores = timeline.times, timeline.scores[:, index]
    for start, end in _absences(timeline):
        axes.axvspan(start, end, color=ABSENT, lw=0)
    axes.broken_barh(_occurrences(times, scores), (0, 1), color=BAND, alpha=0.45, lw=0)
    axes.axhline(SCORE.threshold, color=FAINT, lw=0.6, ls=(0, (2, 3)))
    axes.plot(times, scores, color=INK, lw=1.2, solid_capstyle="round", solid_joinstyle="round")
    axes.set_xlim(timeline.start, max(timeline.end, timeline.start + 1e-3))
    axes.set(ylim=(0, 1.02), yticks=(0, SCORE.threshold, 1), yticklabels=("0", "", "1"))
    axes.set_ylabel(timeline.aus[index], rotation=0, ha="right", va="center", labelpad=8, fontweight="bold")
    axes.tick_params(colors=FAINT, labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#d5d9de")


def _occurrences(times: np.ndarray, scores: np.ndarray) -> list[tuple[float, float]]:
    """Begin and duration of the times in which an AU occurs, in seconds. A single frame has a duration, too."""
    frame = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    edges = np.flatnonzero(np.diff(np.concatenate(([0], SCORE.occurs(scores), [0]))))
    return [
        (times[first] - frame / 2, times[last - 1] - times[first] + frame)
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]


def _absences(timeline: Timeline) -> list[tuple[float, float]]:
    """Begin and end of the times without the face, in seconds."""
    times = timeline.times
    gaps = [(times[index - 1], times[index + 1]) for index in np.flatnonzero(np.isnan(timeline.scores[:, 0]))]
    return [(timeline.start, times[0]), *gaps, (times[-1], timeline.end)]
