"""How fast frames come: the model's window is in frames, and was trained on 25 to 30 a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median

from .frame import Frame

SLOWEST, FASTEST = 12.0, 70.0
"""Frames per second outside of which the user is warned: less than half of what the model knows, more than double."""
INTERVALS = 50
"""So many, the first of a source, say how fast it is."""


def watched(frames: Iterator[Frame | None], warn: Callable[[str], None]) -> Iterator[Frame | None]:
    """Give frames as they come, and warn once if they come too slowly or too fast for the model.

    Images are no exception: whoever states their rate says how much moves between two of them.
    """
    times: list[float] = []
    for frame in frames:
        if frame is not None and len(times) <= INTERVALS:
            times.append(frame.timestamp)
            if len(times) > INTERVALS:
                _judge(times, warn)
        yield frame
    if 1 < len(times) <= INTERVALS:
        _judge(times, warn)


def _judge(times: list[float], warn: Callable[[str], None]) -> None:
    rate = 1 / max(median(after - before for before, after in pairwise(times)), 1e-6)
    look, fix = "slower", "Take fewer of them: --fps 30."
    if rate < SLOWEST:
        look, fix = "faster", "Frames cannot be made up: record 25 or more, and do not thin them out (--every, --fps)."
    if not SLOWEST <= rate <= FASTEST:
        warn(
            f"{rate:.3g} frames per second are analysed, and the model was trained on 25 to 30: movements look {look} "
            f"to it than they are, and its scores may be wrong. {fix}"
        )
