"""Writing pictures into an MP4 file, each at its own time, and beside them the sound of another file."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame

from .sound import NoSoundError, Sound

CODEC = "H.264"
"""What pictures are encoded with. It plays everywhere, browsers included."""
FRAGMENT = 2.0
"""Seconds after which what was written is complete, and plays whatever becomes of the rest."""
UNIT = Fraction(1, 90_000)
"""Seconds in which times are counted."""
LONGEST = 6 * 3600
"""Seconds for which one picture can be shown: MP4 has 31 bits for their number of units."""


class VideoFile:
    """A video that is being written. Even one whose program is killed plays as far as it goes.

    Args:
        path: The file, with the suffix `.mp4`.
        fps: Pictures per second, as a rule. The last picture is shown for as long.
        size: (width, height) in pixels.
        sound: What to copy, after `check_sound`; None for a silent video. It is closed with the video.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path, fps: float, size: tuple[int, int], sound: Sound | None = None) -> None:
        # A whole path: FFmpeg takes what stands before a colon for the protocol of an address.
        self._container = _open(str(path.absolute()), sound)
        self._stream: Any = self._container.add_stream("libx264", Fraction(fps).limit_denominator(1001), time_base=UNIT)
        # The usual colour format has one colour for 2×2 pixels: an odd size loses its last column or row.
        self._width, self._height = (side // 2 * 2 for side in size)
        self._stream.width, self._stream.height = self._width, self._height
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {
            "preset": "veryfast",
            "crf": "21",
            # Every picture that the encoder looks ahead is held. With two instead of ten, and none predicted from later
            # ones, a 4K video takes 480 instead of 810 MB, a quarter less time, and no more bytes at the same quality.
            "rc-lookahead": "2",
            "bf": "0",
        }
        self._stream.codec_context.thread_count = 1  # the other cores are the model's
        self._sound = sound
        self._copy: Any = sound and self._container.add_stream_from_template(sound.stream)
        self._interval = 1 / fps
        self._frame: VideoFrame | None = None  # the last one, at `_last` in units
        self._last, self._key = -1, -FRAGMENT

    def write(self, image: np.ndarray, time: float) -> None:
        """Append a picture.

        Args:
            image: uint8 (H, W, 3), RGB, of the size that the video was opened with.
            time: When it is shown, in seconds since the first one, later than the last.

        Raises:
            OSError: It cannot be written.
        """
        while self._frame is not None and time > (last := float(self._last * UNIT)) + LONGEST:
            self._append(self._frame, last + LONGEST)
        even = np.ascontiguousarray(image[: self._height, : self._width])
        self._append(VideoFrame.from_ndarray(even, format="rgb24").reformat(format="yuv420p"), time)

    def close(self) -> None:
        """Complete the file.

        Raises:
            OSError: It cannot be written.
        """
        try:
            self._copy_sound(float(self._last * UNIT) + self._interval)
            self._mux(self._stream.encode())
        finally:
            self._container.close()
            if self._sound is not None:
                self._sound.close()

    def _append(self, frame: VideoFrame, time: float) -> None:
        begins_fragment = time - self._key >= FRAGMENT
        frame.pict_type = PictureType.I if begins_fragment else PictureType.NONE
        frame.pts, frame.time_base = max(round(time / UNIT), self._last + 1), UNIT
        frame.duration = round(self._interval / UNIT)
        self._copy_sound(time)
        self._mux(self._stream.encode(frame))
        self._frame, self._last = frame, frame.pts
        if begins_fragment:
            self._key = time

    def _copy_sound(self, until: float) -> None:
        for packet in () if self._sound is None else self._sound.until(until):
            packet.stream = self._copy
            self._mux([packet])

    def _mux(self, packets: Iterable[Packet[Any]]) -> None:
        for packet in packets:
            # What is refused is damaged sound, given some packets ago: pictures are as the encoder makes them.
            with suppress(av.InvalidDataError, av.ArgumentError):
                self._container.mux(packet)


def check_sound(sound: Sound) -> None:
    """Make sure that MP4 takes a sound, by trying: there are kinds with which it is written, and cannot be opened.

    Raises:
        NoSoundError: It does not.
    """
    context = sound.stream.codec_context
    first = sound.first(FRAGMENT)
    if first is None and not context.extradata:  # nothing but a packet can tell its form
        raise NoSoundError("it begins too late for MP4")
    trial = BytesIO()
    try:
        with _open(trial, sound) as container:
            copy = container.add_stream_from_template(sound.stream)
            container.start_encoding()
            if first is not None:
                first.stream = copy
                container.mux(first)
        av.open(BytesIO(trial.getvalue())).close()
    except (av.FFmpegError, ValueError) as error:
        raise NoSoundError(f"MP4 does not take {context.codec.long_name}") from error


def _open(file: str | BytesIO, sound: Sound | None) -> OutputContainer:
    # In fragments, each of which is complete and goes out at once, instead of one index at the end. Their times are
    # not counted from their stream's first, so that sound may begin late.
    flags = "frag_keyframe+empty_moov+default_base_moof+frag_discont"
    if sound is not None and sound.first(FRAGMENT) is not None:
        flags += "+delay_moov"  # what the file says of some kinds of sound comes from their first packet
    options = {"movflags": flags, "flush_packets": "1", "max_interleave_delta": "1000000"}
    return av.open(file, "w", format="mp4", options=options)
