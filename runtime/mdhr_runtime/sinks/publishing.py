"""Shared by the sinks that publish rows and events: their address, and a queue for receivers that may be slow."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Generic, TypeVar

from ..addresses import Address
from ..errors import OutputError

Message = TypeVar("Message")
EVENTS = "events"
"""Where events are published, below the address of the rows."""
QUEUED = 2_000
"""Most messages that wait: about a minute of one face at 30 frames/s, and one megabyte."""


def parse_target(url: str, form: str) -> Address:
    """Take the address to publish to apart.

    Args:
        url: The address, with `%40` and the like for what has a meaning in URLs.
        form: The form of such an address, for the error.

    Raises:
        OutputError: It is no such address. The text does not repeat it, as it may hold a password.
    """
    try:
        address = Address.parse(url)
    except ValueError as error:
        raise not_understood(str(error), form) from error
    if address.parameters:
        raise not_understood("It has a part after '?' or '#'.", form)
    return address


def not_understood(why: str, form: str) -> OutputError:
    """The error of an address that nobody can publish to."""
    fix = f"Write it as {form} In user, password and path write %2F for '/', %3F for '?', %23 for '#' and %40 for '@'."
    return OutputError("The address to publish to is not understood.", why, fix)


class Outbox(Generic[Message]):
    """A queue that never makes its writer wait: when it is full, its oldest message is lost. Safe between threads.

    Args:
        size: Most messages that it holds.

    Attributes:
        dropped: Messages that were lost because it was full.
    """

    def __init__(self, size: int = QUEUED) -> None:
        self._messages: deque[Message] = deque()
        self._size = size
        self._lock = Lock()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """Add a message."""
        with self._lock:
            if len(self._messages) >= self._size:
                self._messages.popleft()
                self.dropped += 1
            self._messages.append(message)

    def take(self) -> Message | None:
        """Remove the oldest message and return it, or None if there is none."""
        with self._lock:
            return self._messages.popleft() if self._messages else None
