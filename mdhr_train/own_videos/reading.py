"""From videos and tables of labels to raw recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

import numpy as np

from mdhr_runtime.errors import DataError
from mdhr_runtime.layout import au_name
from mdhr_runtime.names import name_of
from mdhr_runtime.sources.images import is_hidden

from ..datasets.base import CODED_BY_HAND
from ..datasets.raw import RawRecording, leaving_out
from ..labels import UNKNOWN, known, occurs
from .cells import SUFFIXES, NotLabelsError, Table, read_table
from .columns import CODERS
from .events import read_events
from .findings import Findings
from .frames import read_frames
from .video_labels import Labels, Settings, by_video
from .videos import Videos

UNSTATED = "not stated"
"""The origin of labels that no known program wrote: people who code by hand write such tables, and programs do."""

NO_SUBJECT = "videos taken for a person each, as nothing says who is in them"

Faces = dict[tuple[str, str], Labels]
"""Labels by video and face."""


@dataclass(frozen=True, eq=False)
class OwnLabels:
    """What is known of videos of one's own.

    Attributes:
        aus: The AUs of which a label is known, N of them.
        recordings: The labelled faces of the videos, with labels of these AUs.
        findings: What their owner should know.
        origin: Whose labels they are, in words.
    """

    aus: tuple[int, ...]
    recordings: list[RawRecording]
    findings: Findings
    origin: str

    def only(self, aus: Sequence[int]) -> OwnLabels:
        """The labels of some of the AUs, in their order, and the frames that have one."""
        columns = [self.aus.index(au) for au in aus]
        found = []
        for one in self.recordings:
            rows = known(one.labels[:, columns]).any(1)
            if rows.any():
                boxes = None if one.boxes is None else one.boxes[rows]
                labels = one.labels[rows][:, columns]
                found.append(replace(one, numbers=one.numbers[rows], labels=labels, boxes=boxes))
        return replace(self, aus=tuple(aus), recordings=found)

    def counts(self) -> dict[str, np.ndarray]:
        """Per subject int64 (2, N): frames in which each AU occurs, and in which it is known."""
        found: dict[str, np.ndarray] = {}
        for one in self.recordings:
            count = np.stack([occurs(one.labels).sum(0), known(one.labels).sum(0)]).astype(np.int64)
            found[one.subject] = found.get(one.subject, 0) + count
        return found


def read_own_videos(
    root: Path,
    labels: Sequence[Path],
    settings: Settings,
    subject_of: Callable[[str], str] | None = None,
    left_out: dict[str, str] | None = None,
) -> OwnLabels:
    """Read tables of labels for videos.

    Args:
        root: A folder of videos at any depth, or one video.
        labels: Tables, or folders of tables. Where several know a label, that of the last stands: corrections come
            behind what they correct.
        settings: How labels are read.
        subject_of: Tells the subject of a video by its path below the folder; None asks the tables, and else takes
            each video for a subject of its own.
        left_out: Gets the videos that cannot be opened, with the reason; None refuses them.

    Raises:
        DataError: There is no video, or no label of one; a table cannot be read, or what it says is doubtful.
        VideoError: A video cannot be opened.
    """
    videos, findings = Videos(root), Findings()
    merged: Faces = {}
    origins: list[str] = []
    for place in labels:
        tables = _tables(place, settings, findings)
        origins += [_origin(table, settings) for table in tables]
        parts = []
        for part in chain(*(by_video(table, place, videos, len(tables) == 1, findings) for table in tables)):
            with leaving_out(part.video, left_out):
                videos.times(part.video)
                parts.append(part)
        found: Faces = {}
        for read, events in ((read_frames, False), (read_events, True)):
            chosen = [part for part in parts if part.table.columns.is_events is events]
            for one in read(chosen, videos, settings, findings):
                _join(found, one, False, findings)
        for one in found.values():
            _join(merged, one, True, findings)
    aus = sorted({au for one in merged.values() for au, values in one.values.items() if not np.isnan(values).all()})
    if not aus:
        raise DataError(
            f"No label of a video in {root} is known.",
            findings.text or "The tables hold none.",
            "Compare the names of the videos with those that the tables have, and the columns with the documentation.",
        )
    for name in sorted(videos.paths.keys() - {video for video, _ in merged}):
        findings.tell("videos without labels", name)
    recordings = [_recording(one, aus, videos, settings, subject_of, findings) for _, one in sorted(merged.items())]
    return OwnLabels(tuple(aus), [*filter(len, _apart(recordings))], findings, "; ".join(dict.fromkeys(origins)))


def _tables(place: Path, settings: Settings, findings: Findings) -> list[Table]:
    """The tables at a place. One that is named must be one; in a folder, files without labels are passed over."""
    if not place.is_dir():
        return [read_table(place, settings.known)]
    found = []
    for path in sorted(place.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file() and not is_hidden(path):
            try:
                found.append(read_table(path, settings.known))
            except NotLabelsError:
                findings.tell("files without labels, passed over", path)
    if not found:
        raise DataError(
            f"There are no tables of labels in {place}.",
            findings.text or f"No file there ends in {', '.join(SUFFIXES)}.",
            "Give a table, or a folder with tables.",
        )
    return found


def _join(found: Faces, one: Labels, corrects: bool, findings: Findings) -> None:
    """Add labels to those that were found before.

    Raises:
        DataError: Whose face they are is not clear.
    """
    if any(video == one.video and bool(face) is not bool(one.face) for video, face in found):
        raise DataError(
            f"Whose labels they are in {one.video} is not clear.",
            "One table tells several faces apart, and another one does not.",
            "Add the column face_id, with the same numbers, to the other one.",
        )
    key = one.video, one.face
    found[key] = found[key].joined(one, corrects, findings) if key in found else one


def _recording(
    labels: Labels,
    aus: Sequence[int],
    videos: Videos,
    settings: Settings,
    subject_of: Callable[[str], str] | None,
    findings: Findings,
) -> RawRecording:
    """The labelled frames of a face."""
    video, frames = labels.video, len(videos.times(labels.video))
    values = np.stack([labels.values.get(au, np.full(frames, np.nan, np.float32)) for au in aus], 1)
    chosen = np.flatnonzero(~np.isnan(values).all(1))
    findings.tell("frames without a label", video, frames - len(chosen))
    for au in np.array(aus)[np.isnan(values).all(0)].tolist():
        findings.tell("videos in whose tables an AU does not occur: unknown there", au_name(au))
    told = labels.subject if subject_of is None else subject_of(video)
    findings.tell(NO_SUBJECT, video, int(not told))
    subject = name_of(told or videos.title(video))
    kind = np.float32 if settings.soft else np.int8
    return RawRecording(
        name=f"{subject}/{name_of(videos.title(video))}" + (f".face{name_of(labels.face)}" if labels.face else ""),
        subject=subject,
        source=videos.paths[video],
        first=1,
        numbers=chosen + 1,
        labels=np.where(np.isnan(values), UNKNOWN[0], values)[chosen].astype(kind),
        boxes=None if labels.boxes is None else labels.boxes[chosen],
    )


def _apart(recordings: Sequence[RawRecording]) -> Iterator[RawRecording]:
    """Recordings with names of their own, also where "/" is written "_", as in the names of files about them."""
    used: set[str] = set()
    for one in recordings:
        names = chain([one.name], (f"{one.name}.{number}" for number in count(2)))
        name = next(name for name in names if name.replace("/", "_") not in used)
        used.add(name.replace("/", "_"))
        yield replace(one, name=name)


def _origin(table: Table, settings: Settings) -> str:
    tool = table.columns.tool
    if not tool:
        return UNSTATED
    if tool in CODERS:
        return f"{CODED_BY_HAND} in {tool}"
    return f"{'scores' if settings.soft else 'occurrences'} of {tool}"
