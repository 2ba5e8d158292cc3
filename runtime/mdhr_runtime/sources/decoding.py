"""Decoding the pictures of a video with PyAV, which is FFmpeg: from a file or the network, damaged or not.

A damaged packet costs its picture, and all pictures up to the next one that needs no other (a key frame): they are made
of what was damaged, and show smeared faces. The same holds for pictures before the first key frame, where a stream is
joined in its middle. What is lost is counted where it would have been shown.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import inf
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ..defaults import MOST_PIXELS
from .conversion import ConversionError, Converter

av.logging.set_level(None)  # FFmpeg's own lines name addresses in full, with passwords

LONGEST_DOUBT = 300
"""Packets after damage within which a key frame must come. Streams without any mend themselves bit by bit."""
REMEMBERED = 64
"""Packets whose pictures may still be in the decoder: more than any codec reorders."""
ATTEMPTS = 32
"""How often reading a file may fail: behind damage in a container, other packets come."""
BLANK = 64
"""Bytes at a packet's beginning of which one at least is not zero."""
HIGHEST_RATE = 1000
"""Pictures per second; what containers state beyond it is the unit of their times."""
SILENT = frozenset({"hevc"})
"""Decoders that show damaged pictures without a word, unless they are told to refuse them."""


class Label(NamedTuple):
    """What goes with a picture through its conversion; see `Picture`."""

    time: float | None
    lost: int
    resumes: bool


class NoVideoError(ValueError):
    """What opens has no video in it; says what it has."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a video.

    Attributes:
        image: uint8 (H, W, 3), RGB, upright.
        time: When it is shown, in seconds of the stream's own time; None if the stream does not say.
        lost: Pictures lost immediately before it.
        resumes: Whether a container that has lost packets without a word would go on with it.
    """

    image: np.ndarray
    time: float | None
    lost: int = 0
    resumes: bool = False


@dataclass(eq=False)
class _Sent:
    """A packet that went into the decoder, and comes out beside its picture.

    Attributes:
        key: Whether its picture needs no other.
        doubtful: Whether its picture is made of one that is damaged or missing.
        counts: Whether its picture, if it is lost, is still to be counted. Those before a video's first key frame do
            not count.
    """

    key: bool
    doubtful: bool
    counts: bool


class _Trust:
    """Tells, of the packets of a stream, those whose pictures can be trusted.

    Args:
        whole: Whether the stream should begin with a key frame. Otherwise it may be joined in its middle.
    """

    def __init__(self, whole: bool) -> None:
        self._sent: deque[_Sent] = deque(maxlen=REMEMBERED)
        # Packets since the damaged one, 0 if there is none. Before the first key frame, all are in doubt.
        self._doubt = 1
        self._begun = whole
        self._resumed: int | None = None  # time of the key frame that ended a doubt, until the next key frame

    def send(self, packet: Packet[VideoStream], damaged: bool) -> _Sent:
        """Judge the next packet.

        Args:
            packet: The packet.
            damaged: Whether it is known to be damaged before it is decoded.
        """
        joined = self._begun
        if packet.is_keyframe or self._doubt > LONGEST_DOUBT:
            self._resumed = packet.pts if self._doubt else None
            self._doubt, self._begun = 0, True
        self._doubt += self._doubt > 0
        # Packets behind a key frame may be shown before it. They are made of what came before, too.
        leading = self._resumed is not None and packet.pts is not None and packet.pts < self._resumed
        if damaged:
            self._doubt = 1
        sent = _Sent(packet.is_keyframe, self._doubt > 0 or leading, self._begun and (joined or not leading))
        self._sent.append(sent)
        return sent

    def damage(self, damaged: _Sent) -> None:
        """Learn that a packet is damaged: those behind it are made of it, up to the next key frame."""
        sent = list(self._sent)
        behind = sent[sent.index(damaged) + 1 :] if damaged in sent else sent
        for one in behind:
            if one.key:
                return
            one.doubtful = True
        self._doubt = 1 + len(behind)


