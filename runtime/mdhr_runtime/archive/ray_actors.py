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
from dataclasses import dataclass
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..errors import MdhrError, ProviderError
from ..extras import extra
from .processes import default_workers
from .records import Record, Task
from .scheduling import Died, Event, Finished, Frames, Workers

if TYPE_CHECKING:
    from .labelling import Labeller, LabelSettings

PRODUCT = "mdhr-edge"

STORE_BYTES = 100 << 20
"""Of the object store that is started here: records are small."""

CONNECT_WAIT = 10.0
"""Seconds in which the cluster must answer. Ray itself waits for minutes."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""What Ray reads when it is imported: it reports nothing to its makers, and leaves CUDA_VISIBLE_DEVICES alone."""


class RayActors(Workers):
    """Workers that are Ray's; see `Workers`.

    All are asked for at once, so that Ray's autoscaler knows what is needed; those that have a place get tasks. A task
    whose actor dies Ray gives to it once more. Where an actor has several, that would not find the guilty one: there
    each is told to have died.

    Args:
        settings: What they need to know.
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
        num_cpus: float = 1,
        num_gpus: float = 0,
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
        actor = self._ray.remote(Actor).options(
            num_cpus=num_cpus,
            num_gpus=num_gpus,
            max_restarts=-1,
            max_task_retries=int(self._at_once == 1),
            max_concurrency=self._at_once,
        )
        arguments = version(PRODUCT), pickle.dumps(settings)
        self._places = [_Place(actor.remote(*arguments)) for _ in range(count)]
        self._pending: dict[Any, tuple[_Place, Task | None]] = {}
        for place in self._places:
            self._start(place)

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
        self._pending[place.actor.label.remote(task, tries, place.life)] = place, task
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
        return self._at_once if place.alone or not place.life else place.tasks

    def _start(self, place: _Place) -> None:
        place.life = ""
        self._pending[place.actor.start.remote()] = place, None

    def _take(self, ref: Any) -> list[Event]:
        """What has come of a call."""
        place, task = self._pending.pop(ref)
        if task is not None:
            place.tasks, place.alone = place.tasks - 1, False
        try:
            record, life = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            return self._mourn(place, task, error)
        if task is None or place.life:  # else it has died meanwhile, and is asked to start
            place.life, place.deaths = life, 0
        return [] if task is None else [Frames(record.frames), Finished(task, record)]

    def _mourn(self, place: _Place, task: Task | None, error: Exception) -> list[Event]:
        cause = getattr(error, "cause", None)
        if isinstance(cause, MdhrError):
            raise cause from None
        if cause is not None:  # a fault of ours
            print(error, file=sys.stderr)
            self._ray.kill(place.actor, no_restart=False)
        why = _first_line(cause or error)
        if task is None:
            place.deaths += 1
            if place.deaths > 1:
                raise ProviderError(
                    "An actor cannot start.",
                    f"It died twice before it was ready, at last so: {why}",
                    f"Install {PRODUCT} {version(PRODUCT)} on every node, with enough memory. Ray's logs tell more.",
                )
        if task is None or place.life:
            self._start(place)
        return [] if task is None else [Died(task, why, final=self._at_once == 1 and cause is None)]


@dataclass(eq=False)
class _Place:
    """An actor, and what the driver knows of it; `life` is empty until it is ready."""

    actor: Any
    life: str = ""
    tasks: int = 0
    alone: bool = False
    deaths: int = 0


class Actor:
    """What runs on the nodes.

    Args:
        release: Version of this software that the driver has.
        settings: `LabelSettings`, pickled: another version might not understand them.
    """

    def __init__(self, release: str, settings: bytes) -> None:
        self._release, self._settings = release, settings
        self._labeller: Labeller | None = None
        self._loading = Lock()
        self._life = uuid4().hex

    def start(self) -> tuple[None, str]:
        """Load the model, and say which life of the actor this is.

        Raises:
            MdhrError: The node has another version or another bundle, or the model cannot be loaded.
        """
        self._load()
        return None, self._life

    def label(self, task: Task, tries: int, life: str) -> tuple[Record, str]:
        """Label a video; see `Labeller.label`. In another life than the driver knows of, Ray has begun it again."""
        return self._load().label(task, tries + (life != self._life)), self._life

    def _load(self) -> Labeller:
        with self._loading:
            if self._labeller is None:
                if self._release != version(PRODUCT):
                    raise ProviderError(
                        f"{socket.gethostname()} has another version of {PRODUCT} than the driver.",
                        f"It has {version(PRODUCT)}, and the driver {self._release}: results could differ.",
                        "Install the same version on every node.",
                    )
                from ..cli import program  # noqa: F401 -- before all that takes time to import

                # isort: split
                from .labelling import Labeller

                self._labeller = Labeller(pickle.loads(self._settings))
            return self._labeller


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
        fix = "Check the address and that Ray runs there, in the same version; or let --ray local start it here."
        raise ProviderError(f"The Ray cluster {address} cannot be reached.", _first_line(error), fix) from error


def _room(ray: Any, need: Mapping[str, float]) -> int:
    """Number of actors that the cluster has room for; 1 if it has none, which its autoscaler may then make."""
    total = ray.cluster_resources()
    room = min(int(total.get(name, 0) // amount) for name, amount in need.items() if amount)
    if room == 0:
        wanted = " and ".join(f"{amount:g} {name}" for name, amount in need.items() if amount)
        warnings.warn(f"the Ray cluster has no room for an actor of {wanted}: it is waited for", stacklevel=4)
    return max(room, 1)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
