"""Tables of events, as coders make them: when an AU begins and ends, as labels of the frames of videos.

| form | columns |
|---|---|
| plain | `start`, `end` or `duration`, `code`, and `intensity` if there is one |
| ELAN, a row per annotation | begin, end, tier, annotation; without column names, too |
| ELAN, a column per tier | begin, end, and a column for each AU |
| BORIS, aggregated events | `Start (s)`, `Stop (s)`, `Behavior` |
| BORIS, tabular events; Noldus Observer | a time, `Behavior`, and a type: start, stop or point |

A code is `AU12`, `12`, `12C` with an intensity from A to E, `R12` of one side, or `6+12` of several AUs. What no event
marks is absent: for every AU that occurs anywhere in the table, in all of the video. A frame is in an event if its
middle is; an event between two such still has the frame that is shown at its start, as a point has. An event that is
told in frames has its last frame whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mdhr_runtime.errors import DataError
from mdhr_runtime.layout import au_name

from .cells import Table
from .columns import INTENSITY
from .findings import Findings
from .times import ROUNDED, SECONDS, interval, scale_of
from .video_labels import Labels, Part, Settings
from .videos import Videos

CODE = re.compile(
    r"(?:[lrut](?=\s*(?:au)?\s*\d))?\s*(?P<au>au)?[\s_-]*0*(?P<number>[1-9]\d?)\s*(?P<grade>[a-e](?![a-z]))?"
    r"(?P<rest>[\s_:(-].*)?",
    re.IGNORECASE,
)
LONGEST_OVER = 1.0
"""Seconds by which events may end behind their video and nobody is told."""
GRADES = "ABCDE"
"""Letters of intensities, from 1 to 5."""
NOBODY = ("", "No focal subject")
"""What stands for the person who is coded, where there is only one; the latter in BORIS."""


class Code(NamedTuple):
    """An AU as a coder wrote it, and its intensity from 1 to 5, if there is one."""

    au: int
    grade: float | None


class Event(NamedTuple):
    """An AU that occurs from one time to another, in seconds; an end of NaN is that of a point.

    If it is not sure, it begins or ends without its other half: whether the AU occurs there is unknown.
    """

    code: Code
    start: float
    end: float
    sure: bool = True


Rows = list[tuple[Code, str, float, float]]
"""Codes with the type of their row, and its start and end in seconds."""


def read_events(parts: Sequence[Part], videos: Videos, settings: Settings, findings: Findings) -> Iterator[Labels]:
    """Read tables of events that are given together.

    Raises:
        DataError: Several people are coded in one video.
        VideoError: A video cannot be opened.
    """
    codes = {table: _codes(table, settings, findings) for table in dict.fromkeys(part.table for part in parts)}
    zero = any("frame" in _units(table) and (_span(table)[0] == 0).any() for table in codes)
    first = settings.frames_from if settings.frames_from is not None else int(not zero)
    unstated = [part for part in parts if "" in _units(part.table)]
    ends = [videos.times(part.video)[-1] for part in unstated]
    scale = scale_of([np.fmax(*_span(part.table))[part.rows] for part in unstated], ends)
    for part in parts:
        table, frames = part.table, videos.times(part.video)
        start, end = (
            _seconds(times[part.rows] - (first if unit == "frame" else 0), unit, scale, frames, stop)
            for times, unit, stop in zip(_span(table), _units(table), (0, 1), strict=True)
        )
        types = table.of("type")[0] if table.columns.is_log else np.full(len(table), "")
        rows = [
            (code, types[row].lower(), begins, ends)
            for row, begins, ends in zip(part.rows.tolist(), start.tolist(), end.tolist(), strict=True)
            for code in codes[table][row]
        ]
        events = [*(_paired(rows, part, findings) if table.columns.is_log else _whole(rows, part, findings))]
        aus = sorted({code.au for row in codes[table] for code in row})
        values = {au: _marked(au, events, frames, part.video, settings, findings) for au in aus}
        yield Labels(part.video, "", _subject(part), values)


def read_code(text: str) -> list[Code]:
    """The AUs that a code names; none if it is no code of AUs."""
    found = []
    for one in text.split("+"):
        code = CODE.fullmatch(one.strip())
        if code is None or (code["rest"] and code["rest"][0].isspace() and not code["au"]):
            return []  # "3 times" is none
        found.append(Code(int(code["number"]), read_grade(code["grade"] or "")))
    return found


def read_grade(text: str) -> float | None:
    """An intensity, 0 to 5 or A to E, also behind a code; None if there is none."""
    if re.fullmatch(r"\s*[0-5]([.,]\d+)?\s*", text):
        return float(text.replace(",", "."))
    letter = re.fullmatch(r"(.*\d)?\s*(?P<grade>[a-e])\s*", text, re.IGNORECASE)
    return GRADES.index(letter["grade"].upper()) + 1.0 if letter else None


def _codes(table: Table, settings: Settings, findings: Findings) -> list[list[Code]]:
    """The AUs of each row."""
    marks = {au: table.cells[index] for (au, _), (index, *_) in table.columns.aus.items() if table.columns.is_tiers}
    found = []
    for row in range(len(table)):
        words = [column[row] for column in table.of("code")]
        grades = [grade for column in table.of("grade") if (grade := read_grade(column[row])) is not None]
        codes = [code for column in table.of("tier") for code in read_code(column[row])]
        if codes:  # what stands on the tier of an AU is its intensity
            grades += [grade for word in words if (grade := read_grade(word)) is not None]
        else:
            codes = next(filter(None, map(read_code, words)), [])
        codes += [Code(au, read_grade(cells[row])) for au, cells in marks.items() if cells[row]]
        if not codes and any(words):
            findings.tell("events of which no code of an AU can be read, left out", next(filter(None, words)))
        for code in codes:
            if code.au not in settings.known:
                findings.tell("events of AUs that are not known, left out", au_name(code.au))
        found.append([Code(au, grades[0] if grades else grade) for au, grade in codes if au in settings.known])
    return found


def _span_roles(table: Table) -> tuple[str, str]:
    if table.columns.is_log:
        return "time", "time"
    return "start", "end" if table.columns.roles["end"] else "duration"


def _units(table: Table) -> list[str]:
    return [*map(table.unit, _span_roles(table))]


def _span(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of each row: float64 (R,), in the units of the table."""
    roles = _span_roles(table)
    start, end = (table.of(role)[0] for role in roles)
    return start, start + end if roles[1] == "duration" else end


