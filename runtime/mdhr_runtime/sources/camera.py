"""Live sources: webcams, and streams from the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from time import monotonic

import cv2

from ..addresses import Address
from ..defaults import TIMEOUT
from ..errors import VideoError
from .base import SourceBase
from .frame import Frame

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between attempts to connect: every attempt in vain doubles the pause."""


class Camera(SourceBase):
    """A camera, to be read as long as it delivers.

    When a camera that has delivered goes away, it is connected again, however long that takes. One that never
    delivers is given up after the timeout. While a connection lasts, OpenCV scales all frames to the size of its first:
    a camera that changes its resolution goes on in the old one.

    Args:
        name: The source's name.
        connect: Opens the camera, and takes no longer than the timeout.
        timeout: Seconds in which the first frame must come.
        check: What to check, if it does not: words that follow "Check that".
    """

    def __init__(
        self, name: str, connect: Callable[[], cv2.VideoCapture], timeout: float = TIMEOUT, check: str = "it is on"
    ) -> None:
        # Its rate is not known: a camera's word is not worth much, and it would have to be opened to ask.
        super().__init__(name, live=True)
        self._connect = connect
        self._timeout, self._check = timeout, check

    def _frames(self) -> Iterator[Frame | None]:
        """Give the frames, and None whenever the camera went away.

        Raises:
            VideoError: No frame came before the timeout.
        """
        begun = monotonic()
        clock, number, pause = _CameraClock(), 0, FIRST_PAUSE
        while not self._stopped.is_set():
            capture = self._connect()
            clock.restart(capture)
            connected = False
            while not self._stopped.is_set():
                decoded, image = capture.read()
                if not decoded:
                    break
                connected, pause = True, FIRST_PAUSE
                number += 1
                yield Frame(number, clock.timestamp(), cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            capture.release()
            if self._stopped.is_set():
                return
            if connected:
                self.warnings.append("The camera went away; connecting again.")
                yield None
            if not number and monotonic() - begun > self._timeout:
                raise self._never_delivered()
            self._stopped.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _never_delivered(self) -> VideoError:
        return VideoError(
            f"{self.name} delivers no frames.",
            f"Nothing came within {self._timeout:g} seconds.",
            f"Check that {self._check}, or wait longer with --timeout.",
        )


class _CameraClock:
    """Timestamps of a camera's frames in seconds since the first, always growing, also from connection to connection.

    Within a connection the source's own times count: the times of arrival jitter with the network. Where the source
    has none, or jumps back, the wall clock is used.
    """

    def __init__(self) -> None:
        self._zero: float | None = None  # on the wall, of the first frame
        self._last = -1.0

    def restart(self, capture: cv2.VideoCapture) -> None:
        """Begin a connection."""
        self._capture = capture
        self._offset: float | None = None

    def timestamp(self) -> float:
        """Time of the frame that was read just now."""
        now = monotonic()
        self._zero = now if self._zero is None else self._zero
        stated = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._offset is None:
            self._offset = now - self._zero - stated
        found = stated + self._offset
        if found <= self._last:
            found = max(now - self._zero, self._last + 1e-3)
            self._offset = found - stated
        self._last = found
        return found


def webcam(index: int, timeout: float = TIMEOUT) -> Camera:
    """A camera of this machine.

    Args:
        index: Its number in the operating system, from 0.
        timeout: Seconds in which the first frame must come.
    """
    check = f"a camera with the number {index} is connected, and no other program uses it"
    return Camera(f"camera{index}", lambda: cv2.VideoCapture(index), timeout, check)


def network_camera(url: str, timeout: float = TIMEOUT) -> Camera:
    """A stream from the network. RTSP goes over TCP where the server can: lost UDP packets would be smeared images.

    Args:
        url: Its address: `rtsp://…`, `http://…` and whatever else FFmpeg opens.
        timeout: Seconds in which the first frame must come, and every other.

    Raises:
        VideoError: It is no URL with a host. The text does not repeat it, as it may hold a password.
    """
    try:
        name = Address.parse(url).place
    except ValueError as error:
        raise VideoError(
            "The camera's address is not understood.",
            str(error),
            "Write it as rtsp://[user:password@]host[:port]/path, or http://…; in user and password write %2F for '/', "
            "%3F for '?', %23 for '#' and %40 for '@'.",
        ) from error
    check = "the camera is on, and its address and password are right"
    # FFmpeg's own lines would name addresses in full, with the password even those that a playlist leads to.
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    milliseconds = int(timeout * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds]
    return Camera(name, lambda: cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits), timeout, check)
