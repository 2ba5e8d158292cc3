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
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame

from .sound import NoSoundError, Sound

UNIT = Fraction(1, 90_000)
"""Seconds in which times are counted."""
FRAGMENT = int(2 / UNIT)
"""Units after which what was written is complete, and plays whatever becomes of the rest."""
LONGEST = int(6 * 3600 / UNIT)
"""Units for which a picture is shown before it is repeated: MP4 has 31 bits for their number."""
OPTIONS = {
    # In fragments, each of which is complete and goes out at once, instead of one index at the end.
    "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont+delay_moov",
    "flush_packets": "1",
    "max_interleave_delta": "1000000",  # pictures wait for sound of their time, but not for more than a second
}
"""FFmpeg's options of the file. Times are not counted from a stream's first, and what the file says of its sound may
come from the first packet of that, `delay_moov`."""


class VideoFile:
    """A video in H.264 that is being written. Even one whose program is killed plays as far as it goes.

    Args:
        path: The file, with the suffix `.mp4`.
        fps: Pictures per second, as a rule: the last one is shown for that interval.
        size: (width, height) in pixels.
        sound: What to copy, after `check_sound`; None for a silent video. It is closed with the video.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path, fps: float, size: tuple[int, int], sound: Sound | None = None) -> None:
        # A whole path: FFmpeg takes what stands before a colon for the protocol of an address.
        self._container = av.open(str(path.absolute()), "w", "mp4", options=OPTIONS)
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
        self._copy: Any = sound and _add(self._container, sound)
        self._interval = round(1 / fps / UNIT)
        self._frame: VideoFrame | None = None  # the last one
        self._last, self._fragment = -1, -FRAGMENT  # when it and its fragment begin, in units

    def write(self, image: np.ndarray, time: float) -> None:
        """Append a picture.

        Args:
            image: uint8 (H, W, 3), RGB, of the size that the video was opened with.
            time: When it is shown, in seconds since the first one, later than the last.

        Raises:
            OSError: It cannot be written.
        """
        units = max(round(time / UNIT), self._last + 1)
        while self._frame is not None and units - self._last > LONGEST:
            self._append(self._frame, self._last + LONGEST)
        even = np.ascontiguousarray(image[: self._height, : self._width])
        self._append(VideoFrame.from_ndarray(even, format="rgb24").reformat(format="yuv420p"), units)

    def close(self) -> None:
        """Complete the file.

        Raises:
            OSError: It cannot be written.
        """
        try:
            self._copy_sound(self._last + self._interval)
            self._mux(self._stream.encode())
        finally:
            self._container.close()
            if self._sound is not None:
                self._sound.close()

    def _append(self, frame: VideoFrame, units: int) -> None:
        frame.pts, frame.time_base, frame.duration = units, UNIT, self._interval
        frame.pict_type = PictureType.NONE
        if units - self._fragment >= FRAGMENT:
            frame.pict_type, self._fragment = PictureType.I, units
        self._frame, self._last = frame, units
        self._copy_sound(units)
        self._mux(self._stream.encode(frame))

    def _copy_sound(self, units: int) -> None:
        for packet in () if self._sound is None else self._sound.until(float(units * UNIT)):
            packet.stream = self._copy
            self._mux([packet])

    def _mux(self, packets: Iterable[Packet[Any]]) -> None:
        for packet in packets:
            # What is refused is damaged sound, given some packets ago: pictures are as the encoder makes them.
            with suppress(av.InvalidDataError, av.ArgumentError):
                self._container.mux(packet)


def check_sound(sound: Sound) -> None:
    """Make sure that MP4 takes a sound, by trying: some kinds can be written, and then the file does not open.

    Raises:
        NoSoundError: It does not.
    """
    trial = BytesIO()
    try:
        with av.open(trial, "w", "mp4", options=OPTIONS) as container:
            sound.first.stream = _add(container, sound)
            container.mux(sound.first)
        av.open(BytesIO(trial.getvalue())).close()
    except (av.FFmpegError, ValueError) as error:
        raise NoSoundError(f"MP4 does not take {sound.stream.codec.long_name}") from error


def _add(container: OutputContainer, sound: Sound) -> AudioStream:
    stream = container.add_stream_from_template(sound.stream)
    if stream.layout.name == "2 channels":  # as AVI and Matroska leave it; MP4 names them
        stream.layout = "stereo"
    return stream
