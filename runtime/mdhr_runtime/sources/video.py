"""Reading video files frame by frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from math import isinf
from pathlib import Path
from typing import BinaryIO

import av

from ..addresses import is_address, redacted
from ..defaults import MOST_PIXELS
from ..errors import VideoError
from ..files import open_regular
from ..results import SourceInfo
from .base import SourceBase
from .clock import Clock
from .containers import is_cut_short
from .decoding import Decoder, NoVideoError
from .frame import Frame

CUT_SHORT = "The file is cut short: it announces more than it holds."
PLAYS = "Give a video that plays, or convert it, for example to MP4 with H.264."

PATH_MAX = 4096
"""Bytes of the longest path, with the zero after it, that Linux takes at once."""

MOST_TOLD = 10
"""Places of a video with damaged data or gaps that are told one by one."""


class Video(SourceBase):
    """A video that has an end: a file, or one in the network.

    Timestamps are the file's own, counted from its first frame: that frame's time in the file is `info.begins`.
    Nothing stays open between the constructor, which decodes the first frame, and the iteration.

    Args:
        address: Path of the file, or its URL.
        timeout: Seconds in which a network must answer; None for files.

    Raises:
        VideoError: There is no such file, or it cannot be opened, or it holds no frame.
    """

    def __init__(self, address: Path | str, timeout: float | None = None) -> None:
        self._path = None if is_address(str(address)) else Path(address)
        self._address, self._timeout = str(address), timeout
        with ExitStack() as stack:
            decoder = self._open(stack)
            begins = decoder.first_time()
        if begins is None:
            raise self._no_frames()
        super().__init__(
            self._path.name if self._path else redacted(self._address).partition("://")[2],
            fps=decoder.fps,
            frame_count=decoder.frame_count or round((decoder.duration or 0) * (decoder.fps or 0)) or None,
            files=[self._path] if self._path else [],
        )
        self._begins = begins
        self._places = Places(self.warnings)

    @property
    def info(self) -> SourceInfo:
        """See `Source`."""
        return SourceInfo(self.name, self.fps, self.live, self._address, self._begins)

    def times(self) -> list[float]:
        """Timestamps of all frames, of which frame 1 is the first, as iterating gives them; nothing is decoded.

        Frames that are lost to damaged data are among them, as they are counted.

        Raises:
            VideoError: It cannot be opened.
        """
        with ExitStack() as stack:
            stated = self._open(stack).times()
        clock = Clock(self._fps)
        times: list[float] = []
        for time in stated:
            if times:
                clock.advance(time)
            else:
                clock.begin(time, 0.0)
            times.append(clock.now)
        return times

    def _frames(self) -> Iterator[Frame | None]:
        """Give the frames; None before one that is no continuation of the last.

        Raises:
            VideoError: The video breaks off early.
        """
        clock = Clock(self._fps)
        start = self._begins + self.selection.start if self.selection.start > 0 else None
        number = 0
        with ExitStack() as stack:
            decoder = self._open(stack)
            for picture in decoder.pictures(start):
                if self._stopped.is_set():
                    return
                if number == 0:
                    number = decoder.skipped
                    clock.begin(picture.time, (picture.time or 0.0) - self._begins)
                elif gap := clock.advance(picture.time):
                    told = "The file's times begin anew" if isinf(gap) else f"There is no picture for {gap:.1f} s"
                    self._places.tell(f"{told} before {clock.now:.2f} s.")
                    yield None
                lost = max(picture.lost, clock.missing if picture.resumes else 0)
                if lost:
                    self.lost += lost
                    self._places.tell(f"Frames lost to damaged data before {clock.now:.2f} s: {lost}.")
                    yield None
                number += lost + 1
                yield Frame(number, clock.now, picture.image)
            self.lost += decoder.lost
            if number == 0 and self.selection.start <= 0:
                raise self._no_frames()
            self._check_end(decoder, clock.now)

    def _no_frames(self) -> VideoError:
        return VideoError(
            f"{redacted(self._address)} holds no frames.",
            "It opens as a video, but nothing in it can be decoded.",
            PLAYS,
        )

    def _check_end(self, decoder: Decoder, end: float) -> None:
        """Make sure that the end is where the packets end, and that none is missing or damaged there.

        Raises:
            VideoError: The video breaks off.
        """
        cut_short = self._path is not None and is_cut_short(self._path)
        if not (decoder.broken or decoder.lost or cut_short):
            return
        lost = f" Damaged frames that follow: {decoder.lost}." if decoder.lost else ""
        raise VideoError(
            f"{redacted(self._address)} breaks off after {end:.1f} seconds.",
            (CUT_SHORT if cut_short else f"{decoder.broken}." if decoder.broken else "Its end is damaged.") + lost,
            "The frames up to there are analysed. For the rest copy, record or convert the video again.",
        )

    def _open(self, stack: ExitStack) -> Decoder:
        """Open the video until the stack is left."""
        shown = redacted(self._address)
        try:
            if self._path is None:
                address = self._address
            else:
                address = name_for_ffmpeg(self._path, stack.enter_context(open_regular(self._path)))
            decoder = stack.enter_context(Decoder(address, self._timeout))
        except NoVideoError as error:
            raise VideoError(f"{shown} holds no video.", f"It holds {error}.", "Give a file with a picture.") from None
        except (OSError, ValueError, av.FFmpegError) as error:
            raise self._refusal(error) from None  # its text names the address, with the password
        width, height = decoder.size
        if width * height > MOST_PIXELS:
            raise VideoError(
                f"{shown} is too large.",
                f"Its pictures are of {width}×{height} pixels; up to {MOST_PIXELS >> 20} megapixels are decoded.",
                "Convert it to a smaller size.",
            )
        return decoder

    def _refusal(self, error: Exception) -> VideoError:
        shown = redacted(self._address)
        why = f"{getattr(error, 'strerror', None) or error}."
        if self._path is None or not isinstance(error, av.FFmpegError):
            absent = isinstance(error, FileNotFoundError)
            return VideoError(
                f"There is no file {shown}." if absent else f"{shown} cannot be read.",
                why,
                "Give the path of a video file that you may read." if self._path else "Check the address.",
            )
        return VideoError(
            f"{shown} cannot be opened as a video.", CUT_SHORT if is_cut_short(self._path) else why, PLAYS
        )


class Places:
    """Tells where in a video something is wrong, but not everywhere if that is all over.

    Args:
        warnings: Where sentences go.
    """

    def __init__(self, warnings: list[str]) -> None:
        self._warnings, self._told = warnings, 0

    def tell(self, sentence: str) -> None:
        """Tell of a place, unless many have been told."""
        self._told += 1
        if self._told <= MOST_TOLD:
            last = " More such places are counted, and not told one by one." if self._told == MOST_TOLD else ""
            self._warnings.append(sentence + last)


def name_for_ffmpeg(path: Path, file: BinaryIO) -> str:
    """A name by which FFmpeg opens a file, whatever bytes are in its own.

    Args:
        path: The file.
        file: The same, opened; to stay open until FFmpeg has opened it.
    """
    name = os.path.abspath(path)  # not relative: `a:b.mp4` would be an address
    try:
        fits = len(name.encode()) < PATH_MAX
    except UnicodeEncodeError:
        fits = False
    return name if fits else f"/proc/self/fd/{file.fileno()}"
