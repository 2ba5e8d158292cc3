"""The scores of one face over time, and the chart of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..contract import SCORE
from ..errors import OutputError
from ..files import as_utf8, staged, told
from ..targets import Claim, is_sealed, sealed
from .style import COLOUR, styled
from .tables import Seen

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg")
"""Of the pictures that can be written."""
SEAL = "<!-- {} -->"
"""A comment after a picture's end: readers of PNG take no notice of what stands there."""

LONGEST_STEP = 1.0
"""Seconds between two rows from which on the line breaks, whatever the frames' numbers say."""


@dataclass(frozen=True, eq=False)
class FaceTimeline:
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
) -> tuple[FaceTimeline, list[str]]:
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


def _timeline(key: tuple[str, int], rows: Sequence[Seen], frames: Sequence[tuple[int, float]]) -> FaceTimeline:
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
    return FaceTimeline(*key, aus, np.array(times), np.array(scores), frames[0][1], frames[-1][1])


def draw(timeline: FaceTimeline, path: Path, *, inputs: Iterable[Path] = (), overwrite: bool = False) -> None:
    """Draw a timeline: a row per AU with its score, shaded where the AU occurs, grey where there is no face.

    Args:
        timeline: The scores.
        path: The picture. An older picture of this function is replaced.
        inputs: The table, or what else it is drawn from.
        overwrite: Whether any other file is replaced, too.

    Raises:
        OutputError: The file cannot be written, or may not be; or the extra `plot` is not installed.
    """
    count = len(timeline.aus)
    width = float(np.clip(6 + (timeline.end - timeline.start) / 10, 10, 24))
    with styled(axes_grid=False, figure_facecolor="white", svg_fonttype="path"):
        from matplotlib.figure import Figure

        figure = Figure((width, 1.1 + 0.55 * count))
        rows = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
        for index, axes in enumerate(rows):
            _draw_row(axes, timeline, index)
            axes.spines["bottom"].set_visible(index == count - 1)
        rows[-1].tick_params(axis="x", length=3)
        rows[-1].set_xlabel("time in seconds")
        figure.suptitle(
            as_utf8(f"{timeline.source} · face {timeline.face_id}").decode(),
            x=0.01,
            ha="left",
            fontsize=12,
            fontweight="bold",
            parse_math=False,  # a name may hold dollar signs
        )
        with Claim(path, is_ours, inputs=inputs, overwrite=overwrite), told(path), staged(path) as stage:
            figure.savefig(stage, dpi=130)
            stage.write_bytes(sealed(stage.read_bytes(), SEAL))


def is_ours(path: Path) -> bool:
    """Whether a file is a picture that `draw` wrote, and unchanged."""
    return is_sealed(path.read_bytes(), SEAL)


def check_name(path: Path) -> None:
    """Check that a picture can have a name.

    Raises:
        OutputError: The name does not end in .png or .svg.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{path} cannot be written.",
            f"Its name does not end in {' or '.join(SUFFIXES)}.",
            "Choose such a name with --out.",
        )


def _draw_row(axes: Axes, timeline: FaceTimeline, index: int) -> None:
    times, scores = timeline.times, timeline.scores[:, index]
    for start, end in _absences(timeline):
        axes.axvspan(start, end, color=COLOUR["notice"], lw=0)
    axes.broken_barh(occurrences(times, scores), (0, 1), color=COLOUR["false"], alpha=0.45, lw=0)
    axes.axhline(SCORE.threshold, color=COLOUR["quiet"], lw=0.6, ls=(0, (2, 3)))
    axes.plot(times, scores, color=COLOUR["ours"], lw=1.2, solid_capstyle="round", solid_joinstyle="round")
    axes.set_xlim(timeline.start, max(timeline.end, timeline.start + 1e-3))
    axes.set(ylim=(0, 1.02), yticks=(0, SCORE.threshold, 1), yticklabels=("0", "", "1"))
    axes.set_ylabel(
        timeline.aus[index], rotation=0, ha="right", va="center", labelpad=8, color=COLOUR["text"], fontweight="bold"
    )
    axes.tick_params(labelsize=8)
    axes.tick_params(axis="y", length=3)
    axes.spines["left"].set_visible(True)


def occurrences(times: np.ndarray, scores: np.ndarray) -> list[tuple[float, float]]:
    """Begin and duration of the times in which an AU occurs, in seconds. A single frame has a duration, too."""
    frame = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    edges = np.flatnonzero(np.diff(np.concatenate(([0], SCORE.occurs(scores), [0]))))
    return [
        (times[first] - frame / 2, times[last - 1] - times[first] + frame)
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]


def _absences(timeline: FaceTimeline) -> list[tuple[float, float]]:
    """Begin and end of the times without the face, in seconds."""
    times = timeline.times
    gaps = [(times[index - 1], times[index + 1]) for index in np.flatnonzero(np.isnan(timeline.scores[:, 0]))]
    return [(timeline.start, times[0]), *gaps, (times[-1], timeline.end)]
