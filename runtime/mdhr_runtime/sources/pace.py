"""How fast frames come: the model's window is in frames, and was trained on 25 to 30 a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

from .frame import Frame

SLOWEST, FASTEST = 12.0, 70.0
"""Frames per second outside of which the user is warned: less than half of what the model knows, and more than double.
"""
INTERVALS = 50
"""So many, the first of a source, say how fast it is."""


def watched(frames: Iterator[Frame | None], warn: Callable[[str], None]) -> Iterator[Frame | None]:
    """Give frames as they come, and warn once if they come too slowly or too fast for the model.

    Images are no exception: whoever states their rate says how much moves between two of them.

    Args:
        frames: The frames that are analysed; None where some are missing.
        warn: Takes a sentence for the user.
    """
    intervals: list[float] = []
    before: float | None = None
    for frame in frames:
        if frame is not None and before is not None and len(intervals) < INTERVALS:
            intervals.append(frame.timestamp - before)
            if len(intervals) == INTERVALS:
                _judge(intervals, warn)
        before = frame and frame.timestamp
        yield frame
    if 0 < len(intervals) < INTERVALS:
        _judge(intervals, warn)


def _judge(intervals: list[float], warn: Callable[[str], None]) -> None:
    rate = 1 / max(median(intervals), 1e-6)
    if SLOWEST <= rate <= FASTEST:
        return
    look, fix = "slower", "Take fewer of them: --fps 30."
    if rate < SLOWEST:
        look, fix = "faster", "Frames cannot be made up: record 25 or more, and do not thin them out (--every, --fps)."
    warn(
        f"{rate:.3g} frames per second are analysed, and the model was trained on 25 to 30: movements look {look} "
        f"to it than they are, and its scores may be wrong. {fix}"
    )
