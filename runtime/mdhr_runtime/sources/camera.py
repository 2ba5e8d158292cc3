"""Live sources: cameras that are read as long as they deliver."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from time import monotonic

import cv2

from ..defaults import TIMEOUT
from ..errors import VideoError
from .base import SourceBase
from .clock import Clock
from .decoding import Picture
from .frame import Frame

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between attempts to connect: every attempt in vain doubles the pause."""

Connection = Generator[Picture, None, None]
"""The pictures of a camera until it goes away; may raise `NoPictureError`. Closing it ends the connection."""


class NoPictureError(Exception):
    """A connection ends, or does not begin. The text says why, without what should stay secret."""


class Camera(SourceBase):
    """A camera, to be read as long as it delivers.

    When a camera that has delivered goes away, it is connected again, however long that takes. One that never
    delivers is given up after the timeout. Its size may change while it is read.

    Args:
        name: The source's name.
        connect: Connects to the camera. What it gives ends when no picture has come for the timeout.
        timeout: Seconds in which the first frame must come.
        check: What to check, if it does not: words that follow "Check that".
    """

    def __init__(
        self, name: str, connect: Callable[[], Connection], timeout: float = TIMEOUT, check: str = "it is on"
    ) -> None:
        # Its rate is not known: a camera's word is not worth much, and it would have to be opened to ask.
        super().__init__(name, live=True)
        self._connect = connect
        self._timeout, self._check, self._why = timeout, check, ""

    def _frames(self) -> Iterator[Frame | None]:
        """Give the frames, and None whenever the camera went away or pictures are missing.

        Raises:
            VideoError: No frame came before the timeout.
        """
        begun = monotonic()
        zero, clock = 0.0, Clock(None)
        number, pause = 0, FIRST_PAUSE
        while not self._stopped.is_set():
            connected = False
            with closing(self._connect()) as pictures, self._reasons():
                for picture in pictures:
                    if self._stopped.is_set():
                        return
                    zero = zero or monotonic()
                    arrived = monotonic() - zero
                    if not connected:
                        clock.begin(picture.time, arrived)
                    elif clock.advance(picture.time, arrived) or picture.lost:
                        yield None
                        self.lost += picture.lost
                        number += picture.lost
                    connected, pause = True, FIRST_PAUSE
                    number += 1
                    yield Frame(number, clock.now, picture.image)
            if self._stopped.is_set():
                return
            if connected:
                self.warnings.append("The camera went away; connecting again.")
                yield None
            if not number and monotonic() - begun > self._timeout:
                raise self._never_delivered()
            self._stopped.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    @contextmanager
    def _reasons(self) -> Iterator[None]:
        try:
            yield
        except NoPictureError as error:
            self._why = f" {error}."

    def _never_delivered(self) -> VideoError:
        return VideoError(
            f"{self.name} delivers no frames.",
            f"Nothing came within {self._timeout:g} seconds.{self._why}",
            f"Check that {self._check}, or wait longer with --timeout.",
        )


def webcam(index: int, timeout: float = TIMEOUT) -> Camera:
    """A camera of this machine.

    OpenCV reads it: a number means the same camera on all systems, and what a driver delivers, it asks for in a format
    that needs no guessing. PyAV would want the system's own names, and a format and size that the driver has.

    Args:
        index: Its number in the operating system, from 0.
        timeout: Seconds in which the first frame must come.
    """

    def connect() -> Connection:
        capture = cv2.VideoCapture(index)
        try:
            while True:
                decoded, image = capture.read()
                if not decoded:
                    return
                yield Picture(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), None)
        finally:
            capture.release()

    check = f"a camera with the number {index} is connected, and no other program uses it"
    return Camera(f"camera{index}", connect, timeout, check)
