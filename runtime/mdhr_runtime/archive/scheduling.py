"""Which video is begun when, and what becomes of it: the same for processes, Ray's actors and simulated workers.

The longest come first, so that no worker ends with one alone. Nothing here looks at the clock.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import NamedTuple, Protocol

from ..addresses import is_address
from ..errors import DataError
from .records import Record, Standing, Task

PULSE = 0.5
"""Seconds after which it is looked whether to stop, if nothing happens."""

ENOUGH = 10
"""Videos that must have ended before the share of failures says something."""


class Finished(NamedTuple):
    """A task has ended, and its record is written."""

    task: Task
    record: Record


class Died(NamedTuple):
    """The worker that had a task is gone. It is final if the task was tried again already."""

    task: Task
    why: str
    final: bool


@dataclass(frozen=True)
class Frames:
    """So many further frames are labelled."""

    count: int


Event = Finished | Died | Frames


class Workers(Protocol):
    """What labels videos. A context manager, which closes at the end: at once if by an exception."""

    @property
    def free(self) -> int:
        """Number of tasks that can be begun now."""

    def begin(self, task: Task, tries: int = 1, alone: bool = False) -> bool:
        """Give a task to a worker.

        Args:
            task: The task.
            tries: How often it has been begun, with this time.
            alone: Whether the worker must have no other task.

        Returns:
            Whether there was a worker for it.
        """

    def wait(self, seconds: float) -> list[Event]:
        """Say what has happened: at once if something has, else after so long.

        Raises:
            MdhrError: No worker can go on.
        """

    def close(self, now: bool = False) -> None:
        """End all workers: `now` in the midst of their work. Safe to call twice."""

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(now=kind is not None)


@dataclass
class Tally:
    """How many videos ended how, how often one was begun again, and the number of frames."""

    done: int = 0
    broken: int = 0
    failed: int = 0
    retries: int = 0
    frames: int = 0


def schedule(
    tasks: Sequence[Task],
    workers: Workers,
    give_up: Callable[[Task, str], Record],
    *,
    stop_after: float | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Tally:
    """Have all tasks done.

    A task whose worker dies is begun once more, alone in its worker: where several were in one, this finds the guilty.
    A second death is the end of it. A URL that fails is tried once more after all others, as its store may have been
    out of reach.

    Args:
        tasks: The tasks, with different ids.
        workers: Who does them. They stay open.
        give_up: Writes the record of a task that killed its worker twice, and why the last one died.
        stop_after: Share of videos, of those that have ended, that may fail or break off.
        on_event: Told of what happens. Every task that ends gives one `Finished`.
        stopping: Asked often; once it says so, nothing is begun any more, and what is at work ends.

    Raises:
        DataError: Too many videos fail. What is at work stays so.
        MdhrError: No worker can go on, or a record cannot be written.
    """
    course = _Course(tasks, workers, give_up, stop_after, on_event)
    while course.at_work or (course.waiting() and not stopping()):
        if not stopping():
            course.begin()
        for event in workers.wait(PULSE):
            course.take(event)
    return course.tally


class _Course:
    """The state of `schedule`."""

    def __init__(
        self,
        tasks: Sequence[Task],
        workers: Workers,
        give_up: Callable[[Task, str], Record],
        stop_after: float | None,
        on_event: Callable[[Event], None],
    ) -> None:
        self._workers, self._give_up, self._stop_after, self._on_event = workers, give_up, stop_after, on_event
        self._fresh = deque(sorted(tasks, key=lambda task: -task.input.size))
        self._suspects: deque[Task] = deque()
        self._deaths: set[str] = set()
        self._unreached: dict[str, str] = {}
        self._failures: Counter[str] = Counter()
        self.at_work = 0
        self.tally = Tally()

    def waiting(self) -> bool:
        return bool(self._fresh or self._suspects)

    def begin(self) -> None:
        """Give the workers what they can take. A suspect comes first: only a worker that is new or idle takes it."""
        for queue, alone in ((self._suspects, True), (self._fresh, False)):
            while queue and self._workers.free and self._workers.begin(queue[0], self._tries(queue[0]), alone):
                queue.popleft()
                self.at_work += 1

    def take(self, event: Event) -> None:
        if isinstance(event, Frames):
            self._on_event(event)
            return
        self.at_work -= 1
        if isinstance(event, Finished):
            self._finished(event)
        else:
            self._died(event)

    def _tries(self, task: Task) -> int:
        return 1 + (task.video.id in self._deaths) + (task.video.id in self._unreached)

    def _finished(self, event: Finished) -> None:
        (task, record), video = event, event.task.video
        self.tally.retries += max(0, record.tries - self._tries(task))  # Ray's own
        first = self._unreached.pop(video.id, None)
        if first is not None:
            self._failures[first] -= 1
        elif record.status == "failed" and is_address(video.address):
            # It counts as a failure until then: where the whole store is gone, the run must not wait for the end.
            self._unreached[video.id] = why = _why(record)
            self._failures[why] += 1
            older = (*task.superseded, Standing(task.key, record.status, record.ended))
            self._fresh.append(replace(task, superseded=older))
            self.tally.retries += 1
            self._check()
            return
        self._end(task, record)

    def _died(self, event: Died) -> None:
        task = event.task
        if final := event.final or task.video.id in self._deaths:
            self.tally.retries += event.final
        else:
            self._deaths.add(task.video.id)
            self._suspects.append(task)
            self.tally.retries += 1
        self._on_event(event._replace(final=final))
        if final:
            self._unreached.pop(task.video.id, None)
            self._end(task, self._give_up(task, event.why))

    def _end(self, task: Task, record: Record) -> None:
        self._deaths.discard(task.video.id)
        tally = self.tally
        setattr(tally, record.status, getattr(tally, record.status) + 1)
        tally.frames += record.frames
        self._on_event(Finished(task, record))
        if record.status != "done":
            self._failures[_why(record)] += 1
        self._check()

    def _check(self) -> None:
        """See whether too many videos fail."""
        failures = self.tally.broken + self.tally.failed + len(self._unreached)
        ended = self.tally.done + failures
        if self._stop_after is not None and ended >= ENOUGH and failures > self._stop_after * ended:
            (why, count), *_ = self._failures.most_common(1)
            raise DataError(
                f"{failures} of the first {ended} videos failed or broke off.",
                f"More than {self._stop_after:.0%} was not to be. The reason of {count}: {why}",
                "Look into these, or let more of them fail with --stop-after. What is done stays done.",
            )


def _why(record: Record) -> str:
    return "unknown." if record.problem is None else record.problem.why
