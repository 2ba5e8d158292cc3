"""From faces in frames to results: which frames wait for which scores, and what goes through the model together."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

import numpy as np

from ..bundle import Manifest
from ..contract import SCORES
from ..faces import FoundFace
from ..results import FrameResult, Row, SourceInfo
from ..sources import Frame
from ..streaming import StreamBatch, StreamSlot
from .channel import Channel

FRAMES_PER_STEP = 8
"""Frames of a file that go through the temporal graph at once: per frame, that takes 0.57 of the time of one by one.

Those of a camera go one by one, as they should not wait until several have gathered.
"""


class Scored(NamedTuple):
    """Scores (N,) of a face in a frame, and how many frames of their window the stream has."""

    scores: np.ndarray
    context: int


@dataclass(frozen=True, eq=False)
class PendingFrame:
    """A frame that waits for the scores of its faces.

    Attributes:
        frame: The frame.
        faces: Its faces, by id.
        scores: Final scores so far, by face.
        follows: Whether it continues the frame before; see `FrameResult`.
    """

    frame: Frame
    faces: Mapping[int, FoundFace]
    scores: dict[int, Scored] = field(default_factory=dict)
    follows: bool = True


def continuing(faces: Collection[int], following: PendingFrame | None) -> set[int]:
    """The faces whose streams go on with the next frame of their source; those of others end before it.

    A stream is one face seen without a break, as the model compares every frame with the one before. It goes on if

    - no frames are missing in between, nor is the source at its end: then there is no `following` frame;
    - the next frame shows the face; one that is unreadable shows none;
    - the face provider says that the face continues: it was not lost and found anew, nor exchanged for another.

    Args:
        faces: Ids of the faces that have streams.
        following: The next frame, or None.
    """
    if following is None:
        return set()
    return {face_id for face_id in faces if face_id in following.faces and following.faces[face_id].continues}


class SourceTimeline:
    """The frames of one source, from their arrival to their results. Belongs to the model's thread.

    Args:
        source: The source.
        arrivals: Frames that the model has not seen; None stands for missing ones.
        manifest: Describes the model.
        min_quality: Quality of a view below which a row has no scores.

    Attributes:
        source: The source.
        latency: Seconds from the arrival of the newest frame that has a result to that result; None at first.
    """

    def __init__(
        self,
        source: SourceInfo,
        arrivals: Channel[PendingFrame | None],
        manifest: Manifest,
        min_quality: float = 0.0,
    ) -> None:
        self.source = source
        self.latency: float | None = None
        self._arrivals, self._min_quality = arrivals, min_quality
        self._output, self._lookahead = manifest.outputs[SCORES], manifest.lookahead
        self._newest = 0
        self._streams: dict[int, StreamSlot] = {}
        self._pending: deque[PendingFrame] = deque()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do until frames arrive."""
        return not len(self._arrivals) and not (self._arrivals.finished and self._streams)

    @property
    def done(self) -> bool:
        """Whether there is nothing to do any more."""
        return self._arrivals.finished and not self._streams

    def end_streams(self) -> Iterator[tuple[int, StreamSlot]]:
        """Take away the streams, by face, that the next frame does not continue; pass over missing frames."""
        missing = self._arrivals.finished
        while len(self._arrivals) and self._arrivals.peek() is None:
            self._arrivals.take()
            missing = True
        if missing or len(self._arrivals):
            following = None if missing else self._arrivals.peek()
            for face_id in self._streams.keys() - continuing(self._streams, following):
                yield face_id, self._streams.pop(face_id)

    def next_frames(self, most: int) -> list[PendingFrame]:
        """Take the frames that can go through the model at once: they show the same faces without a break.

        Args:
            most: Most frames to take.
        """
        taken: list[PendingFrame] = []
        while len(self._arrivals) and len(taken) < most:
            following = self._arrivals.peek()
            faces = taken[-1].faces.keys() if taken else set()
            if following is None or (taken and not continuing(faces, following) == faces == following.faces.keys()):
                break
            self._arrivals.take()
            taken.append(following)
        self._pending.extend(taken)
        return taken

    def stream(self, face_id: int, batch: StreamBatch) -> StreamSlot:
        """The stream of a face, which may begin now."""
        if face_id not in self._streams:
            self._streams[face_id] = batch.open()
        return self._streams[face_id]

    def settle(self, face_id: int, stream: StreamSlot, scores: np.ndarray, *, ended: bool = False) -> None:
        """Hand final scores (M, N) of a face to the frames that have waited longest for them.

        Args:
            face_id: The face.
            stream: Its stream, which they come from.
            scores: The scores.
            ended: Whether the stream has ended, and they are its last ones.
        """
        waiting = (frame for frame in self._pending if face_id in frame.faces and face_id not in frame.scores)
        frames = stream.seen - self._lookahead * ended  # at its end a stream is given invalid ones, too
        first = stream.seen - self._lookahead - len(scores)
        for index, values in enumerate(scores, first):
            next(waiting).scores[face_id] = Scored(values, self._context(index, frames))

    def provisional(self, pending: PendingFrame, scores: Mapping[int, np.ndarray]) -> FrameResult:
        """The result of the newest frame, from scores (N,) of its faces as if the source ended with it."""
        seen = {face_id: self._streams[face_id].seen for face_id in scores}
        scored = {
            face_id: Scored(values, self._context(seen[face_id] - 1, seen[face_id]))
            for face_id, values in scores.items()
        }
        return self._result(pending, scored, final=False)

    def _context(self, index: int, frames: int) -> int:
        """Frames of the window around a stream's frame, from 0, that the stream has, if it has some number in all."""
        return min(index, self._lookahead) + 1 + min(frames - 1 - index, self._lookahead)

    def finals(self) -> Iterator[FrameResult]:
        """Take the results that are complete and whose predecessors are."""
        while self._pending and len(self._pending[0].scores) == len(self._pending[0].faces):
            pending = self._pending.popleft()
            yield self._result(pending, pending.scores, final=True)

    def _result(self, pending: PendingFrame, scored: Mapping[int, Scored], *, final: bool) -> FrameResult:
        name, frame = self.source.name, pending.frame
        if frame.number > self._newest:
            self._newest, self.latency = frame.number, monotonic() - frame.arrived
        row = partial(Row, source=name, frame=frame.number, timestamp=frame.timestamp, final=final, output=self._output)
        rows = tuple(row(**self._cells(face, scored[face_id])) for face_id, face in pending.faces.items())
        return FrameResult(
            source=name,
            frame=frame.number,
            timestamp=frame.timestamp,
            image=frame.image,
            rows=rows or (row(),),
            final=final,
            follows=pending.follows,
        )

    def _cells(self, face: FoundFace, scored: Scored) -> dict[str, Any]:
        """What a row tells of a face."""
        poor = face.view is not None and face.view.quality < self._min_quality
        return {
            "face_id": face.face_id,
            "confidence": face.confidence,
            "box": face.box,
            "person": face.person,
            "view": face.view,
            **({} if poor else scored._asdict()),
        }


