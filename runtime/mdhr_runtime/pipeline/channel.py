"""Bounded queues between the threads of the pipeline."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")


class Cancelled(Exception):
    """The pipeline is being stopped: whoever waits for a channel may go home."""


class Board:
    """What all channels of a pipeline share: one lock, one condition that says "something changed", and its end."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.cancelled = False

    def cancel(self) -> None:
        """Send everybody home who waits, now and later."""
        with self.changed:
            self.cancelled = True
            self.changed.notify_all()

    def wait_for(self, ready: Callable[[], bool]) -> None:
        """Wait until a condition holds. The caller holds the lock `changed`.

        Raises:
            Cancelled: The pipeline is being stopped.
        """
        self.changed.wait_for(lambda: self.cancelled or ready())
        if self.cancelled:
            raise Cancelled


class Channel(Generic[T]):
    """A queue from one thread to another.

    Args:
        board: The pipeline's.
        size: Most items that wait.
        lossy: What happens to a new item when the queue is full: False makes it wait until there is room; True drops
            the oldest item. None is never dropped and needs no room.

    Attributes:
        dropped: Number of items that were dropped.
    """

    def __init__(self, board: Board, size: int, *, lossy: bool = False) -> None:
        self._board, self._size, self._lossy = board, size, lossy
        self._items: deque[T] = deque()
        self._closed = False
        self.dropped = 0

    def put(self, item: T) -> None:
        """Append an item.

        Raises:
            Cancelled: The pipeline is being stopped.
        """
        with self._board.changed:
            if self._lossy and item is not None and self._waiting() >= self._size:
                self._items.remove(next(old for old in self._items if old is not None))
                self.dropped += 1
            self._board.wait_for(lambda: self._lossy or self._waiting() < self._size)
            # Two interruptions without anything between them are one: a camera that is away adds nothing.
            if item is not None or not self._items or self._items[-1] is not None:
                self._items.append(item)
            self._board.changed.notify_all()

    def close(self) -> None:
        """Say that no more items come."""
        with self._board.changed:
            self._closed = True
            self._board.changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Take items as they come, until the channel is closed and empty.

        Raises:
            Cancelled: The pipeline is being stopped.
        """
        while True:
            with self._board.changed:
                self._board.wait_for(lambda: bool(self._items) or self._closed)
                if not self._items:
                    return
                item = self._items.popleft()
                self._board.changed.notify_all()
            yield item

    # For one who waits for several channels, and holds the board's lock.

    @property
    def finished(self) -> bool:
        """Whether nothing is there and nothing comes."""
        return self._closed and not self._items

    def __len__(self) -> int:
        return len(self._items)

    def take(self, most: int) -> list[T]:
        """Take what is there."""
        taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
        self._board.changed.notify_all()
        return taken

    def _waiting(self) -> int:
        return sum(item is not None for item in self._items)
