"""Folders of results and files of inputs, on this machine or in a cloud store that fsspec knows.

A name in a folder is that of a file, or of one in a folder inside: `records/x.json`. A file appears under its name with
all that is in it, or not at all: here by renaming, in stores such as S3 because an upload is one step. On this machine
it also has reached the disk before anything that is written later.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

from ..addresses import is_address, locate, redacted, without_secrets
from ..errors import DataError, MdhrError, OutputError
from ..extras import extra
from ..files import FULL, STAGE, staged, state_of_regular, told

SUFFIX = re.compile(r"\.\w{1,8}")

STALE = 24 * 3600.0
"""Seconds after which what a killed process has left is removed. A younger one may belong to one that lives."""


class Entry(NamedTuple):
    """A file in a folder: its size in bytes, and when it was written, in seconds since 1970 (0 where nobody knows)."""

    size: int
    written: float


class Folder(Protocol):
    """A folder of files that we write.

    Methods raise an `OutputError` if the folder cannot be written, and a `DataError` if it cannot be read.
    """

    @property
    def address(self) -> str:
        """Its path or URL, as it may be shown."""

    def entries(self, inside: str) -> Mapping[str, Entry]:
        """The files of a folder inside by their names there; none if there is no such folder."""

    def read(self, name: str) -> bytes:
        """All of a file."""

    def open(self, name: str) -> BinaryIO:
        """Open a file to be read from any place in it."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file, with the folder that it is in. One that is there is replaced, whole."""

    def put(self, file: Path, name: str) -> None:
        """Copy a file of this machine there, likewise."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""


def open_folder(address: str) -> Folder:
    """The folder at a path or URL, which need not exist yet.

    Raises:
        OutputError: It is one of a cloud store, and what that needs is not installed; or a file is there.
    """
    place = locate(address)
    if isinstance(place, str):
        return CloudFolder(place)
    return LocalFolder(Path(address if isinstance(place, int) else place))


class LocalFolder:
    """A `Folder` on this machine, or one that is mounted there."""

    def __init__(self, path: Path) -> None:
        self.path, self.address, self._is_new = path, str(path), not os.path.exists(path)
        if not (self._is_new or os.path.isdir(path)):
            raise OutputError(f"{path} is no folder.", "A file has this name.", "Choose another name for the folder.")

    def entries(self, inside: str) -> Mapping[str, Entry]:
        """See `Folder`. What killed processes have left there is removed when it is stale."""
        found = {}
        try:
            with os.scandir(self.path / inside) as files:
                for file in files:
                    with suppress(FileNotFoundError):  # another process has removed it meanwhile
                        state = file.stat()
                        if not file.name.startswith(STAGE):
                            found[file.name] = Entry(state.st_size, state.st_mtime)
                        elif state.st_mtime < time() - STALE:
                            shutil.rmtree(file, ignore_errors=True)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unreadable(str(self.path / inside), error) from error
        return found

    def read(self, name: str) -> bytes:
        """See `Folder`."""
        with self.open(name) as file:
            return file.read()

    def open(self, name: str) -> BinaryIO:
        """See `Folder`."""
        try:
            return (self.path / name).open("rb")
        except OSError as error:
            raise _unreadable(str(self.path / name), error) from error

    def write(self, name: str, data: bytes) -> None:
        """See `Folder`."""
        with self._new(name) as stage, stage.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def put(self, file: Path, name: str) -> None:
        """See `Folder`."""
        with self._new(name) as stage, file.open("rb") as source, stage.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())

    def remove(self, name: str) -> None:
        """See `Folder`."""
        with told(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    @contextmanager
    def _new(self, name: str) -> Iterator[Path]:
        path = self.path / name
        with told(path):
            # A folder that was there and is gone was on a disk that is gone: it is not made on the one below.
            path.parent.mkdir(parents=self._is_new, exist_ok=True)
            with staged(path) as stage:
                yield stage
            _reach_disk(path.parent)


class CloudFolder:
    """A `Folder` of a store that fsspec knows, such as `s3://bucket/results`."""

    def __init__(self, address: str) -> None:
        self.address = redacted(address)
        self._store, self._path = store_of(address)

    def entries(self, inside: str) -> Mapping[str, Entry]:
        """See `Folder`."""
        with reading(f"{self.address}/{inside}"):
            self._store.invalidate_cache()
            try:
                found = self._store.ls(f"{self._path}/{inside}", detail=True)
            except FileNotFoundError:
                return {}
        return {
            file["name"].rpartition("/")[2]: Entry(int(file["size"] or 0), _written(file))
            for file in found
            if file["type"] == "file"
        }

    def read(self, name: str) -> bytes:
        """See `Folder`."""
        with reading(f"{self.address}/{name}"):
            return cast(bytes, self._store.cat_file(f"{self._path}/{name}"))

    def open(self, name: str) -> BinaryIO:
        """See `Folder`."""
        with reading(f"{self.address}/{name}"):
            return cast(BinaryIO, self._store.open(f"{self._path}/{name}", "rb"))

    def write(self, name: str, data: bytes) -> None:
        """See `Folder`."""
        self._write(name, lambda path: self._store.pipe_file(path, data))

    def put(self, file: Path, name: str) -> None:
        """See `Folder`."""
        self._write(name, lambda path: self._store.put_file(str(file), path))

    def remove(self, name: str) -> None:
        """See `Folder`."""
        with _writing(f"{self.address}/{name}"):
            try:
                self._store.rm_file(f"{self._path}/{name}")
            except FileNotFoundError:
                return

    def _write(self, name: str, write: Callable[[str], object]) -> None:
        path = f"{self._path}/{name}"
        with _writing(f"{self.address}/{name}"):
            try:
                write(path)
            except FileNotFoundError:
                # In some stores a folder must be there. A bucket is not made: its name may be mistyped.
                if not self._store.exists(re.match("/*[^/]*", path)[0]):  # type: ignore[index]
                    raise
                self._store.makedirs(path.rpartition("/")[0], exist_ok=True)
                write(path)


class Input(NamedTuple):
    """What tells one state of an input from another: its size in bytes, and its hash or time, as its store tells it."""

    size: int
    version: str


def inspect(address: str) -> Input:
    """Look at an input, without reading it.

    Args:
        address: Path of a file, or its URL.

    Raises:
        DataError: There is no such file, or it cannot be reached, or nobody knows where it ends.
    """
    if not is_address(address):
        try:
            state = state_of_regular(address)
        except (OSError, ValueError) as error:
            raise _unreadable(address, error) from error
        return Input(state.st_size, f"mtime {state.st_mtime_ns}")
    shown = redacted(address)
    with reading(shown):
        store, path = store_of(address)
        info = store.info(path)
    if info.get("size") is None:
        why = "Its server does not tell its size, as those of live streams do not, which never end."
        raise DataError(f"{shown} cannot be fetched.", why, "Download it, and give the file.")
    return input_of(info)


def input_of(info: Mapping[str, Any]) -> Input:
    """The state of a file in a cloud store, from what fsspec tells of it."""
    known = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "mtime", "created")
    version = next((f"{name} {info[name]}" for name in known if info.get(name)), "")
    return Input(int(info.get("size") or 0), version)


@contextmanager
def local_copy(address: str, folder: Path) -> Iterator[Path]:
    """Give the path of an input on this machine: its own, or that of a copy that is removed at the end.

    Args:
        address: Path of a file, or its URL.
        folder: Where to keep the copy.

    Raises:
        DataError: It cannot be fetched, or is larger than what is free.
        OutputError: The folder has filled up meanwhile.
    """
    if not is_address(address):
        yield Path(address)
        return
    shown = redacted(address)
    with reading(shown):
        store, path = store_of(address)
        size = int(store.info(path).get("size") or 0)
    room = shutil.disk_usage(folder).free
    if size > room:
        raise DataError(
            f"{shown} cannot be fetched.",
            f"It has {size >> 20} MiB, and {folder} has room for {room >> 20}.",
            "Make room there, or choose another folder with --temp.",
        )
    suffixes = (Path(name).suffix for name in (path, shown))  # of a URL with a query, and of one with other signs
    copy = folder / f"input{next(filter(SUFFIX.fullmatch, suffixes), '')}"
    try:
        with reading(shown):
            try:
                store.get_file(path, str(copy))
            except OSError as error:
                if error.errno not in FULL:
                    raise
                what, fix = f"{shown} cannot be kept in {folder}.", "Make room, or choose another folder with --temp."
                raise OutputError(what, f"{_said(error)}.", fix) from error
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def store_of(address: str) -> tuple[Any, str]:
    """The file system of fsspec for a URL, and the path in it.

    Raises:
        OutputError: What it needs is not installed.
    """
    fsspec = extra("cloud", "fsspec")
    try:
        store, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        why = str(error).rstrip(".")
        fix = "Install what the reason names, or use another store: pip install 'mdhr-edge[cloud]' brings S3's."
        raise OutputError(f"{redacted(address)} is of a store that cannot be used.", f"{why}.", fix) from error
    return store, path.rstrip("/")


def _written(file: Mapping[str, Any]) -> float:
    value = next((file[name] for name in ("LastModified", "last_modified", "mtime", "updated") if file.get(name)), 0.0)
    return float(value.timestamp() if hasattr(value, "timestamp") else value if isinstance(value, float | int) else 0)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Tell in our words what a store refuses: its library's errors are of all families."""
    try:
        yield
    except MdhrError:
        raise
    except Exception as error:
        raise _unreadable(what, error) from error


@contextmanager
def _writing(what: str) -> Iterator[None]:
    try:
        yield
    except MdhrError:
        raise
    except Exception as error:
        fix = "Check the address, your rights to write there, and the connection."
        raise OutputError(f"{what} cannot be written.", f"{_said(error)}.", fix) from error


def _unreadable(what: str, error: Exception) -> DataError:
    fix = "Check the path or address, your rights to read it, and the connection."
    return DataError(f"{what} cannot be read.", f"{_said(error)}.", fix)


def _said(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return without_secrets(str(text).splitlines()[0].rstrip("."))


def _reach_disk(folder: Path) -> None:
    """Wait until a name that was given in a folder is on the disk, where the file system has a way to say so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
