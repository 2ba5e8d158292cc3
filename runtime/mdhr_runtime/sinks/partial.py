"""Files that are worth nothing until they are complete, such as Parquet and MP4."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..errors import OutputError
from .lines import cannot_write, check_replaceable, is_file_to_be


class PartialFile:
    """A file that is written under another name, `au.partial.parquet` for `au.parquet`, until it is complete.

    A program that is killed leaves the file under that name, and an older file under its own.

    Args:
        path: The file in the end.
        is_ours: Tells whether an existing file may be replaced.

    Attributes:
        path: The file in the end.
        partial: Where to write until then.

    Raises:
        OutputError: The file cannot be written, or is not to be replaced.
    """

    def __init__(self, path: Path, is_ours: Callable[[Path], bool]) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.stem}.partial{path.suffix}")
        if not is_file_to_be(path):
            raise OutputError(
                f"{path} cannot be written.",
                f"It is no file, and {path.suffix} cannot be written as a stream.",
                "Give the name of a file, or write .csv or .jsonl.",
            )
        check_replaceable(path, is_ours)
        check_replaceable(self.partial, lambda _: True)

    def complete(self) -> None:
        """Give the file its name.

        Raises:
            OutputError: It cannot be renamed.
        """
        try:
            os.replace(self.partial, self.path)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def discard(self) -> None:
        """Remove what was written."""
        self.partial.unlink(missing_ok=True)
