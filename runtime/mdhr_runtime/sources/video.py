"""Reading video files frame by frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import cv2

from ..addresses import redacted
from ..defaults import MOST_PIXELS
from ..errors import VideoError
from ..files import open_regular
from .base import SourceBase
from .containers import is_cut_short
from .frame import Frame

ATTEMPTS = 32
"""How often OpenCV is asked for a frame in vain: behind damaged ones, or thousands of packets of sound, others come."""
CUT_SHORT = "The file is cut short: it announces more than it holds."

PATH_MAX = 4096
"""Bytes of the longest path, with the zero after it, that Linux takes at once."""


class Video(SourceBase):
    """A video file, to be read once from its beginning to its end.

    OpenCV decodes it: on the same files PyAV needs the same processor time and more of the wall's, and weighs 100 MB.

    Args:
        path: The file.

    Attributes:
        path: The file.

    Raises:
        VideoError: There is no such file, or it cannot be opened, or it holds no frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._capture = _open(path)
        # Containers that do not know give zero, or a huge negative number.
        fps = max(self._capture.get(cv2.CAP_PROP_FPS), 0.0) or None
        frame_count = max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0) or None
        super().__init__(path.name, fps=fps, frame_count=frame_count, files=(path,))
        self._last, self._end = -1.0, 0.0  # when the frame that was read last begins and ends, in seconds
        self._next = self._read(1)
        if self._next is None:
            self._next = next(filter(None, (self._read(1) for _ in range(ATTEMPTS))), None)
            self.warnings.append("Before its first frame come damaged ones, or minutes of sound alone.")
        if self._next is None:
            raise VideoError(
                f"{path} holds no frames.",
                "The file opens as a video, but none of its first frames can be decoded.",
                "Check that it plays, and convert it, for example to MP4 with H.264.",
            )

    def _frames(self) -> Iterator[Frame]:
        """Give the frames that are left.

        Raises:
            VideoError: The video breaks off early.
        """
        while self._next is not None and not self._stopped.is_set():
            frame, self._next = self._next, None
            yield frame
            self._next = self._read(frame.number + 1)
        if not self._stopped.is_set():
            self._check_complete()
        self._capture.release()

    def _check_complete(self) -> None:
        """Make sure, after the last frame, that it was where the file says that the video ends.

        OpenCV does not distinguish a damaged frame from the end of the file, so the first sign is missing time. What
        files say of their length is often off by a few frames: half a second, or 1 % of a long video, passes. If more
        is missing, that may also be sound that runs longer, or a start that an editor has hidden: only a file that is
        cut short, or gives further frames, is known to break off.

        Raises:
            VideoError: The video breaks off early.
        """
        if self._frame_count is None or not self._fps:
            return
        promised = self._frame_count / self._fps
        if promised - self._end <= max(0.5, 0.01 * promised):
            return
        cut_short = is_cut_short(self.path)
        if cut_short or any(self._capture.grab() for _ in range(ATTEMPTS)):
            raise VideoError(
                f"{self.path} breaks off after {self._end:.1f} of {promised:.1f} seconds.",
                CUT_SHORT if cut_short else "Damaged data or a gap comes there, and further frames behind it.",
                "The frames up to there are analysed. For the rest copy, record or convert the video again.",
            )
        self.warnings.append(
            f"The file promises {promised:.1f} seconds, and frames could be decoded up to {self._end:.1f}. If it plays "
            "further, its picture is damaged there; otherwise only sound follows, or its start was cut off."
        )

    def _read(self, number: int) -> Frame | None:
        decoded, image = self._capture.read()
        if not decoded:
            return None
        timestamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        # Streams without times of their own report zero for every frame: then the frame rate has to do.
        if timestamp <= self._last:
            timestamp = self._end
        self._last, self._end = timestamp, timestamp + (1 / self._fps if self._fps else 0.0)
        return Frame(number, timestamp, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _open(path: Path) -> cv2.VideoCapture:
    try:
        with open_regular(path) as file:
            capture = cv2.VideoCapture(_name_for_opencv(path, file), cv2.CAP_FFMPEG)
    except (OSError, ValueError) as error:
        absent = isinstance(error, FileNotFoundError)
        raise VideoError(
            f"There is no file {redacted(str(path))}." if absent else f"{path} cannot be read.",
            f"{getattr(error, 'strerror', None) or error}.",
            "Give the path of a video file that you may read.",
        ) from error
    if not capture.isOpened():
        raise VideoError(
            f"{path} cannot be opened as a video.",
            CUT_SHORT
            if is_cut_short(path)
            else "It is damaged or no video, or in a format that this OpenCV cannot decode.",
            "Give the path of a video that plays, or convert it, for example to MP4 with H.264.",
        )
    width, height = (int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > MOST_PIXELS:
        raise VideoError(
            f"{path} is too large.",
            f"Its pictures are of {width}×{height} pixels; up to {MOST_PIXELS >> 20} megapixels are decoded.",
            "Convert it to a smaller size.",
        )
    # Telephones store pictures as the sensor lies and say how to turn them. Some builds of OpenCV do so only if asked.
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return capture


def _name_for_opencv(path: Path, file: BinaryIO) -> str:
    """A name by which OpenCV opens a file, whatever bytes are in its own: it crashes on those that are not UTF-8."""
    name = os.path.abspath(path)  # not relative: `a:b.mp4` would be an address
    try:
        fits = len(name.encode()) < PATH_MAX
    except UnicodeEncodeError:
        fits = False
    return name if fits else f"/proc/self/fd/{file.fileno()}"
