"""What TensorRT says: its errors, kept for our own."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol

from ...errors import ProviderError


class Words(Protocol):
    """A TensorRT logger that keeps errors instead of printing them. It outlives whatever was made with it."""

    def last(self) -> str:
        """The most recent error, or "nothing"."""
        ...


def collect_words(trt: ModuleType) -> Any:
    """Make a logger for TensorRT's module that is `Words`."""

    class ErrorLog(trt.ILogger):
        def __init__(self) -> None:
            super().__init__()
            self._last = "nothing"

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self._last = message.strip()

        def last(self) -> str:
            return self._last

    return ErrorLog()


def gpu_failure(doing: str, what: str, words: str, fix: str, rebuild: str) -> ProviderError:
    """A failure of TensorRT on the GPU; if memory ran out, it says so.

    Args:
        doing: What was being done, to follow "to".
        what: What happened.
        words: TensorRT's own.
        fix: What to do about it.
        rebuild: The command that builds the bundle's engines.
    """
    why = f"TensorRT says: {words}"
    if "memory" in words.lower():
        fix = f"End other programs on the GPU, or build smaller engines: `{rebuild} --max-batch 1`."
        return ProviderError(f"The GPU has no memory left to {doing}.", why, fix)
    return ProviderError(what, why, fix)
