"""Places that results are written to: who may write there, and what may be lost.

One rule for every program and output: a path is written only by the process that has claimed it, and only where nothing
is lost but an older result of the same kind. `mdhr_runtime.files` says how it is written.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import weakref
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock

from .errors import OutputError
from .files import HIDDEN, is_file_to_be, told

STDOUT = Path("/dev/stdout")
"""The standard output, whatever that is."""


class Claim:
    """The right to write a path until `release`: exclusive among processes, and only where nothing of others is lost.

    Nothing at the path is changed. What a symbolic link leads to is judged, and to be written. Of pipes, terminals,
    devices and the standard output only this is checked: that the process does not write to them twice.

    Args:
        path: The file or folder to be, existing or not.
        is_ours: Tells whether an existing file or folder is a whole result of this program of the same kind. It may
            also raise an `MdhrError` that says what in it is not. Empty files hold nothing, and are not shown to it.
        inputs: Files and folders that are read, which are never written to, nor into.
        overwrite: Whether the user wants a file of any kind replaced. A folder must be ours all the same: what is in
            it cannot be seen from its name.

    Attributes:
        path: What `path` leads to.

    Raises:
        OutputError: The path is an input, another output of this process, in use by another one, or holds something
            else, or cannot be written.
    """

    def __init__(
        self, path: Path, is_ours: Callable[[Path], bool], *, inputs: Iterable[Path] = (), overwrite: bool = False
    ) -> None:
        with told(path):
            to_be = path != STDOUT and is_file_to_be(path)
            self.path = Path(os.path.realpath(path)) if to_be else path
            self._check_this_run(inputs)
            lock = _lock(self.path) if to_be else (None, None)
        self._unlock = weakref.finalize(self, _unlock, *lock)  # also if nobody releases it
        self._unlock.atexit = False  # which would come in forked processes, too
        try:
            with told(path):
                if to_be and not _is_replaceable(self.path, is_ours, overwrite):
                    way = "" if self.path.is_dir() else ", or have it replaced with --overwrite"
                    raise OutputError(
                        f"{path} is not overwritten.",
                        "It exists and is not a whole result of this kind, as this program writes it.",
                        f"Choose another name, or move it away{way}.",
                    )
        except BaseException:
            self._unlock()
            raise
        with _claiming:
            _claims.add(self)

    def release(self) -> None:
        """Give the right back. Safe to call twice."""
        with _claiming:
            _claims.discard(self)
        self._unlock()

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _check_this_run(self, inputs: Iterable[Path]) -> None:
        refuse_inputs(self.path, inputs)
        with _claiming:
            claimed = [claim.path for claim in _claims]
        if _identity(self.path) in map(_identity, claimed):
            name = "The standard output" if self.path == STDOUT else self.path
            raise OutputError(
                f"{name} cannot be written twice.",
                "It is another output of this run as well.",
                "Give every output a name of its own.",
            )


_claims: weakref.WeakSet[Claim] = weakref.WeakSet()
"""What this process has claimed."""

_claiming = Lock()
"""Held while threads look at these or change them."""


def _lock(path: Path) -> tuple[Path | None, int]:
    """Lock a path among processes, until `_unlock` or the end of the process, however that ends.

    The lock lies on a hidden file beside the path, which is there as long as the lock and may be left by a process that
    was killed; or on the path itself, if that is in a folder that cannot be written.

    Returns:
        The hidden file, and the lock's descriptor.

    Raises:
        OSError: There can be no lock, as the path cannot be written.
        OutputError: Another process has it.
    """
    beside = os.access(path.parent, os.W_OK) or not path.exists()
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]  # of one length, as the path's may be the longest
    file = path.parent / f"{HIDDEN}{name}.lock" if beside else path
    how = os.O_RDONLY if file.is_dir() else os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    while True:
        with ExitStack() as stack:
            descriptor = os.open(file, how, 0o666)
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                fix = "Wait until that has ended, or choose another name."
                raise OutputError(f"{path} is in use.", "Another process is writing it.", fix) from error
            with suppress(FileNotFoundError):  # or its owner has just removed it: lock a new one
                if os.path.samestat(os.fstat(descriptor), file.stat()):
                    stack.pop_all()
                    return file if beside else None, descriptor


def _unlock(file: Path | None, descriptor: int | None) -> None:
    """Remove the lock's file, while nobody else can have the lock, and then the lock."""
    if file is not None:
        with suppress(OSError):  # a folder that has gone, or may no longer be written
            file.unlink()
    if descriptor is not None:
        os.close(descriptor)


