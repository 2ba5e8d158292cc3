"""The protocol of sources of images, and what they give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Protocol

from ..results import SourceInfo
from .frame import Frame
from .selection import Selection


class Source(Protocol):
    """A source of images, to be read once, from one thread."""

    @property
    def name(self) -> str:
        """Its name, unique within a run."""

    @property
    def live(self) -> bool:
        """Whether images appear at their own pace, like a camera's, and are lost if nobody takes them."""

    @property
    def fps(self) -> float | None:
        """Images per second as the source states them, or None if it does not know."""

    @property
    def frame_count(self) -> int | None:
        """Number of images that it promises, or None. It may be off by a few."""

    @property
    def lost(self) -> int:
        """Frames so far that were lost because their data is damaged."""

    @property
    def files(self) -> Sequence[Path]:
        """The files that it reads, none of which may be written; empty for a camera."""

    @property
    def warnings(self) -> list[str]:
        """Sentences that the user should read. Grows while the source is read."""

    @property
    def info(self) -> SourceInfo:
        """Its name and kind, for those who take its results."""

    def __iter__(self) -> Iterator[Frame | None]:
        """Give the images in order; None where images are missing, so that what follows is no continuation.

        Raises:
            VideoError: The source ends early or never begins. What came before is good.
        """

    def stop(self) -> None:
        """Let the iteration end soon. May be called from any thread."""


class SourceBase:
    """All of a `Source` but its frames, for those that know their properties from the start.

    Args:
        name: Its name, a file's with whatever bytes it has.
        live: As in `Source`.
        fps: As in `Source`.
        frame_count: As in `Source`.
        files: As in `Source`.

    Attributes:
        selection: The part of it that is given; may be set before it is read.
    """

    def __init__(
        self,
        name: str,
        *,
        live: bool = False,
        fps: float | None = None,
        frame_count: int | None = None,
        files: Sequence[Path] = (),
    ) -> None:
        self.name = name.encode(errors="surrogateescape").decode(errors="replace")
        self.live, self.fps, self.frame_count, self.files = live, fps, frame_count, files
        self.lost = 0
        self.warnings: list[str] = []
        self.selection = Selection()
        self._stopped = Event()

    def __iter__(self) -> Iterator[Frame | None]:
        """See `Source`."""
        return self.selection.of(self._frames())

    def _frames(self) -> Iterator[Frame | None]:
        raise NotImplementedError

    @property
    def info(self) -> SourceInfo:
        """Its name and kind, for those who take its results."""
        return SourceInfo(self.name, self.fps, self.live)

    def stop(self) -> None:
        """End the iteration after the frame that is being read or waited for, for a camera's timeout at most."""
        self._stopped.set()
