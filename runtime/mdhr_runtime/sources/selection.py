"""The part of a source that is analysed, and how it is turned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .frame import Frame


@dataclass(frozen=True)
class Selection:
    """The part of a source that is analysed.

    Attributes:
        start: Timestamp from which on frames count, in seconds.
    """

    start: float = 0.0

    def of(self, frames: Iterable[Frame | None]) -> Iterator[Frame | None]:
        """The frames that count, of those of a source."""
        for frame in frames:
            if frame is None or frame.timestamp >= self.start:
                yield frame
