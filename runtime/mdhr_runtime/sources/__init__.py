"""Sources of images: video files, folders of images, webcams, and streams from the network."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..addresses import is_address
from ..defaults import IMAGES_PER_SECOND, TIMEOUT
from .base import Frame, Source, SourceBase
from .camera import Camera, network_camera, webcam
from .images import Images, is_image
from .video import Video

__all__ = [
    "Camera",
    "Frame",
    "Images",
    "Source",
    "SourceBase",
    "Video",
    "open_source",
    "open_sources",
]


def open_source(
    address: str | Path | int, timeout: float = TIMEOUT, images_per_second: float = IMAGES_PER_SECOND
) -> Camera | Images | Video:
    """Open what a user calls a source.

    Args:
        address: A video file; an image, a folder of images or a pattern such as `"frames/*.png"`; the number of a
            webcam; or the URL of a stream.
        timeout: Seconds in which a webcam or stream must deliver its first frame.
        images_per_second: Rate that images are taken to be recorded at.

    Raises:
        VideoError: There is no such file, image or address, or it cannot be opened. (Cameras tell when they are read.)
    """
    text = str(address)
    if text.isdecimal():
        return webcam(int(text), timeout)
    if is_address(text):
        return network_camera(text, timeout)
    path = Path(text)
    if path.is_dir():
        return Images(path.resolve().name, (file for file in path.iterdir() if is_image(file)), images_per_second)
    if not path.exists() and glob.has_magic(text):
        return Images(text, (file for file in map(Path, glob.glob(text)) if is_image(file)), images_per_second)
    return Images(path.name, [path], images_per_second) if is_image(path) and path.exists() else Video(path)


def open_sources(
    addresses: Sequence[str | Path | int], timeout: float = TIMEOUT, images_per_second: float = IMAGES_PER_SECOND
) -> list[Source]:
    """Open several sources and give them different names.

    Args:
        addresses: What to open; see `open_source`.
        timeout: As for `open_source`.
        images_per_second: As for `open_source`.

    Raises:
        VideoError: One of them cannot be opened.
    """
    sources = [open_source(address, timeout, images_per_second) for address in addresses]
    taken: Counter[str] = Counter()
    for source in sources:
        taken[source.name] += 1
        if taken[source.name] > 1:
            source.name = f"{source.name}#{taken[source.name]}"
    return list(sources)
