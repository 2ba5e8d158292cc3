"""Worker processes on this machine, with a model each. They end when the driver does, however it ends."""

from __future__ import annotations

import atexit
import os
import re
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from ..cli.signals import SIGNALS
from ..errors import MdhrError, ResourceError, shortage
from ..threads import ROOT, control_groups, read_text, thread_count
from .records import Record, Task
from .scheduling import Died, Event, Finished, Frames, Workers

if TYPE_CHECKING:
    from .labelling import Labeller, LabelSettings

WORKER_BYTES = 1 << 30
"""Memory that a worker takes, about."""

LAST_WAIT = 10.0
"""Seconds that a worker without work gets to end."""


def default_workers(threads: int | None = None, root: Path = ROOT) -> tuple[int, int]:
    """Say how many workers fit this machine's cores and memory, and how many threads each has.

    One thread each does the most work, as none waits for another.

    Args:
        threads: Threads each, if that is decided.
        root: Folder of /proc and /sys.
    """
    cores = thread_count(root=root)
    known = re.search(r"MemAvailable: *(\d+) kB", read_text(root / "proc/meminfo") or "")
    rooms = [int(known[1]) << 10] if known else []
    for name in ("memory.max", "memory.limit_in_bytes"):
        limits = (read_text(folder / name) or "" for folder in control_groups(root, "memory"))
        rooms += (int(limit) for limit in limits if limit.isdecimal())
    fitting = min(rooms, default=cores * WORKER_BYTES) // WORKER_BYTES
    count = max(1, min(cores // (threads or 1), fitting))
    return count, threads or cores // count


def visible_gpus(root: Path = ROOT) -> list[str]:
    """What CUDA_VISIBLE_DEVICES may be set to, for a GPU each; none without GPUs."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return sorted((path.name[6:] for path in root.glob("dev/nvidia[0-9]*")), key=int)
    return [gpu for gpu in chosen.split(",") if gpu not in ("", "-1")]


class Processes(Workers):
    """Workers that are processes; see `Workers`. One is started when there is a task for it.

    One that ends by itself takes its tasks with it; while it starts, it is started once more.

    Args:
        settings: What they need to know.
        count: How many there are at most.
        gpus: The values of CUDA_VISIBLE_DEVICES that they have in turn; none leaves it.
    """

    def __init__(self, settings: LabelSettings, count: int, gpus: Sequence[str] = ()) -> None:
        self._settings, self._gpus = settings, gpus
        self._workers: list[_Worker | None] = [None] * count
        atexit.register(self.close, now=True)  # before Python, as it ends, waits for those that run

    @property
    def free(self) -> int:
        """See `Workers`."""
        return sum(self._settings.at_once - _load(worker, self._settings) for worker in self._workers)

    def begin(self, task: Task, tries: int = 1, alone: bool = False) -> bool:
        """See `Workers`."""
        loads = [_load(worker, self._settings) for worker in self._workers]
        place = min(range(len(loads)), key=lambda place: (loads[place], self._workers[place] is None))
        if loads[place] >= (1 if alone else self._settings.at_once):
            return False
        (self._workers[place] or self._start(place)).give(_Order(task, tries, alone))
        return True

    def wait(self, seconds: float) -> list[Event]:
        """See `Workers`."""
        living = {each: place for place, each in enumerate(self._workers) if each is not None}
        handles = [handle for worker in living for handle in (worker.pipe, worker.process.sentinel)]
        said = set(connection.wait(handles, seconds))
        events: list[Event] = []
        for worker, place in living.items():
            if not said.isdisjoint((worker.pipe, worker.process.sentinel)):
                events += worker.hear()
                if worker.why is not None:
                    events += self._bury(worker, place)
        return events

    def close(self, now: bool = False) -> None:
        """See `Workers`."""
        workers = [worker for worker in self._workers if worker is not None]
        self._workers = []
        atexit.unregister(self.close)
        for worker in workers:
            with suppress(OSError):
                worker.process.kill() if now else worker.pipe.send(None)
        for worker in workers:
            worker.process.join(LAST_WAIT)
            worker.process.kill()
            worker.process.join()

    def _start(self, place: int, starts: int = 1) -> _Worker:
        gpu = self._gpus[place % len(self._gpus)] if self._gpus else None
        worker = self._workers[place] = _Worker(self._settings, gpu, starts)
        return worker

    def _bury(self, worker: _Worker, place: int) -> list[Event]:
        self._workers[place] = None
        if worker.ready:
            return [Died(order.task, worker.why or "", False) for order in worker.orders.values()]
        if worker.starts > 1:
            raise ResourceError(
                "A worker cannot start.",
                f"It ended twice before it was ready, at last by {worker.why}.",
                "Read what it said above, if it did. If memory ran out, have fewer workers or fewer threads.",
            )
        heir = self._start(place, worker.starts + 1)
        for order in worker.orders.values():
            heir.give(order)
        return []


class _Order(NamedTuple):
    task: Task
    tries: int
    alone: bool


class _Worker:
    """A worker process, as the driver sees it: its orders by the videos' ids, and, once it has ended, why."""

    def __init__(self, settings: LabelSettings, gpu: str | None, starts: int) -> None:
        context = get_context("spawn")
        self.orders: dict[str, _Order] = {}
        self.ready, self.starts = False, starts
        self.why: str | None = None
        self._last_words = ""
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, settings, gpu))
        resource_tracker.ensure_running()  # else it is started below, and then lets the signals through
        # The terminal and some cluster managers send signals to all processes. The driver decides what they mean.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()

    def give(self, order: _Order) -> None:
        self.orders[order.task.video.id] = order
        with suppress(OSError):  # it is gone, which `hear` finds
            self.pipe.send(order)

    def hear(self) -> list[Event]:
        """What it has said. `why` is set if there will be no more. MdhrError: it cannot start, or write results."""
        events: list[Event] = []
        dead = not self.process.is_alive()
        try:
            while self.pipe.poll():
                events += self._understood(self.pipe.recv())
        except (EOFError, OSError):
            dead = True
        if dead:
            self.process.join()
            self.pipe.close()
            status = self.process.exitcode or 0
            self.why = self._last_words or (f"exit status {status}" if status >= 0 else _signal_name(-status))
        return events

    def _understood(self, message: Any) -> list[Event]:
        if isinstance(message, MdhrError):
            raise message
        if isinstance(message, Record):
            return [Finished(self.orders.pop(message.id).task, message)]
        if isinstance(message, int):
            return [Frames(message)]
        self.ready, self._last_words = self.ready or not message, message
        return []


