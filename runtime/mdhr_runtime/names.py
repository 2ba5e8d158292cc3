"""Names of outputs that are made from the names of inputs.

What is apart stays apart: `clip.mp4` and `clip.mov`, `cam1/GOPR0001.MP4` and `cam2/GOPR0001.MP4` give different names.
A name can mostly be read, `cam1__GOPR0001.MP4`. Where it does not say all, eight digits of a hash follow: the input
has characters that names of files should not have, is too long, lies in another folder, or could be taken for another.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from .addresses import locate, redacted

JOINER = "__"
"""Stands for the "/" between folders."""
UNSAFE = frozenset("\\:*?\"<>|$`'&;#!~^{}[]%")
"""Characters that shells or other systems have trouble with, besides those that cannot be printed."""
HIDDEN = (".", "-", " ")
"""Beginnings that hide a file, or make it look like an option."""
HASHED = re.compile(r"-[0-9a-f]{8}$")
LONGEST = 255 - len(".mdhr-partial")
"""Bytes of a name: a file system takes 255, and a file may have another name until it is complete."""


def table_name(sources: Sequence[str], start: datetime) -> str:
    """The name of a run's table, if none is given.

    What is not a file of its own, which a second run would find the same, carries the time: a later run leaves it.

    Args:
        sources: What the run reads, as the user gave it.
        start: When the run begins.
    """
    thousandths = f".{start.microsecond // 1000:03}" if start.microsecond else ""  # two runs may begin in one second
    suffix = f"-{start:%Y-%m-%dT%H.%M.%S}{thousandths}.csv"
    if len(sources) > 1:
        return f"au{suffix}"
    source = locate(sources[0])
    if isinstance(source, int):
        return f"camera{source}{suffix}"
    if isinstance(source, str):
        return name_of(redacted(source).partition("://")[2], suffix=suffix)
    return name_of_file(source, ".csv")


def name_of_file(path: Path, suffix: str) -> str:
    """The name of an output in the current folder that is made from a file or folder. Different ones have different.

    Args:
        path: What it is made from.
        suffix: What the name is to end in.
    """
    path, here = Path(os.path.abspath(path)), Path.cwd()
    if here in path.parents:
        return name_of(path.relative_to(here).as_posix(), suffix=suffix)
    return _name([path.parent.name, path.name], str(path), "", suffix, readable=False)


def name_of(text: str, prefix: str = "", suffix: str = "") -> str:
    """The name of an output of one source. Different sources have different ones.

    Args:
        text: The source's name: that of a file with its folders, or host and path of a camera.
        prefix: What the name is to begin with.
        suffix: What it is to end in.
    """
    return _name(text.split("/"), text, prefix, suffix)


def one_per_source(path: Path, sources: Sequence[str]) -> list[Path]:
    """The places of an output that every source has for itself: of one source the path, or with the name of each.

    Args:
        path: The output, as the user names it.
        sources: Names of the sources.
    """
    if len(sources) == 1:
        return [path]
    return [path.with_name(name_of(source, f"{path.stem}-", path.suffix)) for source in sources]


def _name(parts: Sequence[str], whole: str, prefix: str, suffix: str, readable: bool = True) -> str:
    safe = list(map(_safe, parts))
    name = JOINER.join(safe)
    room = LONGEST - len(os.fsencode(prefix + suffix))
    faithful = safe == list(parts) and name.split(JOINER) == safe and name and not HASHED.search(name)
    if not (readable and faithful and len(name.encode()) <= room):
        tail = "-" + hashlib.sha256(os.fsencode(whole)).hexdigest()[:8]
        name = name.encode()[: room - len(tail)].decode(errors="ignore") + tail
    return prefix + name + suffix


def _safe(part: str) -> str:
    safe = part
    if not (part.isprintable() and UNSAFE.isdisjoint(part)):
        safe = "".join(char if char.isprintable() and char not in UNSAFE else "_" for char in part)
    return "_" + safe[1:] if safe.startswith(HIDDEN) else safe
