"""From a video to one row of results per frame, for the largest face."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from .faces.alignment import align
from .faces.boxes import overlaps
from .faces.mtcnn import Face, FaceDetector
from .model import Model
from .stream import Stream
from .video import Frame

OCCURS_FROM = 0.5
"""The score from which an AU counts as occurring."""

SAME_FACE_OVERLAP = 0.1
"""Faces in neighbouring frames whose boxes overlap less (intersection over union) are not the same face."""


@dataclass(frozen=True, eq=False)
class Row:
    """What is known of one face in one frame.

    Attributes:
        frame: Number of the frame, from 1.
        timestamp: Its time in seconds.
        face_id: Which face; 0, as only the largest is followed.
        confidence: The detector's confidence in the face, 0 without a face.
        box: (x1, y1, x2, y2) in pixels, or None without a face.
        scores: float32 (N,), the score of every AU in [0, 1], or None without a face.
    """

    frame: int
    timestamp: float
    face_id: int = 0
    confidence: float = 0.0
    box: tuple[float, float, float, float] | None = None
    scores: np.ndarray | None = None

    @property
    def success(self) -> bool:
        """Whether there are scores."""
        return self.scores is not None


def analyse(frames: Iterable[Frame], detector: FaceDetector, model: Model) -> Iterator[Row]:
    """Score the largest face of every frame.

    Frames in which a face goes on form one stream. A frame without a face, or with one somewhere else, ends the stream:
    the model never compares frames across a gap or a cut.

    Args:
        frames: Consecutive frames of a video.
        detector: Finds the faces.
        model: Scores them.

    Yields:
        Exactly one row per frame, in order. Rows come `model.lookahead` frames late at most.
    """
    run: Run | None = None
    for frame in frames:
        face = max(detector.detect(frame.image), key=lambda face: face.area, default=None)
        if run is not None and not run.continues_with(face):
            yield from run.finish()
            run = None
        if face is None:
            yield Row(frame.number, frame.timestamp)
            continue
        run = run or Run(model.stream())
        yield from run.push(frame, face, align(frame.image, face.landmarks, model.layout.crop))
    if run is not None:
        yield from run.finish()


class Run:
    """Consecutive frames that show the same face.

    Args:
        stream: A fresh stream.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._box: tuple[float, float, float, float] | None = None
        self._waiting: deque[Row] = deque()

    def continues_with(self, face: Face | None) -> bool:
        """Whether the next frame's face is where this one was."""
        return face is not None and overlaps(np.array([self._box]), np.array([face.box])).item() >= SAME_FACE_OVERLAP

    def push(self, frame: Frame, face: Face, crop: np.ndarray) -> list[Row]:
        """Add a frame; return the rows whose scores became final.

        Args:
            frame: The frame.
            face: The face in it.
            crop: The aligned face.
        """
        self._box = face.box
        self._waiting.append(Row(frame.number, frame.timestamp, confidence=face.score, box=face.box))
        return self._scored(self._stream.push(crop[None]))

    def finish(self) -> list[Row]:
        """End the stream; return the rows that are left."""
        return self._scored(self._stream.flush())

    def _scored(self, scores: np.ndarray) -> list[Row]:
        return [replace(self._waiting.popleft(), scores=one) for one in scores]
