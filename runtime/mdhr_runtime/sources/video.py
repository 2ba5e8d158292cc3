"""Reading video files frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from ..addresses import redacted
from ..errors import VideoError
from .base import Frame, SourceBase


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
        super().__init__(path.name, fps=fps, frame_count=frame_count)
        self._last, self._end = -1.0, 0.0  # when the frame that was read last begins and ends, in seconds
        self._next = self._read(1)
        if self._next is None:
            raise VideoError(
                f"{path} holds no frames.",
                "The file opens as a video, but not even its first frame can be decoded.",
                "Check that it plays; record or convert it again.",
            )

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames that are left.

        Raises:
            VideoError: The video breaks off early.
        """
        while self._next is not None and not self._stopped.is_set():
            frame, self._next = self._next, None
            yield frame
            self._next = self._read(frame.number + 1)
        self._capture.release()
        if not self._stopped.is_set():
            self._check_complete()

    def _check_complete(self) -> None:
        """Make sure, after the last frame, that it was where the file says that the video ends.

        OpenCV does not distinguish a damaged frame from the end of the file, so the only sign is missing time. What
        files say of their length is often off by a few frames (cut starts, sound that runs longer): half a second, or
        1 % of a long video, passes.

        Raises:
            VideoError: The video breaks off early.
        """
        if self.frame_count is None or not self.fps:
            return
        promised = self.frame_count / self.fps
        if promised - self._end > max(0.5, 0.01 * promised):
            raise VideoError(
                f"{self.path} breaks off after {self._end:.1f} of {promised:.1f} seconds.",
                "The frames that follow are missing from the file, or damaged.",
                "The frames up to there are analysed. For the rest copy, record or convert the video again.",
            )

    def _read(self, number: int) -> Frame | None:
        decoded, image = self._capture.read()
        if not decoded:
            return None
        timestamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        # Streams without times of their own report zero for every frame: then the frame rate has to do.
        if timestamp <= self._last:
            timestamp = self._end
        self._last, self._end = timestamp, timestamp + (1 / self.fps if self.fps else 0.0)
        return Frame(number, timestamp, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _open(path: Path) -> cv2.VideoCapture:
    if not path.exists():
        raise VideoError(
            f"There is no file {redacted(str(path))}.", "The path does not exist.", "Check the path of the video."
        )
    if path.is_dir():
        raise VideoError(f"{path} is no video.", "It is a folder.", "Give the path of a video file.")
    # A whole path: FFmpeg would connect to the network for a file that is called http:….mp4.
    capture = cv2.VideoCapture(str(path.absolute()))
    if not capture.isOpened():
        raise VideoError(
            f"{path} cannot be opened as a video.",
            "It is damaged or cut short, or no video, or in a format that this OpenCV cannot decode.",
            "Give the path of a video that plays, or convert it, for example to MP4 with H.264.",
        )
    # Telephones store pictures as the sensor lies and say how to turn them. Some builds of OpenCV do so only if asked.
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return capture
