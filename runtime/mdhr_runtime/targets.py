"""Places that results are written to: who may write there, and what may be lost.

One rule for every program and output: a path is written only by the process that has claimed it, and only where nothing
is lost but an older result of the same kind. `mdhr_runtime.files` says how it is written.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from .errors import OutputError
from .files import STAGE, is_file_to_be, told

STDOUT = Path("/dev/stdout")
"""The standard output, whatever that is."""

_claimed: list[Path] = []
"""What this process has claimed."""


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
        self._lock: _Lock | None = None
        with told(path):
            to_be = path != STDOUT and is_file_to_be(path)
            self.path = Path(os.path.realpath(path)) if to_be else path
            self._check_this_run(inputs)
            if to_be:
                self._lock = _Lock(self.path)
        _claimed.append(self.path)
        try:
            with told(path):
                replaceable = not to_be or _is_replaceable(self.path, is_ours, overwrite)
        except BaseException:
            self.release()
            raise
        if not replaceable:
            self.release()
            way = "" if self.path.is_dir() else ", or have it replaced with --overwrite"
            raise OutputError(
                f"{path} is not overwritten.",
                "It exists and is not a whole result of this kind, as this program writes it.",
                f"Choose another name, or move it away{way}.",
            )

    def release(self) -> None:
        """Give the right back. Safe to call twice."""
        if self.path in _claimed:
            _claimed.remove(self.path)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _check_this_run(self, inputs: Iterable[Path]) -> None:
        places = set(map(_identity, (self.path, *self.path.parents)))
        for read in inputs:
            if _identity(read) in places:
                why = f"{read} is what the results are made from, and stays as it is."
                raise OutputError(f"{self.path} is not written.", why, "Choose a place elsewhere.")
        if _identity(self.path) in map(_identity, _claimed):
            name = "The standard output" if self.path == STDOUT else self.path
            raise OutputError(
                f"{name} cannot be written twice.",
                "It is another output of this run as well.",
                "Give every output a name of its own.",
            )


class _Lock:
    """A lock on a path among processes, which ends with the process, however that ends.

    It lies on a hidden file beside the path, which is there as long as the lock and may be left by a process that was
    killed; or on the path itself, if that is in a folder that cannot be written.

    Raises:
        OSError: There cannot be a lock, as the path cannot be written.
        OutputError: Another process has it.
    """

    def __init__(self, path: Path) -> None:
        name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]  # the path's own name may have no room for more
        self._beside = os.access(path.parent, os.W_OK) or not path.exists()
        self._file = path.parent / f".mdhr-{name}.lock" if self._beside else path
        how = os.O_RDONLY if self._file.is_dir() else os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        while True:
            self._descriptor = os.open(self._file, how, 0o666)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(self._descriptor), os.stat(self._file)):
                    return
            except FileNotFoundError:
                pass
            except BlockingIOError as error:
                os.close(self._descriptor)
                raise OutputError(
                    f"{path} is in use.",
                    "Another process is writing it.",
                    "Wait until that has ended, or choose another name.",
                ) from error
            except BaseException:
                os.close(self._descriptor)
                raise
            os.close(self._descriptor)  # its owner has just removed it: lock a new one

    def release(self) -> None:
        """Remove the lock's file, while nobody else can have the lock, and then the lock."""
        if self._beside:
            with suppress(OSError):  # a folder that has gone, or may no longer be written
                self._file.unlink()
        os.close(self._descriptor)


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
        self.partial = self._place.with_name(f"{self._place.stem}.mdhr-partial{self._place.suffix}")
        try:
            self._claims.append(Claim(self.partial, lambda _: True))
        except BaseException:
            self.release()
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
            if not inside.startswith(STAGE) and not is_ours(inside):
                raise OutputError(
                    f"{folder} is not overwritten.",
                    f"It holds {inside}, which this program did not write.",
                    "Choose another name, or move that file away.",
                )


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
