"""Typed objects from what JSON keeps of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict


def from_plain(kind: Any, value: Any, name: str = "The result") -> Any:
    """Make an object of a type from what JSON keeps of it; the inverse of `asdict`.

    Args:
        kind: A dataclass or `TypedDict`, or a type that their fields have: a number, text or truth value, `Any`, a
            list, tuple or mapping of such, each also `| None`.
        value: Objects, arrays, numbers and so on, as `json.loads` returns them.
        name: What to call the value in errors.

    Raises:
        TypeError: The value, or a part of it, is of another type, lacks a field, or is no field of a dataclass.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin is UnionType:
        return None if value is None else from_plain(inner[0], value, name)
    if origin in (list, tuple) and isinstance(value, list):
        return origin(from_plain(inner[0], each, f"{name}[{index}]") for index, each in enumerate(value))
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: from_plain(inner[1], each, f"{name}, {key}") for key, each in value.items()}
    if is_typeddict(kind) and isinstance(value, dict):
        hints = get_type_hints(kind)
        if hints.keys() - value.keys():
            raise TypeError(f"{name} lacks {min(hints.keys() - value.keys())!r}.")
        return {key: from_plain(hints[key], value[key], f"{name}, {key}") for key in hints}
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, dict):
        hints = get_type_hints(kind)
        needed = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}
        for sort, names in (("lacks", needed - value.keys()), ("has an unknown field,", value.keys() - hints.keys())):
            if names:
                raise TypeError(f"{name} {sort} {min(names)!r}.")
        return kind(**{key: from_plain(hints[key], each, f"{name}, {key}") for key, each in value.items()})
    # JSON's whole numbers are numbers too, but truth values are none.
    kinds = {float: (int, float)}.get(kind, (kind,))
    simple = origin is None and not is_typeddict(kind)
    if simple and isinstance(value, kinds) and isinstance(value, bool) == (kind is bool):
        return value
    raise TypeError(f"{name} is {str(value)[:50]!r}, which is no {getattr(kind, '__name__', kind)}.")