def _seconds(times: np.ndarray, unit: str, scale: float, frames: np.ndarray, stop: int) -> np.ndarray:
    """Times in seconds; frames, from 0, as when they are shown first, or, with `stop`, no more."""
    if unit != "frame":
        return times * SECONDS.get(unit, scale)
    inside = np.nan_to_num(times).clip(0, len(frames) - 1).astype(int)
    return frames[inside] + (times - inside + stop) * interval(frames)


def _whole(rows: Rows, part: Part, findings: Findings) -> Iterator[Event]:
    """The events of a table with one in each row."""
    for code, _, start, end in rows:
        if np.isnan(start):
            findings.tell("events without a start, left out", part.table.path)
        elif end < start:
            findings.tell("events that end before they start, left out", part.table.path)
        else:
            yield Event(code, start, end)


def _paired(rows: Rows, part: Part, findings: Findings) -> Iterator[Event]:
    """The events of a log: each start with the stop of the same AU that follows."""
    begun: dict[int, tuple[Code, float]] = {}
    stopped: dict[int, float] = {}

    def lonely(code: Code, start: float, end: float, what: str) -> Event:
        findings.tell(f"events that {what}: unknown", part.table.path)
        return Event(code, start, end, sure=False)

    for code, kind, time, _ in sorted(rows, key=lambda row: row[2]):
        if "start" in kind:
            if code.au in begun:
                yield lonely(*begun[code.au], time, "start and do not stop")
            begun[code.au] = code, time
        elif "stop" not in kind:
            yield Event(code, time, np.nan)
        elif code.au in begun:
            first, start = begun.pop(code.au)
            yield Event(first if first.grade is not None else code, start, time)
            stopped[code.au] = time
        else:
            yield lonely(code, stopped.get(code.au, -np.inf), time, "stop and did not start")
            stopped[code.au] = time
    for code, time in begun.values():
        yield lonely(code, time, np.inf, "start and do not stop")


def _marked(
    au: int, events: Sequence[Event], frames: np.ndarray, video: str, settings: Settings, findings: Findings
) -> np.ndarray:
    """The labels of an AU: float32 (F,)."""
    values, marked = np.zeros(len(frames), np.float32), np.zeros(len(frames), bool)
    middles, stops = frames + interval(frames) / 2, frames[-1] + interval(frames)
    for event in sorted((event for event in events if event.code.au == au), key=lambda event: not event.sure):
        if event.start >= stops or event.end < frames[0]:
            findings.tell("events outside of the video, left out", video)
            continue
        within = (middles >= event.start) & (middles < event.end)
        if not event.sure:
            values[within & ~marked] = np.nan
            continue
        if not within.any():
            within[max(int(np.searchsorted(frames, event.start + ROUNDED, "right")) - 1, 0)] = True
            findings.tell("events that last for one frame", video)
        if event.end > stops + LONGEST_OVER:
            findings.tell("events that go on beyond the video", video)
        grade = event.code.grade
        if grade is not None and grade < settings.occurs_from and not settings.soft:
            findings.tell(f"events weaker than {settings.occurs_from:g}, which count as absent", video)
        findings.tell("events that overlap another one of their AU, taken together", video, int(marked[within].any()))
        value = 1.0 if grade is None else float(settings.graded(np.array(grade), INTENSITY))
        values[within] = np.maximum(values[within], value)
        marked |= within
    return values


def _subject(part: Part) -> str:
    """The person who is coded in a video; "" if the table does not say.

    Raises:
        DataError: There are several.
    """
    for column in part.table.of("subject"):
        names = sorted({*column[part.rows].tolist()} - {*NOBODY})
        if len(names) > 1:
            raise DataError(
                f"{part.table.path} codes several people in {part.video}.",
                f"They are {', '.join(names[:3])}, and nothing says where in the image they are.",
                "Cut the video so that each is alone in one, or leave the events of one person.",
            )
        if names:
            return str(names[0])
    return ""