class Scheduler:
    """Batches the pending frames of all sources into one model step.

    Args:
        batch: The model.
        provisional: Whether every frame gets a provisional result at once. That needs the state after every frame, and
            so takes one frame of a source per step.
    """

    def __init__(self, batch: StreamBatch, *, provisional: bool) -> None:
        self._batch = batch
        self._provisional = provisional

    def step(self, timelines: Sequence[SourceTimeline]) -> Iterator[FrameResult]:
        """Take the frames that wait through the model.

        Args:
            timelines: The sources.

        Yields:
            The results that are there; those of a source in the order of its frames.
        """
        self._end_streams(timelines)
        taken = [(timeline, timeline.next_frames(self._most(timeline.source))) for timeline in timelines]
        faces = [(timeline, frames, face_id) for timeline, frames in taken if frames for face_id in frames[0].faces]
        crops = [np.stack([frame.faces[face_id].crop for frame in frames]) for _, frames, face_id in faces]
        streams = [timeline.stream(face_id, self._batch) for timeline, _, face_id in faces]
        pushed = self._batch.push(streams, crops)
        for (timeline, _, face_id), stream, scores in zip(faces, streams, pushed, strict=True):
            timeline.settle(face_id, stream, scores)
        if self._provisional:
            early: dict[SourceTimeline, dict[int, np.ndarray]] = {timeline: {} for timeline, _ in taken}
            for (timeline, _, face_id), values in zip(faces, self._batch.provisional(streams), strict=True):
                early[timeline][face_id] = values
            for timeline, frames in taken:
                yield from (timeline.provisional(frame, early[timeline]) for frame in frames)
        for timeline in timelines:
            yield from timeline.finals()

    def _most(self, source: SourceInfo) -> int:
        return 1 if self._provisional or source.live else FRAMES_PER_STEP

    def _end_streams(self, timelines: Sequence[SourceTimeline]) -> None:
        ended = [(timeline, *stream) for timeline in timelines for stream in timeline.end_streams()]
        scores = self._batch.close([stream for _, _, stream in ended])
        for (timeline, face_id, stream), values in zip(ended, scores, strict=True):
            timeline.settle(face_id, stream, values, ended=True)
