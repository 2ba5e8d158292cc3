"""The part of a source that is analysed, and how it is turned."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from ..orientation import turned
from .frame import Frame


@dataclass(frozen=True)
class Selection:
    """The part of a source that is analysed. Its frames keep their numbers and timestamps.

    Attributes:
        start: Timestamp from which on frames count, in seconds.
        end: Timestamp before which they do.
        every: One of so many frames counts: those with the numbers 1, 1 + every, …
        fps: Frames per second of a regular clock, of which every tick takes the frame that is nearest to it, if there
            is one: of a source that is slower, all frames count. None takes all.
        rotate: Degrees by which images are turned clockwise: 0, 90, 180 or 270.
    """

    start: float = 0.0
    end: float = math.inf
    every: int = 1
    fps: float | None = None
    rotate: int = 0

    def of(self, frames: Iterable[Frame | None]) -> Iterator[Frame | None]:
        """The frames that count, of those of a source; None stays where it is. Nothing is read after the end."""
        for frame in self._on_clock(self._between(frames)):
            if frame is None or not self.rotate:
                yield frame
            else:
                yield replace(frame, image=turned(frame.image, self.rotate))

    def rate(self, fps: float | None) -> float | None:
        """Frames per second that count, of a source with so many; None if neither is known."""
        known = [rate for rate in (fps and fps / self.every, self.fps) if rate]
        return min(known, default=None)

    def count(self, frames: int | None, fps: float | None) -> int | None:
        """The number of frames that count, of a source with so many; None if it is not known. Off by a few."""
        if frames is None or (fps is None and self != replace(WHOLE, every=self.every, rotate=self.rotate)):
            return None
        fps = fps or 1.0  # whatever it is
        return max(math.ceil((min(self.end * fps, frames) - self.start * fps) * ((self.rate(fps) or fps) / fps)), 0)

    def _between(self, frames: Iterable[Frame | None]) -> Iterator[Frame | None]:
        for frame in frames:
            if frame is None:
                yield None
            elif frame.timestamp >= self.end:
                return
            elif frame.timestamp >= self.start and (frame.number - 1) % self.every == 0:
                yield frame

    def _on_clock(self, frames: Iterator[Frame | None]) -> Iterator[Frame | None]:
        if self.fps is None:
            yield from frames
            return
        fps = self.fps

        def tick(frame: Frame | None) -> int | None:
            return None if frame is None else math.floor(frame.timestamp * fps + 0.5)

        def distance(frame: Frame) -> float:
            return abs(frame.timestamp * fps - math.floor(frame.timestamp * fps + 0.5))

        for at, group in groupby(frames, tick):
            if at is None:
                yield from group
            else:
                yield min(filter(None, group), key=distance)


WHOLE = Selection()
"""All of a source, as it is."""
