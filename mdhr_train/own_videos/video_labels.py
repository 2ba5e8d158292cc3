"""What tables are read as: labels of the frames of videos, and how they are graded."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..labels import OCCURS_FROM
from .cells import Table
from .columns import INTENSITY, OCCURRENCE, SCORE
from .findings import Findings
from .videos import Videos


@dataclass(frozen=True)
class Settings:
    """How labels are read.

    Attributes:
        soft: Whether they may be scores, and not only 0 and 1.
        occurs_from: Intensity from which on an AU occurs.
        frames_from: Number of a video's first frame in the tables; None finds it out.
        known: The AUs that there are.
    """

    soft: bool = False
    occurs_from: float = 2.0
    frames_from: int | None = None
    known: frozenset[int] = frozenset()

    def graded(self, values: np.ndarray, scale: str) -> np.ndarray:
        """Labels on a scale as labels in [0, 1]; in soft ones an intensity of `occurs_from` is 0.5."""
        if scale == OCCURRENCE:
            return values
        share = values / (2 * self.occurs_from) if scale == INTENSITY else values
        return share.clip(max=1) if self.soft else np.where(np.isnan(values), np.nan, share >= OCCURS_FROM)

    def best(self, scales: Collection[str]) -> str:
        """Which scale of an AU is read: occurrence, or, for soft labels, scores and then intensities."""
        order = (SCORE, INTENSITY, OCCURRENCE) if self.soft else (OCCURRENCE, INTENSITY, SCORE)
        return min(scales, key=order.index)


@dataclass(frozen=True, eq=False)
class Labels:
    """What tables say of one face of a video.

    Attributes:
        video: The video's name.
        face: Which face of several; "" where there is one.
        subject: The person; "" where no table says it.
        values: For each AU float32 (F,) in [0, 1], NaN where it is unknown.
        boxes: float32 (F, 4), NaN where they are unknown; or None.
    """

    video: str
    face: str
    subject: str
    values: dict[int, np.ndarray]
    boxes: np.ndarray | None = None

    def joined(self, other: Labels, corrects: bool, findings: Findings) -> Labels:
        """These labels and others of the same face.

        Args:
            other: The others.
            corrects: Whether they stand where both know a label. If not, they are trusted alike, and what they
                contradict each other in is unknown.
            findings: Takes how often they differ.
        """
        values = dict(self.values)
        for au, new in other.values.items():
            old = values.get(au, np.full_like(new, np.nan))
            apart = np.abs(new - old) > 1e-6
            what = "that a later table corrects" if corrects else "in which two tables contradict each other: unknown"
            findings.tell(f"labels {what}", self.video, int(apart.sum()))
            values[au] = np.where(np.isnan(new), old, new if corrects else np.where(apart, np.nan, new))
        boxes = other.boxes if self.boxes is None else self.boxes
        return replace(self, subject=other.subject or self.subject, values=values, boxes=boxes)


class Part(NamedTuple):
    """The rows (R,) of a table that are of one video."""

    table: Table
    video: str
    rows: np.ndarray


def by_video(table: Table, folder: Path, videos: Videos, alone: bool, findings: Findings) -> Iterator[Part]:
    """Divide a table by its videos: as a column names them, else as its file is called.

    Args:
        table: The table.
        folder: Where the tables are: folders in it are as those of the videos.
        videos: The videos.
        alone: Whether it is the only table.
        findings: Takes what names no video.

    Raises:
        DataError: A name may mean several videos.
    """
    for texts in table.of("video"):
        found = {text: videos.find(text) for text in dict.fromkeys(texts.tolist()) if text}
        if any(found.values()):
            findings.tell("rows without a video", table.path, int((texts == "").sum()))
            for text, name in found.items():
                if name is None:
                    findings.tell("rows with labels of a video that is not there", text, int((texts == text).sum()))
            of = np.array([found.get(text) or "" for text in texts.tolist()], object)
            for name in sorted(filter(None, {*found.values()})):
                yield Part(table, name, np.flatnonzero(of == name))
            return
    inside = table.path.relative_to(folder) if table.path != folder else Path(table.path.name)
    name = videos.find(inside.with_suffix("").as_posix(), longer=True)
    if name is None and alone and len(videos.paths) == 1:
        (name,) = videos.paths
        findings.tell("tables taken for the only video, whose name is another one", table.path)
    if name is None:
        findings.tell("tables with labels of a video that is not there", table.path)
    else:
        yield Part(table, name, np.arange(len(table)))
