"""Tables with a row per frame, or per time, as labels of the frames of videos.

`frame` counts from what `--frames-from` says; else from what fits the times beside it; else as the program counts that
wrote the table; else from 0 if there is a frame 0, and from 1 if not. All tables that are given together count alike.

So it is with AU columns that do not say what they hold: where all their values are 0 and 1, it is occurrence; whole
numbers up to 5 are intensity, others up to 1 scores, others up to 5 intensity. Empty cells, NA, 9 and −1 are unknown.
None of them is a value on any of these scales; and other values that are none are refused, as they are on another
scale, where 9 could be a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from mdhr_runtime.errors import DataError
from mdhr_runtime.layout import au_name

from ..labels import OCCURS_FROM, UNKNOWN
from .cells import Table
from .columns import INTENSITY, OCCURRENCE, PLAIN, SCORE
from .findings import Findings
from .times import ROUNDED, SECONDS, interval, is_inside, scale_of, spread
from .video_labels import Labels, Part, Settings
from .videos import Videos

HIGHEST = {OCCURRENCE: 1.0, INTENSITY: 5.0, SCORE: 1.0}
BEYOND_HIGHEST = 1e-3
"""How far rounding may bring a number above the highest of its scale."""
COUNT_FROM = {"py-feat": 0, "LibreFace": 0, "OpenFace": 1, "mdhr-run": 1}
"""The number of a video's first frame, by the program that wrote a table."""
DOUBTFUL_SHARE, DOUBTFUL_SECONDS = 0.05, 1.0
"""Labels beyond a video's end, of all of it, and how far: more than both, and they are of another video or version."""
NUMBERED = re.compile(r"(person[ _]?)?\d+", re.IGNORECASE)
"""Persons that a program has counted, not named."""
SAME_BOX = 2.0
"""Pixels by which boxes of one face differ, at most."""


def read_frames(parts: Sequence[Part], videos: Videos, settings: Settings, findings: Findings) -> Iterator[Labels]:
    """Read tables with a row per frame or time, that are given together.

    Raises:
        DataError: They are no labels, or doubtful: of another version of the video, or shifted.
        VideoError: A video cannot be opened.
    """
    tables = list(dict.fromkeys(part.table for part in parts))
    plain = _kind_of_plain(tables)
    values = {table: _values(table, plain, settings, findings) for table in tables}
    counted = [part for part in parts if part.table.columns.roles["frame"]]
    first = _counted_from(counted, videos, settings, findings)
    scale = _scale([part for part in parts if not part.table.columns.roles["frame"]], videos)
    for part in parts:
        table, frames = part.table, videos.times(part.video)
        aus, matrix = values[table][0], values[table][1][part.rows]
        times = _shown(part, frames, first) if table.columns.roles["frame"] else _times(part, scale)
        labelled = ~np.isnan(matrix).all(1)
        findings.tell("labels without a frame or time", table.path, int((labelled & np.isnan(times)).sum()))
        for face, subject, rows, boxes in _faces(part, labelled & ~np.isnan(times), times, findings):
            _require_fit(part, frames, times[rows])
            found, places = spread(frames, times[rows], matrix[rows], boxes, findings, part.video)
            yield Labels(part.video, face, subject, dict(zip(aus, found.T, strict=True)), places)


def _kind_of_plain(tables: Sequence[Table]) -> str:
    """What AU columns hold that do not say it, of tables that are given together; see above."""
    columns = [table.cells[index] for table in tables for (_, kind), (index, *_) in _aus(table) if kind == PLAIN]
    values = np.unique(np.concatenate([np.empty(0), *map(np.unique, columns)]))
    values = values[~np.isnan(values) & ~np.isin(values, UNKNOWN)]
    if np.isin(values, (0, 1)).all():
        return OCCURRENCE
    whole = (values == np.floor(values)).all()
    return INTENSITY if whole or values.max() > HIGHEST[SCORE] + BEYOND_HIGHEST else SCORE


def _aus(table: Table) -> list[tuple[tuple[int, str], list[int]]]:
    return sorted(table.columns.aus.items())


