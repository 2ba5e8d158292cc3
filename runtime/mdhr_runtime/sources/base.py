"""The protocol of sources of images, and what they give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Protocol

from ..errors import VideoError
from ..results import SourceInfo
from .frame import Frame
from .pace import watched
from .selection import WHOLE


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
        """Images per second that it gives, as far as the source states its rate, or None if it does not."""

    @property
    def frame_count(self) -> int | None:
        """Number of images that it promises to give, or None. It may be off by a few."""

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
        fps: Images per second of the whole source, as it states them, or None.
        frame_count: Number of images of the whole source that it promises, or None.
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
        self.live, self.files = live, files
        self._fps, self._frame_count = fps, frame_count
        self.lost = 0
        self.warnings: list[str] = []
        self.selection = WHOLE
        self._stopped = Event()

    def __iter__(self) -> Iterator[Frame | None]:
        """See `Source`."""
        empty = True
        for frame in watched(self.selection.of(self._frames()), self.warnings.append):
            empty = empty and frame is None
            yield frame
        if empty and self.selection != WHOLE and not self._stopped.is_set():
            why = f"It has no frames from {self.selection.start:g} to {self.selection.end:g} s."
            raise VideoError(f"Nothing of {self.name} is selected.", why, "Choose --start and --end within it.")

    def _frames(self) -> Iterator[Frame | None]:
        """All frames; those before the start of the selection may be left out, where that saves work."""
        raise NotImplementedError

    @property
    def fps(self) -> float | None:
        """See `Source`."""
        return self.selection.rate(self._fps)

    @property
    def frame_count(self) -> int | None:
        """See `Source`."""
        return self.selection.count(self._frame_count, self._fps)

    @property
    def info(self) -> SourceInfo:
        """Its name and kind, for those who take its results."""
        return SourceInfo(self.name, self.fps, self.live)

    def stop(self) -> None:
        """End the iteration after the frame that is being read or waited for, for a camera's timeout at most."""
        self._stopped.set()
