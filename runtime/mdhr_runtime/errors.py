"""The one exception family of MDHR Edge.

Every error that a user can cause or repair has three parts: what happened, why, and what to do about it.
Anything else that escapes is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

import re
from collections.abc import Sequence


class MdhrError(Exception):
    """Base of all errors that are meant for the user.

    Args:
        what: What happened, one sentence.
        why: The reason, as far as it is known.
        fix: What the user can do about it.
    """

    def __init__(self, what: str, why: str, fix: str) -> None:
        self.what, self.why, self.fix = what, why, fix
        super().__init__(f"{what}\n  why: {why}\n  fix: {fix}")

    def __reduce__(self) -> tuple[type[MdhrError], tuple[object, ...]]:
        """Let the error travel between processes."""
        return type(self), (self.what, self.why, self.fix)


class BundleError(MdhrError):
    """A bundle is missing, incomplete, altered, or newer than this software."""


class ProviderError(MdhrError):
    """No execution provider, or not the one that was asked for."""


class FramesError(MdhrError):
    """Frames of a wrong shape, dtype or number of colours."""


class VideoError(MdhrError):
    """A video that cannot be opened or read."""


class AnalysisError(MdhrError):
    """Several sources of an analysis that ended with errors.

    Args:
        problems: The sources' names and errors.

    Attributes:
        problems: The same.
    """

    def __init__(self, problems: Sequence[tuple[str, MdhrError]]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"{len(self.problems)} sources ended with an error.",
            "\n       ".join(f"{name}: {error.what} {error.why}" for name, error in self.problems),
            "\n       ".join(f"{name}: {error.fix}" for name, error in self.problems),
        )

    def __reduce__(self) -> tuple[type[MdhrError], tuple[object, ...]]:
        """Let the error travel between processes."""
        return type(self), (self.problems,)


class OutputError(MdhrError):
    """A result that cannot be written where it was asked for."""


class CheckpointError(MdhrError):
    """A checkpoint that cannot be read, or that is not one of an MDHR model."""


class ConfigError(MdhrError):
    """A model or training configuration that makes no sense."""


class ExportError(MdhrError):
    """An export that failed or whose graphs do not compute what the model computes."""


class RunError(MdhrError):
    """A folder of a training run that cannot be read."""


class DataError(MdhrError):
    """A dataset that is missing, incomplete, damaged, or contradicts itself."""


class ResourceError(MdhrError):
    """The machine has too little memory, or lets the program have too little."""


_SHORTAGE = re.compile(
    r"bad_alloc|insufficient memory|"
    r"(can't|cannot|failed to) (allocate (memory|\d+ bytes)|map segment from shared object|start new thread)",
    re.IGNORECASE,
)


def shortage(error: BaseException | None) -> ResourceError | None:
    """The error to tell if memory ran out, in whatever words a library said so somewhere before; None if it did not."""
    while error is not None:
        said = [line for line in str(error).splitlines() if _SHORTAGE.search(line)]
        if said or isinstance(error, MemoryError):
            return ResourceError(
                "Memory ran out.",
                said[0].removeprefix("  why: ") if said else "No more could be had.",
                "End other programs, give fewer or smaller sources at once, or let this program have more memory.",
            )
        error = error.__cause__ or error.__context__
    return None


def not_imported(name: str, error: ImportError, install: str) -> tuple[str, str, str]:
    """The parts of an error on a library that could not be imported: one that is there is not called missing.

    Args:
        name: What it is, as the subject of a sentence.
        error: What the import raised.
        install: How it is installed, a sentence.
    """
    if isinstance(error, ModuleNotFoundError):
        return f"{name} is not installed.", f"{error}.", install
    return f"{name} is installed, and cannot be loaded.", f"{error}.", f"Repair what the reason names, or: {install}"
