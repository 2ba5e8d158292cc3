"""Typed objects from JSON, YAML and other plain data: the one place where what was read is checked.

A format is a dataclass or `TypedDict` whose hints state types and ranges (`Annotated` with `msgspec.Meta`), and whose
`__post_init__` says what must hold between fields. Fields that it does not know are passed over: a newer version may
add some. Where an older reader would misread what a newer version writes, the format's schema number rises.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from .files import open_regular

MOST_BYTES = 1 << 24
"""Size from which on a file is not read. The largest of our own, results of benchmarks, take a hundredth of it."""

DEEPEST = 32
"""Levels that plain data may be nested in."""

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(max_length=255, pattern=r"^[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*$")]
"""A name or a few words, such as can be printed."""


class RecordError(ValueError):
    """What was read is not what it must be; the text says why, in a sentence."""


class TooNewError(RecordError):
    """What was read has a newer schema than this software knows."""


def read_json(path: Path, kind: Any, schema: int | None = None) -> Any:
    """Read a JSON file as an object of a type.

    Args:
        path: The file.
        kind: As for `from_plain`.
        schema: The newest schema of the format that can be read; None if its files have no number of it.

    Raises:
        TooNewError: The file's schema is newer, whatever else it holds.
        RecordError: The file cannot be read, is too large or no JSON, or is not of the type.
    """
    return parse_json(read_bytes(path), kind, schema)


def parse_json(text: bytes, kind: Any, schema: int | None = None) -> Any:
    """What `read_json` makes of the text of a file."""
    value = from_json(text)
    if schema is not None:
        found = from_plain(dict[str, Any], value).get("schema")
        if from_plain(Positive, found, "Its schema") > schema:
            raise TooNewError(f"It has schema {found}; this version reads up to {schema}.")
    return from_plain(kind, value)


def read_bytes(path: Path) -> bytes:
    """Read a small file.

    Raises:
        RecordError: It cannot be read, or has more than `MOST_BYTES`.
    """
    try:
        with open_regular(path) as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise RecordError(f"{error.strerror or error}.") from error
    if len(content) > MOST_BYTES:
        raise RecordError(f"It is larger than {MOST_BYTES >> 20} MiB.")
    return content


def from_json(text: bytes) -> Any:
    """Plain data from JSON, which `from_plain` checks.

    Raises:
        RecordError: The text is no JSON, or is nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise RecordError("It is nested too deep.") from error
    except ValueError as error:
        raise RecordError(f"It is no JSON: {error}.") from error


def from_yaml(kind: Any, text: bytes | str) -> Any:
    """Make an object of a type from its YAML; see `from_plain`.

    Raises:
        RecordError: The text is no YAML, or not of the type.
    """
    import yaml

    class Plain(yaml.SafeLoader):  # type: ignore[misc]
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                # A few lines of them make a value that takes all memory to write out.
                raise yaml.YAMLError("aliases (*name) are not read")
            return super().compose_node(parent, index)

    try:
        value = yaml.load(text, Plain)
    except RecursionError as error:
        raise RecordError("It is nested too deep.") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:  # the last two of dates and numbers that are none
        raise RecordError(f"It is no YAML: {' '.join(str(error).split())}.") from error
    return from_plain(kind, value)


def to_plain(value: Any) -> Any:
    """Plain data with lists in place of tuples, which JSON and YAML have no word for."""
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    return [to_plain(item) for item in value] if isinstance(value, list | tuple) else value


def from_plain(kind: Any, value: Any, name: str = "It", *, lax: bool = False) -> Any:
    """Make an object of a type from plain data; the inverse of `asdict`.

    Args:
        kind: A dataclass or `TypedDict`, or a type that their fields have: a number, text or truth value, `Any`, a
            list, tuple or mapping of such, a union of them, also `Annotated` with a `Meta`.
        value: Objects, arrays, numbers and so on, as `json.loads` returns them.
        name: What to call the value in errors.
        lax: Whether text may stand for numbers and truth values, and 3.0 for 3.

    Raises:
        RecordError: The value, or a part of it, is of another type, out of its range, lacks a field, or is nested too
            deep; a number is not finite or takes more than 64 bits.
    """
    _check(value, name, DEEPEST)
    try:
        return msgspec.convert(value, kind, strict=not lax)
    except (msgspec.ValidationError, UnicodeError) as error:  # the latter of half characters, which JSON can hold
        fault, _, place = str(error).partition(" - at ")
        where = f" at {place.replace('$.', '')}" if place else ""
        raise RecordError(f"{name} is wrong{where}: {fault}.") from error


def _check(value: Any, name: str, levels: int) -> None:
    """Refuse plain data that no format of ours holds."""
    if isinstance(value, dict | list | tuple):
        if not levels:
            raise RecordError(f"{name} is nested too deep.")
        for part in value.values() if isinstance(value, dict) else value:
            if not isinstance(part, str):
                _check(part, name, levels - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise RecordError(f"{name} holds {value}, which is no finite number.")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise RecordError(f"{name} holds a number of more than 64 bits.")