class PartialFile:
    """A file that is written under another name, `au.mdhr-partial.parquet` for `au.parquet`, until it is complete.

    Both names are claimed until then. A program that is killed leaves the file under the other name, by which the next
    one knows that it may be replaced, and an older file under its own.

    Args:
        path: The file in the end.
        is_ours: As for `Claim`.
        inputs: As for `Claim`.
        overwrite: As for `Claim`.

    Attributes:
        path: The file in the end.
        partial: Where to write until then.

    Raises:
        OutputError: The file cannot be written, or is not to be replaced; see `Claim`.
    """

    def __init__(
        self, path: Path, is_ours: Callable[[Path], bool], *, inputs: Iterable[Path] = (), overwrite: bool = False
    ) -> None:
        with told(path):
            if not is_file_to_be(path):
                raise OutputError(
                    f"{path} cannot be written.",
                    f"It is no file, and {path.suffix} cannot be written as a stream.",
                    "Give the name of a file, or write .csv or .jsonl.",
                )
        self.path = path
        self._claims = [Claim(path, is_ours, inputs=inputs, overwrite=overwrite)]
        self._place = self._claims[0].path
        end = os.fsencode(f".mdhr-partial{self._place.suffix}")
        stem = os.fsencode(self._place.stem)[: 255 - len(end)]  # a name has no more bytes
        self.partial = self._place.with_name(os.fsdecode(stem + end))
        try:
            self._claims.append(Claim(self.partial, Path.is_file))
        except BaseException:
            self.release()
            raise

    def fill(self, data: bytes) -> None:
        """Write all of the file at once, and complete it.

        Raises:
            OutputError: It cannot be written, and what stood there stays.
        """
        try:
            with told(self.path):
                self.partial.write_bytes(data)
            self.complete()
        except BaseException:
            self.discard()
            raise

    def complete(self) -> None:
        """Give the file its name, and release it.

        Raises:
            OutputError: It cannot be renamed.
        """
        try:
            with told(self.path):
                os.replace(self.partial, self._place)
        finally:
            self.release()

    def discard(self) -> None:
        """Remove what was written, and release the file."""
        self.partial.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Give the names back, as they are. Safe to call twice."""
        for claim in self._claims:
            claim.release()


def refuse_inputs(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write what results are made from, or into it.

    Raises:
        OutputError: The path is one of them, or in one.
    """
    places = set(map(_identity, (path, *path.parents)))
    for read in inputs:
        if _identity(read) in places:
            why = f"{read} is what the results are made from, and stays as it is."
            raise OutputError(f"{path} is not written.", why, "Choose a place elsewhere.")


def refuse_foreign(folder: Path, is_ours: Callable[[str], bool]) -> None:
    """Refuse a folder in which a file is not ours: for those who tell `Claim` whether a folder may be replaced.

    Args:
        folder: The folder.
        is_ours: Tells by a file's path in the folder, such as "engines/x.engine", whether we write a file there.

    Raises:
        OutputError: A file or symbolic link in the folder is not ours.
        OSError: A folder in it cannot be read.
    """

    def fail(error: OSError) -> None:
        raise error

    for parent, folders, files in os.walk(folder, onerror=fail):
        links = (name for name in folders if os.path.islink(os.path.join(parent, name)))
        for name in (*files, *links):
            inside = Path(parent, name).relative_to(folder).as_posix()
            if not any(part.startswith(HIDDEN) for part in inside.split("/")) and not is_ours(inside):
                raise OutputError(
                    f"{folder} is not overwritten.",
                    f"It holds {inside}, which this program did not write.",
                    "Choose another name, or move that file away.",
                )


def sealed(data: bytes, comment: str) -> bytes:
    """Data with a last line by which `is_sealed` tells that we wrote it, and nobody has changed it since.

    Args:
        data: A file's contents.
        comment: A comment of the file's format, with `{}` in the place of its text.
    """
    return data + comment.format(f"mdhr-edge {hashlib.sha256(data).hexdigest()}").encode() + b"\n"


def is_sealed(data: bytes, comment: str) -> bool:
    """Whether data is as `sealed` gave it."""
    return data == sealed(data[: len(data) - len(sealed(b"", comment))], comment)


def mp4_mark(kind: str) -> bytes:
    """The end of our MP4 files of a kind, by which we recognise them: a box of the format that players skip."""
    text = f"mdhr-edge {kind}".encode()
    return struct.pack(">I4s", 8 + len(text), b"free") + text


def is_marked_mp4(path: Path, mark: bytes) -> bool:
    """Whether a file is an MP4, with a mark as its end."""
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(max(path.stat().st_size - len(mark), 0))
        return start[4:] == b"ftyp" and file.read() == mark


def _is_replaceable(path: Path, is_ours: Callable[[Path], bool], overwrite: bool) -> bool:
    if path.is_dir():
        return is_ours(path)
    if not path.exists():
        return True
    path.open("ab").close()  # changes nothing, and fails where writing will
    return overwrite or path.stat().st_size == 0 or is_ours(path)


def _identity(path: Path) -> object:
    """What two paths that lead to the same have in common."""
    try:
        found = path.stat()
    except OSError:  # nothing is there yet
        return path
    return found.st_dev, found.st_ino
