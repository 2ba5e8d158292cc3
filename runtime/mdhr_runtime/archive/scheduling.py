"""Which video is begun when, and what becomes of it: the same for processes, Ray's actors and simulated workers.

The longest come first, so that no worker ends with one alone. Nothing here looks at the clock.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ..errors import DataError
from .records import Record, Task

PULSE = 0.5
"""Seconds after which it is looked whether to stop, if nothing happens."""

ENOUGH = 10
"""Videos that must have ended before the share of failures says something."""


class Finished(NamedTuple):
    """A task has ended, and its record is written."""

    task: Task
    record: Record


class Died(NamedTuple):
    """The worker that had a task is gone. It is final if the task is not begun again."""

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
        """Give a task, begun so often with this time, to a worker: `alone` to one without others. Says if one was."""

    def wait(self, seconds: float) -> list[Event]:
        """Say what has happened: at once if something has, else after so long. MdhrError: no worker can go on."""

    def close(self, now: bool = False) -> None:
        """End all workers: `now` in the midst of their work. Safe to call twice."""

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
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

    One whose worker dies is begun once more, alone in its worker: where several were in one, this finds the guilty. A
    second death is the end of it.

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
    fresh, suspects = deque(sorted(tasks, key=lambda task: -task.input.size)), deque[Task]()
    suspected: set[str] = set()
    failures: Counter[str] = Counter()
    tally, at_work = Tally(), 0

    def end(task: Task, record: Record) -> None:
        suspected.discard(task.video.id)
        setattr(tally, record.status, getattr(tally, record.status) + 1)
        tally.frames += record.frames
        on_event(Finished(task, record))
        if record.problem is not None:
            failures[record.problem.why] += 1
        bad = tally.broken + tally.failed
        if stop_after is not None and tally.done + bad >= ENOUGH and bad > stop_after * (tally.done + bad):
            (why, count), *_ = failures.most_common(1)
            raise DataError(
                f"{bad} of the first {tally.done + bad} videos failed or broke off.",
                f"More than {stop_after:.0%} was not to be. The reason of {count}: {why}",
                "Look into these, or let more of them fail with --stop-after. What is done stays done.",
            )

    while at_work or ((fresh or suspects) and not stopping()):
        # A suspect comes first: only a worker that is new or idle takes it.
        for queue, alone in ((suspects, True), (fresh, False)):
            while not stopping() and queue and workers.free and workers.begin(queue[0], 1 + alone, alone):
                queue.popleft()
                at_work += 1
        for event in workers.wait(PULSE):
            if isinstance(event, Frames):
                on_event(event)
                continue
            at_work -= 1
            if isinstance(event, Finished):
                end(*event)
                continue
            final = event.final or event.task.video.id in suspected
            on_event(event._replace(final=final))
            if final:
                end(event.task, give_up(event.task, event.why))
            else:
                suspected.add(event.task.video.id)
                suspects.append(event.task)
                tally.retries += 1
    return tally
