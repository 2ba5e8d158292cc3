"""JPEGs of the newest frames, made when a viewer asks and at a bounded rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import cv2
import numpy as np

from ..results import FrameResult, Row
from ..sinks.drawing import draw
from .page_state import PageState

LONG_SIDE = 960
"""Pixels of a picture's longer side at most: what the page can show. A larger one would only cost time and network."""

QUALITY = 80
MOST_PER_SOURCE = 15.0
MOST_TOGETHER = 30.0
"""Pictures per second of one source and of all: the analysis needs the processor."""


@dataclass(frozen=True)
class Picture:
    """A frame ready to be sent.

    Attributes:
        result: What is drawn in it.
        jpeg: The file.
    """

    result: FrameResult
    jpeg: bytes


class Pictures:
    """Makes pictures, one per source, in the thread of the viewer that asks; all viewers share what was made.

    Args:
        state: Where the frames are.
        aus: Names of the AUs in the order of the scores.
        clock: Tells the wall time in seconds.
    """

    def __init__(self, state: PageState, aus: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._aus = tuple(aus)
        self._clock = clock
        self._interval = max(1 / MOST_PER_SOURCE, len(state.sources) / MOST_TOGETHER)
        self._locks = [Lock() for _ in state.sources]
        self._made: list[tuple[Picture, float] | None] = [None for _ in state.sources]

    def __len__(self) -> int:
        return len(self._made)

    def get(self, source: int) -> Picture | None:
        """The newest picture of a source, or None before its first frame, or if it comes without images.

        Args:
            source: Index of the source.
        """
        with self._locks[source]:
            made, now = self._made[source], self._clock()
            if made is not None and now - made[1] < self._interval:
                return made[0]
            result = self._state.newest(source)
            if result is None or not result.image.size:
                return None
            if made is not None and made[0].result is result:
                return made[0]
            picture = Picture(result, self._encode(result))
            self._made[source] = (picture, now)
            return picture

    def _encode(self, result: FrameResult) -> bytes:
        image = draw(*_shrunk(result.image, result.rows), self._aus)
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        return jpeg.tobytes()


def _shrunk(image: np.ndarray, rows: tuple[Row, ...]) -> tuple[np.ndarray, tuple[Row, ...]]:
    """Bring a frame and its faces to the size of a picture. Smaller ones stay as they are."""
    scale = LONG_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image, rows
    size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return small, tuple(_scaled(row, scale) for row in rows)


def _scaled(row: Row, scale: float) -> Row:
    if row.box is None:
        return row
    x1, y1, x2, y2 = row.box
    view = row.view and replace(row.view, landmarks=row.view.landmarks * scale)
    return replace(row, box=(x1 * scale, y1 * scale, x2 * scale, y2 * scale), view=view)
