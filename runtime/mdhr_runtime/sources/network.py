"""What a URL leads to: a video that ends, or a camera."""

from __future__ import annotations

import av

from ..addresses import Address
from ..defaults import TIMEOUT
from ..errors import VideoError
from .camera import Camera, Connection, NoPictureError
from .decoding import Decoder, NoVideoError
from .video import Video

OPTIONS = {"rtsp_flags": "prefer_tcp"}
"""RTSP goes over TCP where the server can: lost UDP packets would be lost pictures."""
FILES = frozenset({"http", "https"})
"""Schemes behind which there may be a file. Others are of cameras."""


def open_url(url: str, timeout: float = TIMEOUT) -> Camera | Video:
    """Open a URL. What is behind `http://` and says how long it lasts is a video, all else a camera.

    Args:
        url: The address: `rtsp://…`, `http://…` and whatever else FFmpeg opens.
        timeout: Seconds in which the first frame must come, and every other.

    Raises:
        VideoError: It is no URL with a host, or the server has no such file, or it is no video. The text does not
            repeat the address, as it may hold a password.
    """
    try:
        address = Address.parse(url)
    except ValueError as error:
        raise VideoError(
            "The camera's address is not understood.",
            str(error),
            "Write it as rtsp://[user:password@]host[:port]/path, or http://…; in user and password write %2F for '/', "
            "%3F for '?', %23 for '#' and %40 for '@'.",
        ) from error
    if address.scheme in FILES and _ends(url, timeout):
        return Video(url, timeout)
    check = "the camera is on, and its address and password are right"
    return Camera(address.place, lambda: _connect(url, timeout), timeout, check)


def _ends(url: str, timeout: float) -> bool:
    try:
        with Decoder(url, timeout) as decoder:
            return decoder.duration is not None
    except (av.HTTPClientError, av.InvalidDataError, NoVideoError):
        return True  # as a video, it is refused in words
    except av.FFmpegError:
        return False  # nobody answers now; a camera may be turned on later


def _connect(url: str, timeout: float) -> Connection:
    try:
        with Decoder(url, timeout, OPTIONS) as decoder:
            yield from decoder.pictures()
            if decoder.lost:
                raise NoPictureError("Packets came, and the pictures in them are damaged")
    except av.FFmpegError as error:
        raise NoPictureError(error.strerror) from None  # its text names the address, with the password
    except NoVideoError as error:
        raise NoPictureError(f"It sends {error}") from None
