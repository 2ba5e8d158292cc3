"""The sound of a video file, to be copied as it is beside pictures that are written anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.packet import Packet

from ..files import open_regular
from ..sources.decoding import demuxed
from ..sources.video import name_for_ffmpeg

LATEST = 10.0
"""Seconds after the first picture in which sound must begin: until then, nothing of the copy plays."""
APART = 2.0
"""Seconds by which sound may lie apart from its pictures in a file."""
FILTERS = {"aac": "aac_adtstoasc"}
"""FFmpeg's filters that give packets of a codec the form of MP4, if they have another."""


class NoSoundError(Exception):
    """A video has no sound, or one that cannot be copied: then it says why."""


class Sound:
    """The best sound of a video file.

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
            with open_regular(Path(recording)) as file:
                self._container = av.open(name_for_ffmpeg(Path(recording), file), metadata_errors="replace")
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
        self._next = next(self._packets, None)
        if self._next is None or _time(self._next) > LATEST:
            raise NoSoundError("it begins too late")
        self.first = self._next

    def until(self, time: float) -> Iterator[Packet[Any]]:
        """Give the next packets, with their times since the start.

        Args:
            time: Seconds since the start, before which they begin.
        """
        while self._next is not None and _time(self._next) < time:
            packet, self._next = self._next, next(self._packets, None)
            yield packet

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._container.close()

    def _read(self, start: float) -> Iterator[Packet[Any]]:
        to_mp4 = BitStreamFilterContext(FILTERS.get(self.stream.codec.canonical_name, "null"), self.stream)
        newest, shift = -1, round(start / (self.stream.time_base or 1))
        for packet in demuxed(self._container, self.stream):
            stated = packet.dts if packet.pts is None else packet.pts
            if stated is None or stated - shift <= newest or packet.is_corrupt:
                continue
            newest = packet.pts = packet.dts = stated - shift
            with suppress(av.FFmpegError):  # a damaged packet
                yield from to_mp4.filter(packet)


def _time(packet: Packet[Any]) -> float:
    return float((packet.pts or 0) * packet.time_base)