def _load(worker: _Worker | None, settings: LabelSettings) -> int:
    """Number of a worker's tasks; one that is to be alone counts as all that it could have."""
    orders = () if worker is None else worker.orders.values()
    return settings.at_once if any(order.alone for order in orders) else len(orders)


def _signal_name(number: int) -> str:
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return f"{name}, as the system does when memory runs out" if number == signal.SIGKILL else name


def _work(pipe: Connection, settings: LabelSettings, gpu: str | None) -> None:
    """The whole of a worker process."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    from ..cli import program  # noqa: F401 -- before all that takes time to import

    # isort: split
    from .labelling import Labeller

    orders: SimpleQueue[_Order | None] = SimpleQueue()
    lock = Lock()

    def say(message: MdhrError | Record | int | str) -> None:  # a text: it is ready if empty, else its last words
        with lock, suppress(OSError):  # the driver is gone, and `_listen` ends this process
            pipe.send(message)

    def label(labeller: Labeller, order: _Order) -> None:
        with _last_words(say):
            say(labeller.label(order.task, order.tries))

    Thread(target=_listen, args=(pipe, orders), daemon=True).start()
    with _last_words(say), Labeller(settings, say) as labeller, ThreadPoolExecutor(settings.at_once) as threads:
        say("")
        for order in iter(orders.get, None):
            threads.submit(label, labeller, order)


@contextmanager
def _last_words(say: Callable[[Any], None]) -> Iterator[None]:
    """Let the driver know of an error that ends the run; any other ends this process alone."""
    try:
        yield
    except BaseException as error:
        told = shortage(error) or error
        if isinstance(told, ResourceError):
            say(f"{told.what} {told.why}")
        elif isinstance(told, MdhrError):
            say(told)
            return
        else:
            traceback.print_exc()
            say(f"{type(told).__name__}: {told}")
        os._exit(1)


def _listen(pipe: Connection, orders: SimpleQueue[_Order | None]) -> None:
    """Pass on what the driver wants. Where it is gone, end this process in the midst of its work."""
    try:
        while True:
            orders.put(pipe.recv())
    except (EOFError, OSError):
        os._exit(1)
