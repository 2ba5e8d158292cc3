"""The table of sinks: which class a target asks for.

Other distributions add kinds of their own by an entry point of the group `mdhr.sinks`: its name is a suffix of files
(`.xlsx`) or the scheme of a URL (`kafka`), its object a subclass of `Sink`. In their `pyproject.toml`:

    [project.entry-points."mdhr.sinks"]
    kafka = "their_package.module:TheirSink"

From then on, `mdhr-run … --publish kafka://…` writes there. What is built in cannot be replaced.
Such a URL may hold a password: of it, show and write only what `mdhr_runtime.addresses.redacted` leaves.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from ..addresses import is_address, redacted
from ..errors import OutputError
from .base import STANDARD_OUTPUT, Sink, SinkContext

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from ..results import SourceInfo

GROUP = "mdhr.sinks"
LIVE_PAGE = "live"
"""Scheme of the live page's address, `live://[HOST:]PORT`. Users write `--serve [HOST:]PORT`."""

SUFFIXES = {
    ".csv": "mdhr_runtime.sinks.csv_file:CsvFile",
    ".jsonl": "mdhr_runtime.sinks.json_lines:JsonLines",
    ".ndjson": "mdhr_runtime.sinks.json_lines:JsonLines",
    ".parquet": "mdhr_runtime.sinks.parquet:ParquetFile",
    ".mp4": "mdhr_runtime.sinks.overlay:Overlay",
}
FOLDER = "mdhr_runtime.sinks.folder:TableFolder"
SCHEMES = {
    "mqtt": "mdhr_runtime.sinks.mqtt:MqttPublisher",
    "mqtts": "mdhr_runtime.sinks.mqtt:MqttPublisher",
    "ws": "mdhr_runtime.sinks.websocket:WebSocketPublisher",
    LIVE_PAGE: "mdhr_runtime.live.page:LivePage",
}
EVENT_FILES = {
    ".csv": "mdhr_runtime.sinks.event_file:EventFile",
    ".eaf": "mdhr_runtime.sinks.elan:ElanFile",
}
SUMMARY_FILES = {
    ".csv": "mdhr_runtime.sinks.summary_file:SummaryFile",
    ".parquet": "mdhr_runtime.sinks.summary_file:SummaryParquet",
}
"""The classes of the kinds that are built in; they are imported at first use."""


def open_sink(target: str | Path, aus: Iterable[str], sources: Iterable[SourceInfo]) -> Sink:
    """Make the sink that a target asks for. No file is touched before the sink's `with` block begins.

    Args:
        target: A file's path with a suffix of `SUFFIXES`; a folder; a URL with a scheme of `SCHEMES`; or `-` for JSON
            Lines on the standard output.
        aus: Names of the AUs in the order of the scores.
        sources: What results will come from.

    Raises:
        OutputError: The target is of no known kind, it cannot be written or reached, or its kind needs an extra that is
            not installed.
    """
    return find_sink(target)(str(target), SinkContext(tuple(aus), tuple(sources)))


def find_sink(target: str | Path) -> type[Sink]:
    """The class of the sink that a target asks for; see `open_sink`.

    Raises:
        OutputError: The target is of no known kind, or the class of another distribution cannot be used.
    """
    from importlib.metadata import entry_points

    target = str(target)
    if is_address(target):
        what, key, built_in = "address", redacted(target).partition("://")[0], SCHEMES
    else:
        what, key, built_in = "file", Path(target).suffix.lower(), SUFFIXES
    if target == STANDARD_OUTPUT:
        key = ".jsonl"
    found = FOLDER if is_folder(target) else built_in.get(key)
    if found is not None:
        built: type[Sink] = resolve_name(found)
        return built
    others = {entry.name: entry for entry in entry_points(group=GROUP)}
    if key in others:
        return _load(others[key])
    known = [*built_in, *(name for name in others if name.startswith(".") == (what == "file"))]
    raise OutputError(
        f"There is no output for this kind of {what}: {key or repr(redacted(target))}.",
        f"Known are {', '.join(name for name in known if name != LIVE_PAGE)}.",
        f"Choose one of them, a folder (au/), or {STANDARD_OUTPUT} for JSON Lines on the standard output.",
    )


def find_file_sink(target: str | Path, kinds: Mapping[str, str]) -> type[Sink]:
    """The class of the sink that writes a file of events or of a summary.

    Args:
        target: The file's path.
        kinds: `EVENT_FILES` or `SUMMARY_FILES`.

    Raises:
        OutputError: The file is of another kind.
    """
    suffix = Path(target).suffix.lower()
    if suffix in kinds and not is_address(str(target)):
        found: type[Sink] = resolve_name(kinds[suffix])
        return found
    raise OutputError(
        f"{redacted(str(target)) or 'An empty name'} is no file of a kind that can be written here.",
        f"Its name does not end in {' or '.join(kinds)}.",
        f"Choose such a name, like {' or '.join(f'au{suffix}' for suffix in kinds)}.",
    )


def is_folder(target: str) -> bool:
    """Whether a target is a folder: as the "/" at its end says, or as one exists whose name is not that of a file."""
    exists = os.path.isdir(target) and Path(target).suffix.lower() not in SUFFIXES
    return not is_address(target) and (target.endswith("/") or exists)


def _load(entry: EntryPoint) -> type[Sink]:
    """The class that another distribution offers."""
    fix = "Repair or remove the package that offers it."
    try:
        kind = entry.load()
    except Exception as error:  # another's code can fail in any way
        raise OutputError(f"The output for {entry.name} cannot be loaded.", f"{entry.value}: {error}", fix) from error
    if not (isinstance(kind, type) and issubclass(kind, Sink)):
        raise OutputError(f"The output for {entry.name} cannot be used.", f"{entry.value} is no Sink.", fix)
    return kind
