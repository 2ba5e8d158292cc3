"""Results of the analysis: rows, and the frames that they belong to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from .contract import SCORE, OutputRecord
from .faceless import FacelessFrames
from .faces import View


@dataclass(frozen=True, eq=False)
class Row:
    """One face in one frame.

    Attributes:
        source: Name of the video, camera or folder, unique within a run.
        frame: Number of the frame within its source, from 1.
        timestamp: Its time in seconds since the source's beginning.
        face_id: Number of the face in its source, from 0; never used again. None in the row of a frame without a face.
        confidence: The detector's confidence in the face in [0, 1], 0 without a face.
        box: (x1, y1, x2, y2) in pixels, or None without a face.
        scores: float32 (N,), the score of every AU, or None without a face, or where the view of it is too poor.
        final: Whether the scores are final. A provisional row is computed as if the video ended at this frame, and is
            followed by a final one for the same source, frame and face.
        output: Meaning of the scores: their range, and the threshold from which an AU occurs.
        person: Number of the person, from 0, whom different faces can share; None if nobody was recognised.
        view: How the frame shows the face: landmarks, pose, quality; None if that is unknown.
        context: Frames of the window that the scores depend on, of `2 * lookahead + 1`, that the stream has: fewer near
            its start and its end, where the model sees zeros instead. None without scores.
    """

    source: str
    frame: int
    timestamp: float
    face_id: int | None = None
    confidence: float = 0.0
    box: tuple[float, float, float, float] | None = None
    scores: np.ndarray | None = None
    final: bool = True
    output: OutputRecord = SCORE
    person: int | None = None
    view: View | None = None
    context: int | None = None

    @property
    def success(self) -> bool:
        """Whether there are scores."""
        return self.scores is not None

    @cached_property
    def occurrences(self) -> np.ndarray | None:
        """Whether each AU occurs, bool (N,), or None without a face."""
        return None if self.scores is None else self.output.occurs(self.scores)


@dataclass(frozen=True, eq=False)
class FrameResult:
    """A frame with the rows of its faces, as it is handed to sinks.

    Attributes:
        source: Name of the source.
        frame: Number of the frame within its source, from 1.
        timestamp: Its time in seconds since the source's beginning.
        image: uint8 (H, W, 3), RGB, upright. Not to be written to: sinks share it. Of size 0×0 if the analysis was
            told to keep no images.
        rows: One row per face, or one row without a face; all final or all provisional.
        final: Whether the rows are final. Final results of a source come in the order of its frames.
        follows: Whether it continues the frame before: not if pictures are missing in between, that are damaged or came
            while a camera was away. Frames that were left out, by choice or as the machine is too slow, are no gap.
    """

    source: str
    frame: int
    timestamp: float
    image: np.ndarray
    rows: tuple[Row, ...]
    final: bool = True
    follows: bool = True


@dataclass(frozen=True)
class SourceInfo:
    """The facts about a source that are known before its first frame.

    Attributes:
        name: Name of the source, as in its rows.
        fps: Frame rate as the source states it, or None if it does not know.
        live: Whether it is a camera or stream, which has no end of its own.
        recording: The video that it reads, a path or URL, of which a sink may copy the sound; None if it is none.
        begins: Time of the video's first frame, where timestamps are 0, in the file's own time: seconds.
    """

    name: str
    fps: float | None
    live: bool
    recording: str | None = None
    begins: float = 0.0


@dataclass(frozen=True)
class SourceStats:
    """State of a source at this moment.

    Attributes:
        dropped: Frames dropped since the start because the machine was too slow.
        lost: Frames lost since the start because their data is damaged.
        latency: Seconds from a frame's arrival to its first result, or None if unknown.
        state: Its stage.
        faceless: The frames so far without a face.
        lying: Number of frames so far that show a face on its side or upside down, which is not scored, by the degrees
            clockwise that would turn it upright.
    """

    dropped: int = 0
    lost: int = 0
    latency: float | None = None
    state: Literal["waiting", "running", "reconnecting", "ended", "failed"] = "running"
    faceless: FacelessFrames = field(default_factory=FacelessFrames)
    lying: Counter[int] = field(default_factory=Counter)
