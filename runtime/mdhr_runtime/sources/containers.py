"""Whether a video's file is as long as its container says: cut copies and downloads are told from whole ones."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

HEAD = 16
"""Bytes in which a part says how long it is."""


def is_cut_short(path: Path) -> bool:
    """Whether a file ends within a part that it has begun. False where the container does not say how long it is.

    Args:
        path: A video; MP4, MOV, AVI and Matroska (WebM) are understood.
    """
    length, offset = path.stat().st_size, 0
    with path.open("rb") as file:
        start = file.read(HEAD)
        measure = next((measure for form, measure in CONTAINERS.items() if re.match(form, start, re.DOTALL)), None)
        while measure is not None and offset < length:
            file.seek(offset)
            size = measure(file.read(HEAD).ljust(HEAD, b"\0"))
            if not size:
                return False
            offset += size
    return offset > length


def _box(head: bytes) -> int:
    size, kind, large = struct.unpack(">I4sQ", head)
    return 0 if not kind.isalnum() else large if size == 1 else size


def _chunk(head: bytes) -> int:
    kind, size = struct.unpack("<4sI", head[:8])
    return 8 + size + size % 2 if kind == b"RIFF" else 0


def _element(head: bytes) -> int:
    if not head[0]:
        return 0
    name = 9 - head[0].bit_length()  # bytes; the first one's leading zeros say how many
    width = 9 - head[name].bit_length()
    most = (1 << 7 * width) - 1
    size = int.from_bytes(head[name : name + width], "big") & most
    return 0 if size == most else name + width + size  # all ones: not known, as of a stream


CONTAINERS: dict[bytes, Callable[[bytes], int]] = {
    rb".{4}(ftyp|moov|mdat|wide|free)": _box,
    rb"RIFF.{4}AVI ": _chunk,
    rb"\x1aE\xdf\xa3": _element,
}
"""By their first bytes: what reads the size of a part, with its head, from its first `HEAD` bytes; 0 if it is open."""
