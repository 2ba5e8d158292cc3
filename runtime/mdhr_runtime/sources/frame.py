"""One image of a source."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

import numpy as np


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a source.

    Attributes:
        number: Counted from 1. Frames that were dropped, or lost because their data is damaged, are counted, so that
            their numbers are missing.
        timestamp: Seconds since the source's first frame. It grows from frame to frame.
        image: uint8 (H, W, 3), RGB, upright as a player shows it.
        readable: Whether the image is what the source holds. If not, it is black.
        arrived: When it was read, in seconds of `time.monotonic`.
    """

    number: int
    timestamp: float
    image: np.ndarray
    readable: bool = True
    arrived: float = field(default_factory=monotonic)
