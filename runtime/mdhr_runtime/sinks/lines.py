"""Writing lines so that whatever ends the program, the file holds complete ones."""

from __future__ import annotations

import select
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path

from ..errors import OutputError

STANDARD_OUTPUT = 1
"""Its file descriptor."""


class ReaderGone(Exception):
    """Whoever read our pipe has closed it, as `head` does when it has seen enough.

    Not an error: there is nothing to tell and nobody to tell it to. The program ends quietly, with the status that a
    shell gives to a program that SIGPIPE ends: `128 + signal.SIGPIPE`.
    """


def as_utf8(text: str) -> bytes:
    """Text as UTF-8, also where it is the name of a file that is not: its odd bytes are written out."""
    return text.encode(errors="backslashreplace")


def is_file_to_be(path: Path) -> bool:
    """Whether a path stands for a file of ours, and not for a pipe, a terminal or a device that exists already."""
    return path.is_file() or path.is_dir() or not path.exists()


def check_replaceable(path: Path, is_ours: Callable[[Path], bool]) -> None:
    """Make sure, before any work, that a file can be written. Nothing is changed.

    An older file of the same kind is going to be replaced; any other existing file is refused, lest a slip costs a
    video.

    Args:
        path: The file.
        is_ours: Tells whether an existing file that is not empty may be replaced.

    Raises:
        OutputError: It cannot be written, or holds something else.
    """
    if not is_file_to_be(path):
        return  # opening a pipe or a terminal to see would already disturb its reader
    try:
        existed = path.exists()
        path.open("ab").close()
        if not existed:
            path.unlink()
        replaceable = not existed or path.stat().st_size == 0 or is_ours(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    if not replaceable:
        raise OutputError(
            f"{path} is not overwritten.",
            "It exists and was not written by this program.",
            "Choose another name, or move the file away.",
        )


def cannot_write(path: Path | str, error: OSError) -> OutputError:
    """What to say of a file that cannot be written."""
    return OutputError(
        f"{path} cannot be written.",
        error.strerror or str(error),
        "Choose a file in an existing folder that you may write to and that has space.",
    )


class LineFile:
    """A file that grows by whole lines, each of which is in the file when `write` returns.

    Args:
        path: The file, which is replaced; None is the standard output.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._name = path or "The standard output"
        try:
            # Unbuffered and past `sys.stdout`, which would try to flush to a closed pipe once more at exit.
            self._file = FileIO(path or STANDARD_OUTPUT, "w", closefd=path is not None)
        except OSError as error:
            raise cannot_write(self._name, error) from error

    def write(self, line: str) -> None:
        r"""Append a line.

        Args:
            line: Its text, with its final "\n".

        Raises:
            OutputError: It cannot be written, for example because the disk is full. The lines before it are complete.
            ReaderGone: The file is a pipe that nobody reads any more.
        """
        data = as_utf8(line)
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:]) or self._wait()
        except BaseException as error:
            if 0 < written < len(data):  # take the torn line back, where that is possible
                with suppress(OSError):
                    self._file.truncate(self._file.tell() - written)
            if isinstance(error, BrokenPipeError):
                raise ReaderGone from error
            if isinstance(error, OSError):
                raise cannot_write(self._name, error) from error
            raise

    def _wait(self) -> int:
        # A pipe that another program has set to non-blocking takes nothing while it is full.
        select.select([], [self._file], [])
        return 0

    def close(self) -> None:
        """Close the file; the standard output stays open. Safe to call twice."""
        self._file.close()
