"""Sources of images: video files, folders of images, webcams, and streams from the network."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from ..addresses import is_address, webcam_number
from ..defaults import IMAGES_PER_SECOND, TIMEOUT
from .base import Source, SourceBase
from .camera import Camera, webcam
from .frame import Frame
from .images import Images, is_image
from .network import open_url
from .refusals import check_source
from .video import Video

__all__ = [
    "Camera",
    "Frame",
    "Images",
    "Source",
    "SourceAddress",
    "SourceBase",
    "Video",
    "open_source",
    "open_sources",
]


SourceAddress = str | Path | int


def open_source(
    address: SourceAddress, timeout: float = TIMEOUT, images_per_second: float = IMAGES_PER_SECOND
) -> Camera | Images | Video:
    """Open what a user calls a source.

    Args:
        address: A video file; an image, a folder of images or a pattern such as `"frames/*.png"`; the number of a
            webcam, if no file or folder has this name, or its device; or the URL of a stream.
        timeout: Seconds in which a webcam or stream must deliver its first frame.
        images_per_second: Rate that images are taken to be recorded at.

    Raises:
        VideoError: There is no such file, image or address, or it cannot be opened. (Cameras tell when they are read.)
    """
    text, path = str(address), Path(str(address))
    number = webcam_number(address if isinstance(address, int) else text)
    if number is not None:
        return webcam(number, timeout)
    if is_address(text):
        return open_url(text, timeout)
    check_source(text)
    if os.path.isdir(path):
        return Images(path.resolve().name, filter(is_image, path.iterdir()), images_per_second)
    if not os.path.exists(path):
        return Images(text, filter(is_image, map(Path, glob.glob(text))), images_per_second)
    return Images(path.name, [path], images_per_second) if is_image(path) else Video(path)


def open_sources(
    addresses: Sequence[SourceAddress], timeout: float = TIMEOUT, images_per_second: float = IMAGES_PER_SECOND
) -> list[Source]:
    """Open several sources and give them different names.

    Images given one by one, as a shell makes them of `frames/*.jpg`, are one source per folder, with the folder's name.

    Args:
        addresses: What to open; see `open_source`.
        timeout: As for `open_source`.
        images_per_second: As for `open_source`.

    Raises:
        VideoError: One of them cannot be opened.
    """
    groups: dict[Path | int, list[SourceAddress]] = {}
    for index, address in enumerate(addresses):
        path = Path(str(address))
        groups.setdefault(path.parent if is_image(path) and os.path.isfile(path) else index, []).append(address)
    sources: list[Camera | Images | Video] = [
        Images(key.resolve().name, map(Path, map(str, group)), images_per_second)
        if isinstance(key, Path) and len(group) > 1
        else open_source(group[0], timeout, images_per_second)
        for key, group in groups.items()
    ]
    given, taken = {source.name for source in sources}, set[str]()
    for source in sources:
        name, number = source.name, 1
        while source.name in taken or (number > 1 and source.name in given):
            number += 1
            source.name = f"{name}#{number}"
        taken.add(source.name)
    return list(sources)
