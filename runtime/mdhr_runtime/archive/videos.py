"""Which videos a collection has: from folders, patterns and stores, or from a list."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..addresses import is_address, locate, redacted
from ..errors import DataError
from ..file_types import VIDEO, explain, file_type
from ..records import RecordError
from ..sources.contents import SMALL_COPIES, VIDEO_SUFFIX
from .folders import Input, input_of, reading, store_of
from .manifests import clean, plain_name, read_manifest, refuse_stream
from .records import PLAN, RECORDS, ArchiveVideo

Found = dict[str, str]
"""Addresses of videos, by their paths below the root of a source."""


@dataclass(frozen=True)
class Collection:
    """The videos that are to be labelled.

    Attributes:
        videos: The videos, with different ids.
        columns: Types of the columns that all of them carry, by name: int, float, bool or str.
        notices: What the user should know.
        states: States of files, by address, where a listing has told them.
    """

    videos: list[ArchiveVideo]
    columns: Mapping[str, type[Any]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    states: Mapping[str, Input] = field(default_factory=dict)


def find_videos(sources: Sequence[str], manifest: str | None = None) -> Collection:
    """Find the videos of a collection.

    In folders, a file is a video by its name or by its first bytes; in a store, by its name. Hidden files and folders,
    small copies that cameras make, and the results of an archive are passed over. Folders inside are searched, also
    where links lead, but none twice.

    A video's id is its path below the folder, or below that part of a pattern that is none. Where several sources hold
    the same paths, the folders' names stand in front, or whole paths.

    Args:
        sources: Files, folders and patterns, on this machine or as URLs.
        manifest: Path or URL of a list of videos, in their place; see `manifests`.

    Raises:
        DataError: There is no video, a source cannot be read or is a camera, or ids are not unique.
        OutputError: What is needed to read a source is not installed.
    """
    if manifest is not None:
        if sources:
            why = "A list names all videos of a collection."
            raise DataError("Sources and a list of videos are both given.", why, "Give one of the two.")
        return Collection(*read_manifest(manifest))
    states: dict[str, Input] = {}
    found = [_in_store(source, states) if is_url(source) else dict(_on_disk(source)) for source in sources]
    videos = _named(found)
    if not videos:
        what = f"There is no video in {', '.join(redacted(source) for source in sources) or 'nothing'}."
        why = "No file there is one by its name, or by its first bytes."
        raise DataError(what, why, "Give videos, folders or patterns of videos, or a list with --manifest.")
    repeated = sum(map(len, found)) - len(videos)
    notices = [f"Videos that several sources hold count once: {repeated}."] if repeated else []
    return Collection(videos, notices=notices, states=states)


def is_url(source: str) -> bool:
    """Whether a source is in a store that fsspec knows, and not on this machine.

    Raises:
        DataError: It is a camera.
    """
    place = locate(source)
    try:
        if isinstance(place, int):
            raise RecordError(f"{source} is a webcam, which has no end: mdhr-run labels such.")
        refuse_stream(source)
    except RecordError as error:
        raise DataError("A source is no video of an archive.", str(error), "Give files that are complete.") from error
    return isinstance(place, str)


def _named(found: Sequence[Found]) -> list[ArchiveVideo]:
    """The videos, with the shortest ids that keep them apart."""
    ids: dict[str, tuple[str, str, str]] = {}
    for path, address in (each for source in found for each in source.items()):
        root = address[: -len(path) - 1].rpartition("/")[2]
        ids.setdefault(address, (clean(path), clean(f"{root}/{path}"), plain_name(address)))
    for form in range(3):
        if len({each[form] for each in ids.values()}) == len(ids):
            return [ArchiveVideo(each[form], address) for address, each in ids.items()]
    what = "Two videos would have the same id."
    raise DataError(what, "Their addresses can be told apart by secrets only.", "Give them ids in a list: --manifest.")


def _on_disk(source: str) -> Iterator[tuple[str, str]]:
    """The paths and addresses of the videos that a path or pattern leads to."""
    place = os.path.abspath(str(locate(source)))
    if os.path.isdir(place):
        yield from _below(place, place)
    elif os.path.lexists(place):
        kind = file_type(Path(place))
        if not (kind in (VIDEO, None) or VIDEO_SUFFIX.search(place)):
            raise DataError(f"{source} is no video.", *explain(Path(place), ""))
        yield os.path.basename(place), place
    elif glob.has_magic(place):
        # A pattern for folders of any depth is compared with what is found below: `glob` follows links in a circle.
        start, deep, rest = re.fullmatch(r"(.*?)(?:/(\*\*)(?:/(.*))?)?", place, re.DOTALL).groups()  # type: ignore[union-attr]
        root = _root(place)
        form = ["**", *(rest or "**").split("/")]
        for match in sorted(glob.iglob(start or "/")):
            if os.path.isdir(match):
                for path, address in _below(match, root):
                    if not deep or _fits(_inside(address, match).split("/"), form):
                        yield path, address
            elif not deep and _is_video(match):
                yield _inside(match, root), match
    else:
        raise DataError(f"There is no file {source}.", *explain(Path(place), "Check the path."))


def _root(pattern: str) -> str:
    """The folders in front of a pattern."""
    parts = pattern.split("/")
    return "/".join(parts[: next(index for index, part in enumerate(parts) if glob.has_magic(part))]) or "/"


def _fits(parts: Sequence[str], form: Sequence[str]) -> bool:
    """Whether the parts of a path fit those of a pattern, where `**` stands for any number."""
    if not form:
        return not parts
    if form[0] == "**":
        return form == ["**"] or any(_fits(parts[start:], form[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], form[0]) and _fits(parts[1:], form[1:])


def _below(folder: str, root: str) -> Iterator[tuple[str, str]]:
    """The videos in a folder and those inside, none of which is searched twice."""

    def fail(error: OSError) -> None:
        what = f"{error.filename} cannot be read."
        raise DataError(what, f"{error.strerror}.", "Give folders that you may read.") from error

    seen = set()
    for parent, folders, files in os.walk(folder, onerror=fail, followlinks=True):
        state = os.stat(parent)
        if (state.st_dev, state.st_ino) in seen or (PLAN in files and RECORDS in folders):
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(parent, name)
            if _is_video(path):
                yield _inside(path, root), path


def _inside(path: str, folder: str) -> str:
    return path[len(folder) :].lstrip("/")


def _is_video(path: str) -> bool:
    """Whether a file in a folder is one; also a link that leads to none, of which a record is to tell."""
    name, suffix = os.path.basename(path), os.path.splitext(path)[1]
    if name.startswith(".") or suffix.lower() in SMALL_COPIES:
        return False
    if VIDEO_SUFFIX.fullmatch(suffix):
        return os.path.isfile(path) or not os.path.exists(path)
    return file_type(Path(path)) == VIDEO


def _in_store(source: str, states: dict[str, Input]) -> Found:
    """The videos of a store that a URL leads to, of which the listing tells the states."""
    with reading(redacted(source)):
        store, path = store_of(source)
        if is_address(path) or not glob.has_magic(path) or store.exists(path):
            root = path
            if store.info(path)["type"] == "file":
                return {plain_name(source).rpartition("/")[2]: source}
            files = store.find(path, detail=True)
        else:
            root, files = _root(path), {}
            for name, info in store.glob(path, detail=True).items():
                files |= {name: info} if info["type"] == "file" else store.find(name, detail=True)
    start, slash, _ = source.rstrip("/").rpartition(path)
    if not slash:
        why = "Its addresses cannot be told from what the store lists."
        raise DataError(f"{redacted(source)} cannot be searched.", why, "Give a list of addresses with --manifest.")
    found = {}
    for name, info in files.items():
        inside = _inside(name, root)
        hidden = any(part.startswith(".") for part in inside.split("/"))
        if info["type"] == "file" and not hidden and VIDEO_SUFFIX.fullmatch(os.path.splitext(name)[1]):
            found[inside] = f"{start}{root.rstrip('/')}/{inside}"
            states[found[inside]] = input_of(info)
    return found
