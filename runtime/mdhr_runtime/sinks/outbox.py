"""Messages that wait for somebody who may be slow."""

from __future__ import annotations

from collections import deque
from threading import Lock

QUEUED = 2_000
"""How many messages wait at most: about a minute of one face at 30 frames/s, and one megabyte."""


class Outbox:
    """A queue that never makes its writer wait: when it is full, its oldest message goes. Safe between threads.

    Args:
        size: How many messages it holds.

    Attributes:
        dropped: How many messages went because it was full.
    """

    def __init__(self, size: int = QUEUED) -> None:
        self._messages: deque[str] = deque()
        self._size = size
        self._lock = Lock()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: str) -> None:
        """Add a message."""
        with self._lock:
            if len(self._messages) >= self._size:
                self._messages.popleft()
                self.dropped += 1
            self._messages.append(message)

    def take(self) -> str | None:
        """Remove the oldest message and return it, or None if there is none."""
        with self._lock:
            return self._messages.popleft() if self._messages else None
