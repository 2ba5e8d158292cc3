"""Errors of data loading processes, told as what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from mdhr_runtime import errors

TEXT = re.compile(r"mdhr_runtime\.errors\.(\w+): (.*?)\n  why: (.*?)\n  fix: (.*?)\s*$", re.DOTALL)
"""The end of what PyTorch says of an `MdhrError` in another process: its class and its three parts."""


@contextmanager
def worker_errors() -> Iterator[None]:
    """Raise errors of a DataLoader's processes as the `MdhrError`s that they were.

    PyTorch makes errors with more than one argument `RuntimeError`s that hold the other process's traceback as text.
    Wrap this around the iteration over a loader.

    Raises:
        MdhrError: The one that was raised in the other process.
        DataError: The process was killed.
    """
    try:
        yield
    except RuntimeError as error:
        if found := TEXT.search(str(error)):
            name, *parts = found.groups()
            raise getattr(errors, name)(*parts) from error
        if "exited unexpectedly" in str(error) or "is killed by signal" in str(error):
            raise errors.DataError(
                "A process that loads data was killed.",
                "The system does so when memory runs out, or somebody ended it.",
                "Resume the run. With fewer --workers it needs less memory.",
            ) from error
        raise
