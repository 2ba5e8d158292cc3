"""What is left to do of a collection, from the names of the records."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import time

from ..errors import DataError, MdhrError
from .folders import Input, inspect
from .records import AT_ONCE, ArchiveVideo, Plan, Results, Task, fit_key, shard_of, standing_of
from .videos import Collection


@dataclass
class Outstanding:
    """What a driver is to do, and need not do, of its shard.

    Attributes:
        plan: What it is asked for, of all shards.
        tasks: The videos to be labelled.
        missing: Videos whose files cannot be read, with the reason; results that they have stay as they are.
        done: Number of videos that are done.
        broken: Number of those that broke off, and are passed over.
        failed: Number of those that failed, and are passed over.
        changed: Number of tasks that have an older result, of another state of the file, bundle or options.
    """

    plan: Plan
    tasks: list[Task] = field(default_factory=list)
    missing: list[tuple[ArchiveVideo, MdhrError]] = field(default_factory=list)
    done: int = 0
    broken: int = 0
    failed: int = 0
    changed: int = 0


def outstanding(
    collection: Collection,
    results: Results,
    bundle: str,
    options: str,
    *,
    shard: tuple[int, int] = (1, 1),
    retry_failed: bool = False,
) -> Outstanding:
    """Compare a collection with its results.

    Args:
        collection: The videos.
        results: The results.
        bundle: Hash of the bundle.
        options: Hash of the options that change results.
        shard: Which part of the collection is asked for, from 1, of how many.
        retry_failed: Whether videos that failed or broke off are to be done again.

    Raises:
        DataError: The results cannot be read, or two videos would have the same name there.
    """
    states = _states(collection)
    standings, tables = results.standings(), results.tables()
    names: dict[str, ArchiveVideo] = {}
    planned = []
    found = Outstanding(Plan(bundle, options, (), time()))
    for video in collection.videos:
        name, state = video.name, states[video.address]
        if (other := names.setdefault(name, video)) is not video:
            why = f"The names of their results would be the same, {name}."
            fix = "Give one of them another id in the column `id` of a list."
            raise DataError(f"{video.id!r} and {other.id!r} cannot be told apart.", why, fix)
        known = state if isinstance(state, Input) else None
        key = fit_key(video, known, bundle, options)
        planned.append((video.id, known.size if known else 0, key))
        if shard_of(video, shard[1]) != shard[0] - 1:
            continue
        old = standings.get(name, [])
        ended = standing_of(old, key, name in tables)
        if ended and (ended.status == "done" or not retry_failed):
            setattr(found, ended.status, getattr(found, ended.status) + 1)
        elif isinstance(state, MdhrError):
            found.missing.append((video, state))
        else:
            found.tasks.append(Task(video, state, key, tuple(old)))
            found.changed += ended is None and any(each.key != key for each in old)
    found.plan = Plan(bundle, options, tuple(planned), found.plan.started)
    return found


def _states(collection: Collection) -> Mapping[str, Input | MdhrError]:
    """The states of all files, or why one cannot be read."""
    unknown = list({video.address for video in collection.videos} - collection.states.keys())

    def look(start: int) -> dict[str, Input | MdhrError]:
        return {address: _state(address) for address in unknown[start::AT_ONCE]}

    states: dict[str, Input | MdhrError] = {**collection.states}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for part in pool.map(look, range(AT_ONCE)):
            states |= part
    return states


def _state(address: str) -> Input | MdhrError:
    try:
        return inspect(address)
    except DataError as error:  # others, such as a library that is missing, are about all
        return error
