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
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from ..addresses import is_address
from ..files import open_regular

APART = 2.0
"""Seconds by which sound may lie behind its pictures in a file."""
ATTEMPTS = 32
"""How often reading may fail in a row: behind damage in a file, other packets come."""
FILTERS = {"aac": "aac_adtstoasc"}
"""FFmpeg's filters that give packets the form of MP4, by codec; what has it already passes them unchanged."""
END = math.inf, None


class NoSoundError(Exception):
    """A video's sound cannot be copied; says why."""


def open_sound(recording: str, start: float) -> Sound | None:
    """Open the best sound of a video file.

    Args:
        recording: The file, or an address, of which nothing is copied.
        start: As for `Sound`.

    Returns:
        The sound, or None if it has none.

    Raises:
        NoSoundError: It cannot be read.
    """
    if is_address(recording):
        raise NoSoundError("it is copied from files only")
    try:
        with open_regular(Path(recording)) as file:  # whose name may have any bytes, and any length
            container = av.open(f"/proc/self/fd/{file.fileno()}", metadata_errors="replace")
    except (OSError, ValueError, av.FFmpegError) as error:
        raise NoSoundError("the file cannot be read once more") from error
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream):
        container.close()
        return None
    if stream.codec_context is None:
        raise NoSoundError("its kind is unknown")
    return Sound(container, stream, start)


class Sound:
    """The sound of a video file, read as far as the pictures have come.

    Args:
        container: The file, which `close` closes.
        stream: Its sound.
        start: Time of the first picture that is written, in seconds of the file's own time. Sound begins there.

    Attributes:
        stream: The sound as the file describes it.
    """

    def __init__(self, container: InputContainer, stream: AudioStream, start: float) -> None:
        self._container, self.stream, self._start = container, stream, start
        if start > (container.start_time or 0) / av.time_base + APART:
            with suppress(av.FFmpegError):  # otherwise what comes before is read, and left out
                container.seek(round((start - APART) * av.time_base))
        self._packets = self._read()
        self._next = next(self._packets, END)

    def first(self, time: float) -> Packet[Any] | None:
        """The first packet, if it begins before a time; to be asked before any other is taken.

        Args:
            time: As for `until`.
        """
        while self._next[1] is None and self._next[0] < time:
            self._next = next(self._packets, END)
        return self._next[1] if self._next[0] < time else None

    def until(self, time: float) -> Iterator[Packet[Any]]:
        """Give the next packets, with their times since the first picture.

        Args:
            time: Seconds since the first picture; only packets that begin before are given.
        """
        while self._next[0] < time:
            packet = self._next[1]
            self._next = next(self._packets, END)
            if packet is not None:
                yield packet

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._container.close()

    def _read(self) -> Iterator[tuple[float, Packet[Any] | None]]:
        """Packets with their times; None stands for a packet of the picture: up to there the file has been read."""
        name = FILTERS.get(self.stream.codec.canonical_name)
        to_mp4 = BitStreamFilterContext(name, self.stream) if name else None
        unit = self.stream.time_base or Fraction(1, av.time_base)
        newest, shift = -1, round(self._start / unit)
        for packet in self._demuxed(*self._container.streams.video, self.stream):
            stated = packet.dts if packet.pts is None else packet.pts
            if stated is None:
                continue
            if packet.stream is not self.stream:
                yield float(stated * packet.time_base) - self._start - APART, None
            elif stated - shift > newest and packet.size and not packet.is_corrupt:
                newest = packet.pts = packet.dts = stated - shift
                with suppress(av.FFmpegError):  # a damaged packet
                    for copied in to_mp4.filter(packet) if to_mp4 else [packet]:
                        yield float(newest * unit), copied

    def _demuxed(self, *streams: Stream) -> Iterator[Packet[Any]]:
        for _ in range(ATTEMPTS):
            with suppress(av.FFmpegError):
                yield from self._container.demux(*streams)
                return
