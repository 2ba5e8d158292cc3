"""Workers that are actors of Ray, on this machine or in a cluster. Ray places them, starts them again, and scales."""

from __future__ import annotations

import logging
import os
import pickle
import re
import socket
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..errors import MdhrError, ProviderError
from ..extras import extra
from .processes import default_workers
from .records import Record, Task
from .scheduling import Died, Event, Finished, Frames, Workers

if TYPE_CHECKING:
    from .labelling import LabelSettings

PRODUCT = "mdhr-edge"

CALLED, LIVES, READY = range(3)
"""How far an actor is: it has no place yet, or loads its model, or takes tasks."""

STORE_BYTES = 100 << 20
"""Of the object store that is started here: records are small."""

CONNECT_WAIT = 10.0
"""Seconds in which the cluster must answer. Ray itself waits for minutes."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""What Ray reads when it is imported: it reports nothing to its makers, and leaves CUDA_VISIBLE_DEVICES alone."""


class RayActors(Workers):
    """Workers that are Ray's; see `Workers`.

    All are asked for at once, so that Ray's autoscaler knows what is needed; those that have a place get tasks. Ray
    starts one that dies again, where there is room. Its task is not left to it meanwhile, as Ray would do, but told to
    have died: after the loss of a node there may never be room.

    Args:
        settings: What they need to know; without threads there, each has as many as CPUs.
        count: How many; None for as many as the cluster has room for.
        address: "local" starts Ray here; else that of a cluster, as `ray.init` takes it.
        num_cpus: CPUs of each.
        num_gpus: GPUs of each, also a part of one.
        most: Number of tasks: there are no more actors.

    Raises:
        OutputError: Ray is not installed.
        ProviderError: The cluster cannot be reached.
    """

    def __init__(
        self,
        settings: LabelSettings,
        count: int | None,
        address: str,
        num_cpus: float = 1.0,
        num_gpus: float = 0.0,
        most: int = sys.maxsize,
    ) -> None:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        self._ray = extra("ray", "ray")
        self._ours = not self._ray.is_initialized()
        if self._ours:
            _connect(self._ray, address)
        count = min(most, count or _room(self._ray, {"CPU": num_cpus, "GPU": num_gpus}))
        self._at_once = settings.at_once
        needs = {"num_cpus": num_cpus, "num_gpus": num_gpus, "max_concurrency": self._at_once, "max_restarts": -1}
        actor = self._ray.remote(Actor).options(**needs)
        sent = pickle.dumps(replace(settings, threads=settings.threads or max(1, int(num_cpus))))
        self._places = [_Place(actor.remote(version(PRODUCT), sent)) for _ in range(count)]
        self._pending: dict[Any, tuple[_Place, Task | None]] = {}
        for place in self._places:
            self._call(place)

    @property
    def free(self) -> int:
        """See `Workers`."""
        return sum(self._at_once - self._load(place) for place in self._places)

    def begin(self, task: Task, tries: int = 1, alone: bool = False) -> bool:
        """See `Workers`."""
        place = min(self._places, key=self._load)
        if self._load(place) >= (1 if alone else self._at_once):
            return False
        place.tasks, place.alone = place.tasks + 1, alone
        self._pending[place.actor.label.remote(task, tries)] = place, task
        return True

    def wait(self, seconds: float) -> list[Event]:
        """See `Workers`."""
        pending = list(self._pending)
        self._ray.wait(pending, timeout=seconds)
        ended, _ = self._ray.wait(pending, num_returns=len(pending), timeout=0)
        return [event for ref in ended for event in self._take(ref)]

    def close(self, now: bool = False) -> None:
        """See `Workers`."""
        for place in self._places:
            self._ray.kill(place.actor)
        self._places = []
        if self._ours:
            self._ray.shutdown()

    def _load(self, place: _Place) -> int:
        return place.tasks if place.stage == READY and not place.alone else self._at_once

    def _call(self, place: _Place) -> None:
        """Wait until an actor lives, which may take hours. That it then dies while it starts is another matter."""
        place.stage = CALLED
        self._pending[place.actor.live.options(max_task_retries=-1).remote()] = place, None

    def _take(self, ref: Any) -> list[Event]:
        """What has come of a call."""
        place, task = self._pending.pop(ref)
        if task is not None:
            place.tasks, place.alone = place.tasks - 1, False
        try:
            record = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            return self._failed(place, task, error)
        if task is not None:
            return [Frames(record.frames), Finished(task, record)]
        place.stage += 1
        if place.stage == LIVES:
            self._pending[place.actor.start.remote()] = place, None
        else:
            place.deaths = 0
        return []

    def _failed(self, place: _Place, task: Task | None, error: Exception) -> list[Event]:
        cause = getattr(error, "cause", error)
        if isinstance(cause, MdhrError):
            raise cause from None
        if cause is not error:  # a fault of ours, with its traceback
            print(error, file=sys.stderr)
            self._ray.kill(place.actor, no_restart=False)
        why = next(iter(str(cause).splitlines()), type(cause).__name__)
        place.deaths += task is None
        if place.deaths > 1 and not any(each.stage == READY for each in self._places):
            raise ProviderError(
                "The actors of Ray cannot start.",
                f"One ended twice before it was ready, at last so: {why}",
                f"Install {PRODUCT} {version(PRODUCT)} on every node, with enough memory. Ray's logs tell more.",
            ) from None
        if task is None or place.stage == READY:
            self._call(place)
        return [] if task is None else [Died(task, why, False)]


