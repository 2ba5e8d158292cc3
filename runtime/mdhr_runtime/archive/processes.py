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
    """How many workers fit this machine's cores and memory, and how many threads each has.

    Args:
        threads: Threads each; None for one, as none then waits for another, and more only where memory is short.
        root: Folder of /proc and /sys.
    """
    cores = thread_count(root=root)
    groups = list(control_groups(root, "memory"))
    limits = [read_text(group / name) for group in groups for name in ("memory.max", "memory.limit_in_bytes")]
    rooms = [int(limit) for limit in limits if limit and limit.isdecimal()]
    if known := re.search(r"MemAvailable: *(\d+) kB", read_text(root / "proc/meminfo") or ""):
        rooms.append(int(known[1]) << 10)
    count = max(1, min([cores // (threads or 1), *(room // WORKER_BYTES for room in rooms)]))
    return count, threads or cores // count


def visible_gpus(root: Path = ROOT) -> list[str]:
    """What CUDA_VISIBLE_DEVICES may be set to, for a GPU each; none without GPUs."""
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [gpu for gpu in chosen.split(",") if gpu not in ("", "-1")]
    return sorted((path.name[6:] for path in root.glob("dev/nvidia[0-9]*")), key=int)


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
        return sum(self._settings.at_once - self._load(worker) for worker in self._workers)

    def begin(self, task: Task, tries: int = 1, alone: bool = False) -> bool:
        """See `Workers`."""
        loads = [(self._load(worker), worker is None, place) for place, worker in enumerate(self._workers)]
        load, _, place = min(loads)
        if load >= (1 if alone else self._settings.at_once):
            return False
        (self._workers[place] or self._start(place)).give(_Order(task, tries, alone))
        return True

    def wait(self, seconds: float) -> list[Event]:
        """See `Workers`."""
        living = {each: place for place, each in enumerate(self._workers) if each is not None}
        said = set(connection.wait([handle for worker in living for handle in worker.handles], seconds))
        events: list[Event] = []
        for worker, place in living.items():
            if not said.isdisjoint(worker.handles):
                events += worker.hear()
                if worker.why:
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

    def _load(self, worker: _Worker | None) -> int:
        """Number of a worker's tasks; one that is to be alone counts as all that it could have."""
        orders = () if worker is None else worker.orders.values()
        return self._settings.at_once if any(order.alone for order in orders) else len(orders)

    def _start(self, place: int, starts: int = 1) -> _Worker:
        gpu = self._gpus[place % len(self._gpus)] if self._gpus else None
        worker = self._workers[place] = _Worker(self._settings, gpu, starts)
        return worker

    def _bury(self, worker: _Worker, place: int) -> list[Event]:
        self._workers[place] = None
        if worker.ready:
            return [Died(order.task, worker.why, False) for order in worker.orders.values()]
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
        self.orders: dict[str, _Order] = {}
        self.ready, self.starts, self.why = False, starts, ""
        self._last_words = ""
        self.pipe, theirs = get_context("spawn").Pipe()
        self.process = get_context("spawn").Process(target=_work, args=(theirs, settings, gpu))
        resource_tracker.ensure_running()  # else it is started below, and then lets the signals through
        # The terminal and some cluster managers send signals to all processes. The driver decides what they mean.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        self.handles = self.pipe, self.process.sentinel

    def give(self, order: _Order) -> None:
        self.orders[order.task.video.id] = order
        with suppress(OSError):  # it is gone, which `hear` finds
            self.pipe.send(order)

    def hear(self) -> list[Event]:
        """What it has said. `why` is set if there will be no more. MdhrError: it cannot start, or write results."""
        events: list[Event] = []
        ended = not self.process.is_alive()
        with suppress(EOFError, OSError):
            while self.pipe.poll():
                message = self.pipe.recv()
                if isinstance(message, MdhrError):
                    raise message
                if isinstance(message, Record):
                    events.append(Finished(self.orders.pop(message.id).task, message))
                elif isinstance(message, int):
                    events.append(Frames(message))
                else:
                    self.ready, self._last_words = self.ready or not message, message
        if ended:
            self.pipe.close()
            self.why = self._last_words or _how(self.process.exitcode or 0)
        return events


def _how(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    return f"{name}, as the system does when memory runs out" if name == "SIGKILL" else name


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
        with lock, suppress(OSError):  # the driver is gone, and `listen` ends this process
            pipe.send(message)

    def listen() -> None:
        with suppress(EOFError, OSError):
            while True:
                orders.put(pipe.recv())
        os._exit(1)  # in the midst of the work

    def label(labeller: Labeller, order: _Order) -> None:
        with _last_words(say):
            say(labeller.label(order.task, order.tries))

    Thread(target=listen, daemon=True).start()
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
        if isinstance(told, MdhrError) and not isinstance(told, ResourceError):
            say(told)
            return
        if not isinstance(told, ResourceError):
            traceback.print_exc()
        say(f"{type(told).__name__}: {told}".splitlines()[0])
        os._exit(1)
