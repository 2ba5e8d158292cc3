"""What every output offers."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from ..results import FrameResult
from ..sources.base import SourceInfo as SourceInfo


class Output(Protocol):
    """Receives results. A context manager: leaving it completes what was written, whatever ended the run.

    Implementations take what they need in their constructor: their target, the names of the AUs in the order of the
    scores, and `Sequence[SourceInfo]` where they need it. They check there, before any work starts, that the target
    can be written, and raise `OutputError`. They are called from one thread.
    """

    def write(self, result: FrameResult) -> None:
        """Take the next result.

        Raises:
            OutputError: It cannot be written.
        """
        ...

    def close(self) -> None:
        """Complete what was written. Safe to call twice."""
        ...

    def __enter__(self) -> Output: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


Sources = Sequence[SourceInfo]
