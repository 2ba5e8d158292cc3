"""Which output a target asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import OutputError
from .base import Output, Sources

STANDARD_OUTPUT = "-"


class Kind(NamedTuple):
    """A kind of output: where its class is, which is imported only when somebody asks for it."""

    module: str
    name: str
    make: Callable[[type, str, Sequence[str], Sources], Output]


def _file(kind: type, target: str, aus: Sequence[str], sources: Sources) -> Output:
    return kind(None if target == STANDARD_OUTPUT else Path(target), aus)


def _video(kind: type, target: str, aus: Sequence[str], sources: Sources) -> Output:
    return kind(Path(target), aus, sources)


def _url(kind: type, target: str, aus: Sequence[str], sources: Sources) -> Output:
    return kind(target, aus)


CSV = Kind("csv_file", "CsvFile", _file)
JSON_LINES = Kind("json_lines", "JsonLines", _file)
MQTT = Kind("mqtt", "MqttPublisher", _url)

SUFFIXES = {
    ".csv": CSV,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
    ".parquet": Kind("parquet", "ParquetFile", _file),
    ".mp4": Kind("overlay", "Overlay", _video),
}
SCHEMES = {"mqtt": MQTT, "mqtts": MQTT, "ws": Kind("websocket", "WebSocketPublisher", _url)}


def open_output(target: str, aus: Sequence[str], sources: Sources) -> Output:
    """Make the output that a target asks for. No file is touched before the output's `with` block begins.

    Args:
        target: A file's path with a suffix of `SUFFIXES`, a URL with a scheme of `SCHEMES`, or `-` for JSON Lines on
            the standard output.
        aus: Names of the AUs in the order of the scores.
        sources: What results will come from.

    Raises:
        OutputError: The target is of no known kind, it cannot be written or reached, or its kind needs an extra that is
            not installed.
    """
    kind = _kind(target)
    module = import_module(f".{kind.module}", __package__)
    return kind.make(getattr(module, kind.name), target, aus, sources)


def _kind(target: str) -> Kind:
    if target == STANDARD_OUTPUT:
        return JSON_LINES
    known: dict[str, Kind]
    if "://" in target:
        what, key, known = "address", urlsplit(target).scheme, SCHEMES
    else:
        what, key, known = "file", Path(target).suffix.lower(), SUFFIXES
    if key not in known:
        raise OutputError(
            f"There is no output for this kind of {what}: {key or target!r}.",
            f"Known are {', '.join(known)}.",
            f"Choose one of them, or {STANDARD_OUTPUT} for JSON Lines on the standard output.",
        )
    return known[key]
