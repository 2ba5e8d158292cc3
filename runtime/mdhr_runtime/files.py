"""Writing files so that none is ever torn.

| what is written | with | what a killed program leaves |
|---|---|---|
| texts, pictures and folders, at once | `staged`, `write_text` | what was there before |
| rows, one by one | `LineFile` | complete lines |
| Parquet and MP4, unreadable until complete | `PartialFile` | `NAME.mdhr-partial.SUFFIX`, and what was there before |

Whether a place may be written at all, `mdhr_runtime.targets` decides, which has `PartialFile` as well. `told` explains
in our words why writing failed.
"""

from __future__ import annotations

import atexit
import errno
import os
import select
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from .errors import MdhrError, OutputError

STDOUT_DESCRIPTOR = 1
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where there is no room."""
HIDDEN = ".mdhr-"
"""Beginning of the names of all that a killed process may leave."""

STAGE = f"{HIDDEN}stage-"
"""Beginning of the names of the hidden folders in which `staged` keeps what is not complete."""


def is_file_to_be(path: Path) -> bool:
    """Say whether a path is that of a file or folder, existing or to be created, and not of a pipe or device.

    Raises:
        OSError: There can be no such path.
    """
    return path.is_file() or path.is_dir() or not path.exists()


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, and move what was written there to `path` when the block succeeds.

    The block may create a file or a folder. When it ends by any exception, what it wrote is removed and what stood at
    `path` stays. A program that is killed leaves a hidden folder whose name begins with `STAGE`.

    Args:
        path: The result's place. An existing file or folder is replaced; a symbolic link stays, and what it leads to
            is replaced.

    Yields:
        A path in the same file system that does not exist yet.

    Raises:
        OSError: The folder of `path` cannot be written, or there is a pipe or device.
    """
    path = Path(os.path.realpath(path))
    if not is_file_to_be(path):
        raise OSError(f"{path} is a pipe or a device, and not a file.")
    holder = Path(tempfile.mkdtemp(prefix=STAGE, dir=path.parent))
    try:
        stage = holder / path.name
        yield stage
        if stage.is_dir() and path.exists():
            # A folder with contents cannot be renamed over: move the old one aside first.
            old = holder / holder.name
            try:
                os.rename(path, old)
                os.rename(stage, path)
            except BaseException:  # a signal, too, may come between the two
                if old.exists() and not path.exists():
                    os.rename(old, path)
                raise
        else:
            os.replace(stage, path)
    finally:
        with suppress(MemoryError):
            shutil.rmtree(holder, ignore_errors=True)
        if holder.exists():  # where memory ran out, the error that ends the program holds it: at the end there is some
            atexit.register(shutil.rmtree, holder, ignore_errors=True)


@contextmanager
def told(
    what: Path | str,
    error: type[MdhrError] = OutputError,
    fix: str = "Choose a place in an existing folder that you may write to and that has space.",
) -> Iterator[None]:
    """Tell in our words why something could not be written.

    Args:
        what: What is written, as the subject of a sentence: "The bundle x.mdhr".
        error: The kind of error.
        fix: What the user can do.

    Raises:
        MdhrError: `error`, in place of an OSError in the block.
    """
    try:
        yield
    except OSError as cause:
        raise error(f"{what} cannot be written.", cause.strerror or str(cause), fix) from cause


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, with the folders above it. An older one is replaced whole, or stays.

    Raises:
        OutputError: The file cannot be written.
    """
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged(path) as stage:
            stage.write_text(text, encoding="utf-8")


class ReaderGone(Exception):
    """The reader of our pipe has closed it, as `head` does when it has seen enough.

    Not an error: there is nothing to tell. The program ends quietly, with the status that a shell gives to a program
    that SIGPIPE ends: `128 + signal.SIGPIPE`.
    """


class LineFile:
    """A file that grows by whole lines, each of which is in the file when `write` returns.

    Args:
        path: The file, which is replaced; None is the standard output.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._name = path or "The standard output"
        with told(self._name):
            # Unbuffered and past `sys.stdout`, which would try to flush to a closed pipe once more at exit.
            self._file = FileIO(path or STDOUT_DESCRIPTOR, "w", closefd=path is not None)

    def write(self, line: str) -> None:
        r"""Append a line.

        Args:
            line: Its text, with its final "\n".

        Raises:
            OutputError: It cannot be written, for example because the disk is full. The lines before it are complete.
            ReaderGone: The file is a pipe whose reader has closed it.
        """
        data = as_utf8(line)
        written = 0
        with told(self._name):
            try:
                while written < len(data):
                    written += self._file.write(data[written:]) or self._wait()
            except BaseException as error:
                if 0 < written < len(data):  # take the torn line back, where that is possible
                    with suppress(OSError):
                        self._file.truncate(self._file.tell() - written)
                if isinstance(error, BrokenPipeError):
                    raise ReaderGone from error
                raise

    def _wait(self) -> int:
        # A pipe that another program has set to non-blocking takes nothing while it is full.
        select.select([], [self._file], [])
        return 0

    def close(self) -> None:
        """Close the file; the standard output stays open. Safe to call twice."""
        self._file.close()


def as_utf8(text: str) -> bytes:
    """Text as UTF-8, also if it is the name of a file that is not: its odd bytes are written out."""
    return text.encode(errors="backslashreplace")


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read it. What is none is refused: a pipe that nobody writes to and a device may never end.

    Raises:
        OSError: There is no such file, or it cannot be read, or it is something else.
        ValueError: No file can have this name.
    """
    state_of_regular(path)
    return path.open("rb")


def state_of_regular(path: Path | str) -> os.stat_result:
    """Look at a file that can be read to its end; errors are those of `open_regular`."""
    state = os.stat(path)
    if not stat.S_ISREG(state.st_mode):
        kind = _KINDS.get(stat.S_IFMT(state.st_mode), "no file")
        raise OSError(errno.EINVAL, f"It is {kind}", str(path))
    return state
