"""Protocol buffers in text form, as far as Triton's `config.pbtxt` needs them.

The schema's own Python package comes with Triton's client and serves the tests; a bundle is handed over without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

INDENT = "  "


class Word(str):
    """Value of an enumeration: text without quotes."""


Message = Mapping[str, Any]
"""A message: its fields by name. Values are text, `Word`s, truth values, numbers, messages, or lists of them."""


def to_text(message: Message) -> str:
    """Write a message in the text form of protocol buffers.

    Args:
        message: Its fields, in the order in which they are written.

    Returns:
        Lines, the last one ended too.
    """
    return "".join(f"{line}\n" for line in _lines(message))


def _lines(message: Message) -> Iterator[str]:
    for name, value in message.items():
        if isinstance(value, Mapping):
            yield from _block(name, value)
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            for part in value:
                yield from _block(name, part)
        else:
            yield f"{name}: {_scalar(value)}"


def _block(name: str, message: Message) -> Iterator[str]:
    yield f"{name} {{"
    yield from (INDENT + line for line in _lines(message))
    yield "}"


def _scalar(value: str | bool | int | list[int]) -> str:
    if isinstance(value, Word):
        return str(value)
    return json.dumps(value)  # writes strings, numbers, truth values and lists of numbers as the text form does
