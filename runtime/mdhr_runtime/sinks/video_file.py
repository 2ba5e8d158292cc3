"""Writing pictures into an MP4 file.

H.264 plays everywhere, browsers included, but OpenCV's packages come without its encoder for reasons of licence. With
the extra `h264`, PyAV brings one; otherwise OpenCV writes MPEG-4 part 2, which desktop players play but browsers do
not.
"""

from __future__ import annotations

from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from ..errors import OutputError
from .extras import extra


class VideoFile(Protocol):
    """A video that is being written.

    Attributes:
        codec: What it is encoded with, in words.
    """

    codec: str

    def write(self, image: np.ndarray) -> None:
        """Append a picture.

        Args:
            image: uint8 (H, W, 3), RGB, of the size that the video was opened with.

        Raises:
            OSError: It cannot be written. Not every encoder notices.
        """
        ...

    def close(self) -> None:
        """Complete the file.

        Raises:
            OSError: It cannot be written.
        """
        ...


def open_video(path: Path, fps: float, size: tuple[int, int]) -> VideoFile:
    """Begin a video with the best encoder that is installed.

    Args:
        path: The file, with the suffix `.mp4`.
        fps: Pictures per second.
        size: (width, height) in pixels.

    Raises:
        OutputError: The file cannot be written.
    """
    # A whole path: FFmpeg takes what stands before a colon for the protocol of an address.
    return (H264 if find_spec("av") else Mpeg4)(path.absolute(), fps, size)


class H264:
    """A video that PyAV encodes. Even one whose program is killed plays as far as it goes. See `VideoFile`."""

    codec = "H.264"

    def __init__(self, path: Path, fps: float, size: tuple[int, int]) -> None:
        self._av = extra("h264", "av")
        # In fragments, each of which is complete and goes out at once, instead of one index at the end.
        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
        self._container = self._av.open(str(path), "w", format="mp4", options=options)
        self._stream: Any = self._container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        # The usual colour format has one colour for 2×2 pixels: an odd size loses its last column or row.
        self._width, self._height = (side // 2 * 2 for side in size)
        self._stream.width, self._stream.height = self._width, self._height
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {
            "preset": "veryfast",
            "crf": "21",
            "g": str(max(round(2 * fps), 1)),  # a fragment is two seconds
            # Every picture that the encoder looks ahead is held. With two instead of ten, and none predicted from later
            # ones, a 4K video takes 480 instead of 810 MB, a quarter less time, and no more bytes at the same quality.
            "rc-lookahead": "2",
            "bf": "0",
        }
        self._stream.codec_context.thread_count = 1  # the other cores are the model's

    def write(self, image: np.ndarray) -> None:
        """See `VideoFile`."""
        even = np.ascontiguousarray(image[: self._height, : self._width])
        self._container.mux(self._stream.encode(self._av.VideoFrame.from_ndarray(even, format="rgb24")))

    def close(self) -> None:
        """See `VideoFile`."""
        try:
            self._container.mux(self._stream.encode())
        finally:
            self._container.close()


class Mpeg4:
    """A video that OpenCV encodes. See `VideoFile`."""

    codec = "MPEG-4 part 2, as the extra 'h264' is not installed"

    def __init__(self, path: Path, fps: float, size: tuple[int, int]) -> None:
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
        if not self._writer.isOpened():
            raise OutputError(
                f"{path} cannot be written as a video.",
                "This OpenCV has no encoder for it.",
                "Install the extra that brings one: pip install 'mdhr-edge[h264]'",
            )

    def write(self, image: np.ndarray) -> None:
        """See `VideoFile`."""
        self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        """See `VideoFile`."""
        self._writer.release()
