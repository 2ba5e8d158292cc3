"""From faces in frames to results: which frames wait for which scores, and what goes through the model together."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from ..faces import FoundFace
from ..results import FrameResult, Row
from ..sources.base import Frame
from ..streaming import StreamBatch, StreamSlot


@dataclass(frozen=True, eq=False)
class Prepared:
    """A frame and the faces in it, ready for the model.

    Attributes:
        frame: The frame.
        faces: Its faces.
        arrived: When the frame arrived, in seconds of `time.monotonic`.
    """

    frame: Frame
    faces: Sequence[FoundFace]
    arrived: float

    def continues(self, other: Prepared) -> bool:
        """Whether this frame shows the faces of the one before it, all of them and no others."""
        ids = {face.face_id for face in other.faces}
        return all(face.continues for face in self.faces) and ids == {face.face_id for face in self.faces}


@dataclass(eq=False)
class Waiting:
    """A frame that waits for the scores of its faces.

    Attributes:
        prepared: The frame and its faces.
        scores: Final scores (N,) so far, by face.
    """

    prepared: Prepared
    scores: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether all scores are there."""
        return len(self.scores) == len(self.prepared.faces)


@dataclass(eq=False)
class FaceStream:
    """A face that goes on from frame to frame.

    Attributes:
        face_id: Its number.
        slot: Its place in the batch.
        waiting: The frames that wait for its scores, in order.
    """

    face_id: int
    slot: StreamSlot
    waiting: deque[Waiting] = field(default_factory=deque)

    def settle(self, scores: np.ndarray) -> None:
        """Hand final scores (M, N) to the frames that have waited longest."""
        for values in scores:
            self.waiting.popleft().scores[self.face_id] = values


class Timeline:
    """The frames of one source, from their arrival to their results.

    Args:
        name: Name of the source.

    Attributes:
        arrived: Frames that the model has not seen; None stands for missing ones.
        ended: Whether no more frames arrive.
        latency: Seconds from the arrival of the newest frame that has a result to that result; None at first.
    """

    def __init__(self, name: str) -> None:
        self.arrived: deque[Prepared | None] = deque()
        self.ended = False
        self.latency: float | None = None
        self._newest = 0
        self._name = name
        self._streams: dict[int, FaceStream] = {}
        self._waiting: deque[Waiting] = deque()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do until frames arrive."""
        return not self.arrived and not (self.ended and self._streams)

    def interrupted_streams(self) -> list[FaceStream]:
        """Take away the streams of faces that the next frame does not continue, and forget missing frames."""
        missing = not self.arrived and self.ended
        while self.arrived and self.arrived[0] is None:
            self.arrived.popleft()
            missing = True
        if missing:
            going_on = set()
        elif self.arrived:
            going_on = {face.face_id for face in self.arrived[0].faces if face.continues}
        else:
            return []
        return [self._streams.pop(face_id) for face_id in set(self._streams) - going_on]

    def next_frames(self, most: int) -> list[Waiting]:
        """Take the frames that can go through the model at once: they show the same faces without a break.

        Args:
            most: Most frames to take.
        """
        taken: list[Waiting] = []
        while self.arrived and len(taken) < most:
            following = self.arrived[0]
            if following is None or (taken and not following.continues(taken[-1].prepared)):
                break
            taken.append(Waiting(self.arrived.popleft()))
        self._waiting.extend(taken)
        return taken

    def streams(self, frames: Sequence[Waiting], batch: StreamBatch) -> Iterator[tuple[FaceStream, np.ndarray]]:
        """The faces of frames from `next_frames`.

        Args:
            frames: The frames.
            batch: Where streams of new faces begin.

        Yields:
            For each face its stream, and its crops uint8 (T, S, S, 3).
        """
        by_id = [{face.face_id: face.crop for face in frame.prepared.faces} for frame in frames]
        for face_id in by_id[0] if by_id else ():
            if face_id not in self._streams:
                self._streams[face_id] = FaceStream(face_id, batch.open())
            stream = self._streams[face_id]
            stream.waiting.extend(frames)
            yield stream, np.stack([crops[face_id] for crops in by_id])

    def finals(self) -> Iterator[FrameResult]:
        """Take the results that are complete and whose predecessors are."""
        while self._waiting and self._waiting[0].complete:
            waiting = self._waiting.popleft()
            yield self._result(waiting.prepared, waiting.scores, final=True)

    def provisional(self, frame: Waiting, scores: dict[int, np.ndarray]) -> FrameResult:
        """The provisional result of a frame.

        Args:
            frame: The frame.
            scores: Scores (N,) of its faces.
        """
        return self._result(frame.prepared, scores, final=False)

    def _result(self, prepared: Prepared, scores: dict[int, np.ndarray], *, final: bool) -> FrameResult:
        frame = prepared.frame
        if frame.number > self._newest:
            self._newest, self.latency = frame.number, monotonic() - prepared.arrived
        start = (self._name, frame.number, frame.timestamp)
        rows = tuple(
            Row(*start, face.face_id, face.confidence, face.box, scores[face.face_id], final) for face in prepared.faces
        )
        return FrameResult(*start, frame.image, rows or (Row(*start, final=final),), final)


class Scorer:
    """Takes whatever frames wait, from all sources, through the model at once.

    Args:
        batch: The model.
        provisional: Whether every frame gets a provisional result at once.
        most: Most frames per source and step. More than one costs the temporal graph less time per frame, and delays
            the results of other sources; provisional results need the state after every frame.
    """

    def __init__(self, batch: StreamBatch, *, provisional: bool, most: int) -> None:
        self._batch = batch
        self._provisional = provisional
        self._most = 1 if provisional else most

    def step(self, timelines: Sequence[Timeline]) -> Iterator[FrameResult]:
        """Take the frames that wait.

        Args:
            timelines: The sources.

        Yields:
            The results that are there; those of a source in the order of its frames.
        """
        self._end([stream for timeline in timelines for stream in timeline.interrupted_streams()])
        taken = [(timeline, timeline.next_frames(self._most)) for timeline in timelines]
        faces = [
            (timeline, stream, crops)
            for timeline, frames in taken
            for stream, crops in timeline.streams(frames, self._batch)
        ]
        slots = [stream.slot for _, stream, _ in faces]
        scores = self._batch.push(slots, [crops for _, _, crops in faces])
        for (_, stream, _), final in zip(faces, scores, strict=True):
            stream.settle(final)
        if self._provisional:
            early: dict[Timeline, dict[int, np.ndarray]] = {timeline: {} for timeline, _ in taken}
            for (timeline, stream, _), score in zip(faces, self._batch.provisional(slots), strict=True):
                early[timeline][stream.face_id] = score
            yield from (timeline.provisional(frame, early[timeline]) for timeline, frames in taken for frame in frames)
        for timeline in timelines:
            yield from timeline.finals()

    def _end(self, streams: Sequence[FaceStream]) -> None:
        for stream, scores in zip(streams, self._batch.close([stream.slot for stream in streams]), strict=True):
            stream.settle(scores)
