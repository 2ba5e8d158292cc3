"""The sound of a video file, to be copied as it is beside pictures that are written anew."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.packet import Packet

from ..files import open_regular

LATEST = 10.0
"""Seconds after the first picture in which sound must begin: until then, nothing of the copy plays."""
APART = 2.0
"""Seconds by which sound may lie behind its pictures in a file."""
ATTEMPTS = 32
"""How often reading may fail in a row: behind damage in a file, other packets come."""
FILTERS = {"aac": "aac_adtstoasc"}
"""FFmpeg's filters that give packets of a codec the form of MP4, if they have another."""
END = math.inf, None


class NoSoundError(Exception):
    """A video has no sound, or one that cannot be copied: then it says why."""


class Sound:
    """The best sound of a video file, read as far as the pictures have come.

    Args:
        recording: The file.
        start: Where it begins, with the first picture that is written: seconds of the file's own time.

    Attributes:
        stream: The sound as the file describes it.
        first: Its first packet.

    Raises:
        NoSoundError: There is none, or it cannot be read, or begins too late.
    """

    def __init__(self, recording: str, start: float) -> None:
        try:
            with open_regular(Path(recording)) as file:  # whose name may have any bytes, and any length
                self._container = av.open(f"/proc/self/fd/{file.fileno()}", metadata_errors="replace")
        except (OSError, ValueError, av.FFmpegError) as error:
            raise NoSoundError("it is no file that can be read once more") from error
        stream = self._container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            raise NoSoundError
        if stream.codec_context is None:
            raise NoSoundError("its kind is unknown")
        self.stream = stream
        if start > APART:
            with suppress(av.FFmpegError):  # then what comes before is read, and left out
                self._container.seek(round((start - APART) * av.time_base))
        self._packets = self._read(start)
        self._next = next((each for each in self._packets if each[1] or each[0] > LATEST), END)
        if self._next[0] > LATEST or self._next[1] is None:
            raise NoSoundError("it begins too late")
        self.first = self._next[1]

    def until(self, time: float) -> Iterator[Packet[Any]]:
        """Give the next packets, with their times since the start.

        Args:
            time: Seconds since the start, before which they begin.
        """
        while self._next[0] < time:
            packet = self._next[1]
            self._next = next(self._packets, END)
            if packet is not None:
                yield packet

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._container.close()

    def _read(self, start: float) -> Iterator[tuple[float, Packet[Any] | None]]:
        """Packets with their times; None stands for one of the picture, which tells how far the file has been read."""
        to_mp4 = BitStreamFilterContext(FILTERS.get(self.stream.codec.canonical_name, "null"), self.stream)
        newest, unit = -1, self.stream.time_base or Fraction(1)
        for packet in self._demuxed():
            stated = packet.dts if packet.pts is None else packet.pts
            if stated is None:
                continue
            if packet.stream is not self.stream:
                yield float(stated * packet.time_base) - start - APART, None
            elif (time := stated - round(start / unit)) > newest and packet.size and not packet.is_corrupt:
                newest = packet.pts = packet.dts = time
                with suppress(av.FFmpegError):  # a damaged packet
                    for copied in to_mp4.filter(packet):
                        yield float(time * unit), copied

    def _demuxed(self) -> Iterator[Packet[Any]]:
        for _ in range(ATTEMPTS):
            with suppress(av.FFmpegError):
                yield from self._container.demux(*self._container.streams.video, self.stream)
                return
