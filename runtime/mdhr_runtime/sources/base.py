"""What every source of images offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a source.

    Attributes:
        number: Counted from 1. Frames of a camera that had to be dropped are counted, so their numbers are missing.
        timestamp: Seconds since the source's first frame.
        image: uint8 (H, W, 3), RGB, upright as a player shows it.
        readable: Whether the image is what the source holds. If not, it is black.
    """

    number: int
    timestamp: float
    image: np.ndarray
    readable: bool = True


class Source(Protocol):
    """Where images come from, to be read once, from one thread.

    Attributes:
        name: Its name, unique within a run.
        live: Whether images appear at their own pace, like a camera's, and are lost if nobody takes them.
        fps: Images per second as the source states them, or None if it does not know.
        frame_count: Number of images that it promises, or None. It may be off by a few.
        warnings: What the user should know of it by now, one sentence each. Grows while the source is read.
    """

    name: str
    live: bool
    fps: float | None
    frame_count: int | None
    warnings: list[str]

    def __iter__(self) -> Iterator[Frame | None]:
        """Give the images in order; None where images are missing, so that what follows is no continuation.

        Raises:
            VideoError: The source ends early or never begins. What came before is good.
        """
        ...

    def stop(self) -> None:
        """Let the iteration end soon. May be called from any thread."""
        ...
