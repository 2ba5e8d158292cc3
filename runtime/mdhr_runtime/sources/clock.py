"""Timestamps of frames, of what streams state."""

from __future__ import annotations

from collections import deque
from math import inf
from statistics import median

USUAL_RATE = 25.0
"""Frames per second of a stream that has no times and does not say."""
LONGEST_INTERVAL, LONGEST_INTERVALS = 1.0, 5
"""Seconds, and usual intervals, from one frame to the next: more than both is a gap, across which nothing compares."""
LEAST_INTERVAL = 0.001
"""Seconds between frames that have come at once."""
RECENT = 9
"""Intervals of which the median is the usual one."""
ROUNDING = 0.002
"""Seconds by which regular intervals differ, where a container keeps times in milliseconds."""


class Clock:
    """Timestamps that begin at 0 and grow from frame to frame.

    Args:
        fps: Frames per second, for streams that do not state times; None if that is not known either.

    Attributes:
        now: Timestamp of the newest frame; negative before the first.
        missing: Frames for which there is time between the newest frame and the one before, if they come regularly.
    """

    def __init__(self, fps: float | None) -> None:
        self._interval = 1 / (fps or USUAL_RATE)
        self.now = -self._interval
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._offset: float | None = None  # from the stream's times to ours
        self.missing = 0

    def begin(self, stated: float | None, timestamp: float) -> None:
        """Go to the first frame of a stream, or of a new connection.

        Args:
            stated: Its time as the stream states it; None if it does not.
            timestamp: When it is shown.
        """
        self.now = max(timestamp, self.now + self._interval)
        self._offset = None if stated is None else self.now - stated

    def advance(self, stated: float | None, arrived: float | None = None) -> float:
        """Go to the next frame. Returns the seconds of the gap before it, 0 without; infinite where times begin anew.

        Args:
            stated: As for `begin`.
            arrived: When it has come, as a timestamp: for streams that do not state times, and have no regular ones.
        """
        expected = self.now + self._interval if arrived is None else max(arrived, self.now + LEAST_INTERVAL)
        found = expected if stated is None or self._offset is None else stated + self._offset
        set_back = found < self.now - LONGEST_INTERVAL
        if stated is not None and (set_back or self._offset is None):
            self._offset = expected - stated  # go on from here
        if found <= self.now:
            found = expected
        interval, self.now = found - self.now, found
        usual = median(self._recent) if self._recent else self._interval
        regular = len(self._recent) == RECENT and max(self._recent) - min(self._recent) <= ROUNDING
        self.missing = round(interval / usual) - 1 if regular else 0
        self._recent.append(interval)
        if set_back:
            return inf
        return interval if interval > max(LONGEST_INTERVAL, LONGEST_INTERVALS * usual) else 0.0
