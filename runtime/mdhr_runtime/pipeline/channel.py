"""Bounded queues between the threads of the pipeline.

Nobody holds a lock while waiting: a thread waits for a wake-up of its own, and then looks again at what it waits for.
So a signal handler may raise in the main thread, which takes the results, at any moment, and leaves nothing locked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Cancelled(Exception):
    """Raised in threads that wait on a channel when the pipeline stops."""


class Wakeup:
    """Wakes the one thread that waits for it. Given before the wait, it is kept until then; two count as one.

    Attributes:
        cancelled: Whether the pipeline stops.
    """

    def __init__(self) -> None:
        self.cancelled = False
        self._given = Lock()  # free when a wake-up waits to be taken
        self._given.acquire()

    def give(self) -> None:
        """Let the thread look again at what it waits for."""
        with suppress(RuntimeError):  # of a lock that is free already
            self._given.release()

    def cancel(self) -> None:
        """Let the thread's wait end with `Cancelled`, now and later."""
        self.cancelled = True
        self.give()

    def wait_for(self, ready: Callable[[], bool]) -> None:
        """Wait until a condition holds, whose every change gives a wake-up.

        Raises:
            Cancelled: The pipeline stops, and the condition does not hold.
        """
        while not ready():
            if self.cancelled:
                raise Cancelled
            self._given.acquire()


class Channel(Generic[T]):
    """A queue from one thread to another.

    Args:
        size: Most items that wait.
        lossy: What happens to a new item when the queue is full: False makes it wait until there is room; True drops
            the oldest item. There, None needs no room and is never dropped, but two in a row are one.
        arrival: What wakes the thread that takes the items. One that waits for several channels has one for all.

    Attributes:
        dropped: Number of items that were dropped.
    """

    def __init__(self, size: int, *, lossy: bool = False, arrival: Wakeup | None = None) -> None:
        self.dropped = 0
        self._size, self._lossy = size, lossy
        self._items: deque[T] = deque()
        self._closed = False
        self._arrival, self._room = arrival or Wakeup(), Wakeup()
        # Each end of a deque is safe in the hands of one thread. Only dropping has a second one take from the left.
        self._left_end: AbstractContextManager[object] = Lock() if lossy else nullcontext()

    def put(self, item: T) -> None:
        """Append an item.

        Raises:
            Cancelled: The pipeline stops.
        """
        if self._room.cancelled:
            raise Cancelled
        if self._lossy:
            self._put_dropping(item)
        else:
            self._room.wait_for(lambda: len(self._items) < self._size)
            self._items.append(item)
        self._arrival.give()

    def close(self) -> None:
        """Say that no more items come."""
        self._closed = True
        self._arrival.give()

    def cancel(self) -> None:
        """Raise `Cancelled` in threads that wait for room or for an item."""
        self._room.cancel()
        self._arrival.cancel()

    def __iter__(self) -> Iterator[T]:
        """Take items as they come, until the channel is closed and empty.

        Raises:
            Cancelled: The pipeline stops, and the channel is empty.
        """
        while True:
            self._room.give()  # once more, as an exception of a signal handler may have cut `take` short
            self._arrival.wait_for(lambda: self._closed or len(self._items) > 0)
            if not self._items:
                return
            yield self.take()

    # For a thread that takes from several channels.

    @property
    def finished(self) -> bool:
        """Whether nothing is there and nothing comes."""
        return self._closed and not self._items

    def __len__(self) -> int:
        return len(self._items)

    def peek(self) -> T:
        """The oldest item of a channel that is not empty and drops nothing; it stays there."""
        return self._items[0]

    def take(self) -> T:
        """Take the oldest item of a channel that is not empty."""
        with self._left_end:
            item = self._items.popleft()
        self._room.give()
        return item

    def _put_dropping(self, item: T) -> None:
        with self._left_end:
            if item is None and self._items and self._items[-1] is None:
                return
            self._items.append(item)  # first, so that the queue never looks empty
            waiting = [index for index, each in enumerate(self._items) if each is not None]
            if len(waiting) > self._size:
                oldest = waiting[0]
                del self._items[oldest]
                self.dropped += 1
                if oldest and self._items[oldest] is None:  # the drop has brought two together
                    del self._items[oldest]