@dataclass(eq=False)
class _Place:
    """An actor, and what the driver knows of it."""

    actor: Any
    stage: int = CALLED
    tasks: int = 0
    alone: bool = False
    deaths: int = 0


class Actor:
    """What runs on the nodes: made of the driver's version, and `LabelSettings` as another one need not read them."""

    def __init__(self, release: str, settings: bytes) -> None:
        from ..cli import program  # noqa: F401 -- before all that takes time to import; in the main thread

        self._release, self._settings = release, settings
        self._labeller: Any = None
        self._loading = Lock()

    def live(self) -> None:
        """Return, as soon as there is an actor."""

    def start(self) -> None:
        """Load the model, once. MdhrError: it cannot be, or the node has another version or another bundle."""
        with self._loading:
            if self._release != version(PRODUCT):
                raise ProviderError(
                    f"{socket.gethostname()} has another version of {PRODUCT} than the driver.",
                    f"It has {version(PRODUCT)}, and the driver {self._release}: results could differ.",
                    "Install the same version on every node.",
                )
            if self._labeller is None:
                from .labelling import Labeller

                self._labeller = Labeller(pickle.loads(self._settings))

    def label(self, task: Task, tries: int) -> Record:
        """Label a video; see `Labeller.label`."""
        self.start()  # Ray may have started it again unnoticed
        record: Record = self._labeller.label(task, tries)
        return record


def _connect(ray: Any, address: str) -> None:
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address == "local":
        cpus = default_workers()[0]
        settings |= {"include_dashboard": False, "object_store_memory": STORE_BYTES, "num_cpus": cpus}
    elif address == "auto":
        address = os.environ.get("RAY_ADDRESS", address)
    try:
        if place := re.fullmatch(r"(?:ray://)?(.+):(\d+)", address):
            socket.create_connection((place[1], int(place[2])), CONNECT_WAIT).close()
        ray.init(address, **settings)
    except (OSError, ValueError, RuntimeError) as error:
        why = str(error).partition("\n")[0]
        fix = "Check the address and that Ray runs there, in the same version; or let --ray local start it here."
        raise ProviderError(f"The Ray cluster {address} cannot be reached.", why, fix) from error


def _room(ray: Any, need: Mapping[str, float]) -> int:
    """Number of actors that the cluster has room for; 1 if it has none, which its autoscaler may then make."""
    total = ray.cluster_resources()
    room = min((int(total.get(name, 0) // amount) for name, amount in need.items() if amount), default=1)
    if room == 0:
        wanted = " and ".join(f"{amount:g} {name}" for name, amount in need.items() if amount)
        warnings.warn(f"the Ray cluster has no room for an actor of {wanted}: it is waited for", stacklevel=4)
    return max(room, 1)