class Decoder:
    """The pictures of one video stream, to be iterated over once. A context manager that closes what it has opened.

    Args:
        address: A file's path or a URL.
        timeout: Seconds in which a network must answer, and in which a picture must come; None for files.
        options: FFmpeg's options of the format and the protocol.

    Attributes:
        fps: Pictures per second as the stream states them; None if it does not.
        frame_count: Number of pictures that it states; None if it does not.
        duration: Seconds that it promises, of the longest of its streams; None if it does not know, like a camera.
        size: Width and height of its pictures in pixels, as they are stored.
        skipped: Pictures that were left out before the start.
        lost: Pictures lost after the last that was given.
        broken: Why reading ended before the end, in FFmpeg's words; None if it did not.

    Raises:
        av.FFmpegError: It cannot be opened. Its text names the address, with the password.
        NoVideoError: There is no video in it.
    """

    def __init__(self, address: str, timeout: float | None = None, options: Mapping[str, str] | None = None) -> None:
        self._timeout = timeout
        self._container: InputContainer = av.open(
            address, options=dict(options or {}), timeout=timeout, metadata_errors="replace"
        )
        try:
            self._stream = _video(self._container)
        except BaseException:
            self.close()
            raise
        context = self._context = self._stream.codec_context
        context.options = {"max_pixels": str(MOST_PIXELS)}
        if context.codec.intra_only or context.name in SILENT:
            context.options |= {"err_detect": "explode"}
        context.copy_opaque = True
        # The other cores are the model's. More threads would also tell of damage late, when its pictures are shown.
        context.thread_count = 1
        self.size = context.width, context.height
        rate = self._stream.guessed_rate or self._stream.average_rate
        self.fps = float(rate) if rate and rate < HIGHEST_RATE else None
        self.frame_count = self._stream.frames or None
        duration = self._container.duration or 0
        self.duration = duration / av.time_base if duration > 0 else None
        self.skipped = self.lost = 0
        self.broken: str | None = None
        self._stated_aspect, self._first_aspect = self._stream.sample_aspect_ratio, context.sample_aspect_ratio
        self._unit = self._stream.time_base or Fraction(1)
        self._trust = _Trust(whole=self._stream.frames > 0)
        self._converter: Converter[Label] = Converter()
        self._newest: int | None = None  # time of the picture that came out last
        self._failed: list[int] = []  # a heap of the times of pictures that are lost and not counted yet

    def __enter__(self) -> Decoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file or connection. Safe to call twice."""
        self._container.close()

    def first_time(self) -> float | None:
        """Time of the first picture in seconds, 0 if the stream does not say; None if there is no picture.

        It is decoded, and not given any more: the decoder is of no use afterwards.
        """
        return next((label.time or 0.0 for _, label in self._whole(None)), None)

    def pictures(self, start: float | None = None) -> Iterator[Picture]:
        """Give the pictures.

        Args:
            start: Time in seconds, in the stream's own. What comes before the last key frame up to there is left out.
        """
        for frame, label in self._whole(start):
            if label.lost:  # what follows must not be mixed with what was
                yield from self._converted(self._converter.flush())
            yield from self._converted(self._converter.push(frame, self._aspect(), label))
        yield from self._converted(self._converter.flush())

    def times(self) -> list[float | None]:
        """Times of the pictures as the packets state them, in the order in which they are shown; nothing is decoded.

        The decoder is of no use afterwards.
        """
        stated: list[tuple[int, int, float | None]] = []
        newest, runs = None, 0
        for packet in self._read():
            if packet.is_discard or (self._context.name == "vp8" and not bytes(memoryview(packet)[:1])[0] & 0x10):
                continue  # not shown: cut away by an edit list, or made to be referred to
            if packet.dts is not None:
                runs += newest is not None and packet.dts < newest  # times begin anew
                newest = packet.dts
            time = None if packet.pts is None else float(packet.pts * self._unit)
            stated.append((runs, len(stated) if packet.pts is None else packet.pts, time))
        if all(time is not None for _, _, time in stated):
            stated.sort()  # packets come in the order in which they are decoded
        return [time for _, _, time in stated]

    def _whole(self, start: float | None) -> Iterator[tuple[VideoFrame, Label]]:
        """The decoded pictures that are whole."""
        newest = monotonic()
        for packet in chain(self._packets(start), [None]):
            for frame in self._decoded(packet):
                label = self._judged(frame)
                if label is not None:
                    newest = monotonic()
                    yield frame, label
            if self._timeout is not None and monotonic() - newest > self._timeout:
                break  # packets come, and nothing can be made of them: the stream has become another
        self.lost += len(self._failed)

    def _packets(self, start: float | None) -> Iterator[Packet[VideoStream]]:
        packets = self._read()
        since_key: list[Packet[VideoStream]] = []
        key = None
        if start is not None:
            for packet in packets:
                early = packet.pts is not None and packet.pts * self._unit <= start
                if early and packet.is_keyframe:
                    self.skipped += sum(not one.is_discard for one in since_key)
                    since_key, key = [], packet.pts
                since_key.append(packet)
                if not early:
                    break
        for packet in chain(since_key, packets):
            if key is not None and packet.pts is not None and packet.pts < key:
                self.skipped += not packet.is_discard  # shown before the key frame, though it comes behind
            else:
                yield packet

    def _read(self) -> Iterator[Packet[VideoStream]]:
        self.broken = yield from demuxed(self._container, self._stream, ATTEMPTS if self._timeout is None else 1)

    def _decoded(self, packet: Packet[VideoStream] | None) -> Sequence[VideoFrame]:
        """The pictures that come out when a packet goes in, or, at the end, all that are left."""
        if packet is not None:
            sent = packet.opaque = self._trust.send(packet, packet.is_corrupt or self._is_blank(packet))
            if sent.doubtful:  # a decoder may leave its picture out without a word
                self._expect_none(packet, sent)
        try:
            return self._context.decode(packet)
        except av.FFmpegError:
            if packet is not None:
                self._trust.damage(sent)
                self._expect_none(packet, sent)
            return ()

    def _is_blank(self, packet: Packet[VideoStream]) -> bool:
        """Whether nothing but zeros is there, as bad sectors leave it: some decoders pass over that without a word.

        Pictures that need no other may begin so, such as black ones that are not compressed.
        """
        return not (self._context.codec.intra_only or any(bytes(memoryview(packet)[:BLANK])))

    def _judged(self, frame: VideoFrame) -> Label | None:
        """Time of a picture, and how many were lost before it; None if it is lost itself."""
        newest, self._newest = self._newest, frame.pts
        # Where times begin anew, none of those before comes any more.
        shown = inf if frame.pts is None or newest is None or frame.pts < newest else frame.pts
        while self._failed and self._failed[0] < shown:
            heapq.heappop(self._failed)
            self.lost += 1
        sent = frame.opaque
        if isinstance(sent, _Sent) and (frame.is_corrupt or sent.doubtful):
            if frame.is_corrupt:
                self._trust.damage(sent)
            self.lost += sent.counts
            return None
        lost, self.lost = self.lost, 0
        resumes = isinstance(sent, _Sent) and sent.key and not self._context.codec.intra_only
        return Label(None if frame.pts is None else float(frame.pts * self._unit), lost, resumes)

    def _converted(self, images: Iterator[tuple[Label, np.ndarray]]) -> Iterator[Picture]:
        try:
            for label, image in images:
                yield Picture(image, *label)
        except ConversionError as error:
            self.lost += sum(1 + label.lost for label in error.labels)

    def _expect_none(self, packet: Packet[VideoStream], sent: _Sent) -> None:
        """Count the picture of a packet as lost, once, when the pictures behind it are shown."""
        if sent.counts and not packet.is_discard:
            sent.counts = False
            heapq.heappush(self._failed, (packet.dts if packet.pts is None else packet.pts) or 0)

    def _aspect(self) -> Fraction | None:
        """That of the pixels: the container's word counts, until the pictures' own changes."""
        aspect = self._context.sample_aspect_ratio
        return self._stated_aspect if aspect == self._first_aspect else aspect


def demuxed(
    container: InputContainer, stream: Stream, attempts: int = ATTEMPTS
) -> Generator[Packet[Any], None, str | None]:
    """Give the packets of a stream. Returns why reading ended before the end, in FFmpeg's words; None if it did not.

    Args:
        container: Where the stream is.
        stream: The stream.
        attempts: How often reading may fail.
    """
    broken = None
    for _ in range(attempts):
        try:
            # An empty packet says that the end is reached, or that a picture is shown on.
            yield from (packet for packet in container.demux(stream) if packet.size)
        except av.FFmpegError as error:
            broken = error.strerror
        else:
            return None
    return broken


def _video(container: InputContainer) -> VideoStream:
    stream = container.streams.best("video")
    if isinstance(stream, VideoStream) and not stream.disposition & Disposition.attached_pic:
        if stream.codec_context is None:
            raise NoVideoError("a picture in a format that nobody knows, or its name is damaged")
        return stream
    found = sorted({f"{one.type}" for one in container.streams if one is not stream})
    raise NoVideoError(" and ".join([*found, *(["a cover picture"] if stream else [])]) or "nothing")