def _values(table: Table, plain: str, settings: Settings, findings: Findings) -> tuple[list[int], np.ndarray]:
    """The AUs of a table, and their labels in [0, 1]: float32 (R, A), NaN where they are unknown."""
    for name in table.columns.misread:
        findings.tell("columns like those of AUs that are not understood", name)
    lost = np.zeros(len(table), bool)
    for role, what in (("success", "rows in which the program found no face"), ("final", "provisional rows, left out")):
        for column in table.of(role):
            findings.tell(what, table.path, int((column == 0).sum()))
            lost |= column == 0
    scales: dict[int, dict[str, int]] = {}
    for (au, kind), (index, *_) in _aus(table):
        if au not in settings.known:
            findings.tell("columns of AUs that are not known, left out", au_name(au))
            continue
        if kind == PLAIN:
            findings.tell(f"columns that do not say what they hold, read as {plain}", au_name(au))
        scales.setdefault(au, {}).setdefault(plain if kind == PLAIN else kind, index)
    found = np.full((len(table), len(scales)), np.nan, np.float32)
    for place, (au, columns) in enumerate(scales.items()):
        scale = settings.best(columns)
        values = _checked(table, columns[scale], scale)
        found[:, place] = settings.graded(np.where(lost, np.nan, values), scale)
        if scale != OCCURRENCE and not settings.soft:
            least = f"{settings.occurs_from:g}" if scale == INTENSITY else f"{OCCURS_FROM:g}"
            findings.tell(f"columns of {scale}, which count as occurring from {least} on", au_name(au))
    return list(scales), found


def _checked(table: Table, index: int, scale: str) -> np.ndarray:
    """The labels of a column: float64 (R,), NaN where they are unknown.

    Raises:
        DataError: They are not on the scale.
    """
    values = np.where(np.isin(table.cells[index], UNKNOWN), np.nan, table.cells[index])
    strange = (values < 0) | (values > HIGHEST[scale] + BEYOND_HIGHEST)
    if scale == OCCURRENCE:
        strange |= ~np.isin(values, (0, 1)) & ~np.isnan(values)
    if strange.any():
        row = int(strange.argmax())
        raise DataError(
            f"{table.path} holds {strange.sum()} numbers that are no labels.",
            f"The first is {values[row]:g}, in line {table.lines[row]} for {table.columns.names[index]}, which is read "
            f"as {scale}.",
            f"It should be from 0 to {HIGHEST[scale]:g}; 9, -1, NA and empty cells are unknown. Convert the column, or "
            "name it after what it holds: AU12_c occurrence, AU12_r intensity, AU12_p score.",
        )
    return values.clip(max=HIGHEST[scale])


def _counted_from(parts: Sequence[Part], videos: Videos, settings: Settings, findings: Findings) -> int:
    """The number of a video's first frame in tables with numbers of frames."""
    if settings.frames_from is not None or not parts:
        return settings.frames_from or 0
    timed = [part for part in parts if any(np.isfinite(times[part.rows]).any() for times in part.table.of("time")[:1])]
    tool = next((part.table.columns.tool for part in parts if part.table.columns.tool in COUNT_FROM), None)
    if timed:
        scale = _scale(timed, videos)
        shares = np.array([[_agreement(part, videos, scale, first) for first in (0, 1)] for part in timed])
        first, why = int(shares.sum(0).argmax()), "as their times say"
        for part, share in zip(timed, shares[:, first], strict=True):
            if share < 0.5:
                raise DataError(
                    f"The frames and the times of {part.table.path} contradict each other.",
                    f"{1 - share:.0%} of its rows name a frame of {part.video}, and a time at which another is shown.",
                    "It was made from a version of the video that is cut, or has another frame rate: give that one. "
                    "If the numbers of the frames are right, say --frames-from 1, or 0.",
                )
    elif tool is not None:
        first, why = COUNT_FROM[tool], f"as {tool} does"
    else:
        zero = any((part.table.of("frame")[0] == 0).any() for part in parts)
        first, why = (0, "as there is a frame 0") if zero else (1, "as there is no frame 0")
    for table in dict.fromkeys(part.table for part in parts):
        findings.tell(f"tables that count frames from {first}, {why}", table.path)
    return first


def _agreement(part: Part, videos: Videos, scale: float, first: int) -> float:
    """The share of rows whose frame is shown at their time."""
    frames = videos.times(part.video)
    apart = np.abs(_times(part, scale) - _shown(part, frames, first))
    near = apart[~np.isnan(apart)] <= interval(frames) / 2 + ROUNDED
    return float(near.mean()) if len(near) else 1.0


