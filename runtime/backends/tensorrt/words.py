"""What TensorRT says: its errors, kept for our own."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol


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
