"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import MdhrError, OutputError


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, and move what was written there to `path` when the block succeeds.

    The block may create a file or a folder. When it fails, what it wrote is removed and what stood at `path` stays.

    Args:
        path: Where the result belongs. An existing file or folder is replaced.

    Yields:
        A path in the same file system that does not exist yet.

    Raises:
        OSError: The folder of `path` cannot be written.
    """
    holder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        stage = holder / path.name
        yield stage
        if stage.is_dir() and path.exists():
            # A folder with contents cannot be renamed over: move the old one aside first.
            old = holder / "replaced"
            os.rename(path, old)
            try:
                os.rename(stage, path)
            except OSError:
                os.rename(old, path)
                raise
        else:
            os.replace(stage, path)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


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