def _shown(part: Part, frames: np.ndarray, first: int) -> np.ndarray:
    """When the frames of rows are shown: float64 (R,), as if the video went on before its begin and after its end."""
    index = part.table.of("frame")[0][part.rows] - first
    if (index != np.floor(index))[~np.isnan(index)].any():
        raise DataError(
            f"{part.table.path} does not count the frames.",
            f"Its column {part.table.columns.names[part.table.columns.roles['frame'][0]]!r} holds broken numbers.",
            "Name the column time, if it holds seconds.",
        )
    inside = np.nan_to_num(index).clip(0, len(frames) - 1).astype(int)
    return frames[inside] + (index - inside) * interval(frames)


def _scale(parts: Sequence[Part], videos: Videos) -> float:
    """Seconds per unit of the times of rows whose unit is not stated."""
    unstated = [part for part in parts if not part.table.unit("time")]
    return scale_of(
        [part.table.of("time")[0][part.rows] for part in unstated],
        [videos.times(part.video)[-1] for part in unstated],
    )


def _times(part: Part, unstated: float) -> np.ndarray:
    """The times of rows in seconds: float64 (R,)."""
    return part.table.of("time")[0][part.rows] * SECONDS.get(part.table.unit("time"), unstated)


def _faces(
    part: Part, usable: np.ndarray, times: np.ndarray, findings: Findings
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray | None]]:
    """Divide rows by faces: which face, its subject, its rows, and its boxes."""
    table, subject, boxes = part.table, "", part.table.boxes()
    for role in ("subject", "person", "face"):
        for column in table.of(role):
            keys = column[part.rows]
            names = sorted({*keys[usable].tolist()} - {""})
            named = role == "subject" or (role == "person" and not all(map(NUMBERED.fullmatch, names)))
            if len(names) == 1 and (named or (role == "person" and len(part.rows) < len(table))):
                subject = subject or names[0]
            if len(names) < 2:
                continue
            seen = {*zip(times[usable].tolist(), keys[usable].tolist(), strict=True)}
            if role == "face" and len(seen) == len({time for time, _ in seen}):
                findings.tell("faces of one video that are never seen together, taken as one", part.video, len(names))
                continue
            boxes = table.boxes(landmarks=True) if boxes is None else boxes
            if boxes is None:
                raise _several(part, f"They are {', '.join(names[:3])}, and nothing says where they are.")
            findings.tell("rows that say no face, left out", part.video, int((usable & (keys == "")).sum()))
            for name in names:
                rows = np.flatnonzero(usable & (keys == name))
                yield name, name if named else subject, rows, boxes[part.rows][rows]
            return
    rows = np.flatnonzero(usable)
    found = None if boxes is None else boxes[part.rows][rows]
    if found is not None:
        order = np.argsort(times[rows], kind="stable")
        same = np.diff(times[rows][order]) == 0
        if (np.abs(np.diff(found[order], axis=0)).max(1, initial=0)[same] > SAME_BOX).any():
            raise _several(part, "Rows of one frame have different boxes, and no column tells which are of one person.")
    yield "", subject, rows, found


def _several(part: Part, why: str) -> DataError:
    return DataError(
        f"{part.table.path} labels several faces of {part.video}.",
        why,
        "Add the columns face_id, and x, y, w and h with their boxes in pixels; or leave one face per video.",
    )


def _require_fit(part: Part, frames: np.ndarray, times: np.ndarray) -> None:
    """Refuse labels of which many lie far outside of their video."""
    beyond = int((~is_inside(frames, times)).sum())
    far = max(times.max(initial=0) - frames[-1], frames[0] - times.min(initial=0))
    if beyond > DOUBTFUL_SHARE * len(times) and far > DOUBTFUL_SECONDS:
        raise DataError(
            f"The labels of {part.table.path} do not fit {part.video}.",
            f"{beyond} of {len(times)} lie outside of it, by up to {far:.4g} s: it has {len(frames)} frames in "
            f"{frames[-1] + interval(frames):.4g} s.",
            "They are of another video, or of a version that is cut or has another frame rate: give that one.",
        )
