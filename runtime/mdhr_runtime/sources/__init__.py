"""Sources of images: video files, folders of images, webcams, and streams from the network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..addresses import locate
from ..defaults import IMAGES_PER_SECOND, TIMEOUT
from ..errors import VideoError
from .base import Source, SourceBase
from .camera import Camera, webcam
from .contents import contents
from .frame import Frame
from .images import Images, holds_images
from .network import open_url
from .selection import WHOLE, Selection
from .video import Video

__all__ = [
    "Camera",
    "Frame",
    "Images",
    "Selection",
    "Source",
    "SourceAddress",
    "SourceBase",
    "Video",
    "open_source",
    "open_sources",
]


SourceAddress = str | Path | int


def open_source(
    address: SourceAddress,
    timeout: float = TIMEOUT,
    images_per_second: float = IMAGES_PER_SECOND,
    selection: Selection = WHOLE,
    name: str | None = None,
) -> Source:
    """Open what is one source, and give it a name, if it is not to have its own; see `open_sources`.

    Raises:
        VideoError: It cannot be opened, or is several.
    """
    first, *others = _open_all([address], timeout, images_per_second, selection)
    if others:
        held = f"It holds {len(others) + 1}: {first.name}, {others[0].name} …"
        raise VideoError(f"{address} is not one source.", held, "Give one of them.")
    first.name = name or first.name
    return first


def open_sources(
    addresses: Sequence[SourceAddress],
    timeout: float = TIMEOUT,
    images_per_second: float = IMAGES_PER_SECOND,
    selection: Selection = WHOLE,
) -> list[Source]:
    """Open what a user calls sources, and give them different names.

    Of a folder or pattern, every video is a source, and its images are one together. Folders inside are not searched.
    Images given one by one, as a shell makes them of `frames/*.jpg`, are one source per folder, with the folder's name.

    Args:
        addresses: Each is a video file; an image; a folder or a pattern such as `"frames/*.png"`; the URL of a stream
            or file; the number of a webcam, as a number, as `camera:0`, or as `0` if no file or folder has this name;
            or its device.
        timeout: Seconds in which a webcam or stream must deliver its first frame.
        images_per_second: Rate that images are taken to be recorded at.
        selection: The part of every source that is given.

    Raises:
        VideoError: There is no such file or address, or one of them cannot be opened. (Cameras tell when they are
            read.)
    """
    return list(_open_all(addresses, timeout, images_per_second, selection))


def _open_all(
    addresses: Sequence[SourceAddress], timeout: float, images_per_second: float, selection: Selection
) -> list[SourceBase]:
    groups: dict[Path | int, list[int | str | Path]] = {}
    for index, place in enumerate(map(locate, addresses)):
        image = isinstance(place, Path) and os.path.isfile(place) and holds_images(place)
        groups.setdefault(place.parent if isinstance(place, Path) and image else index, []).append(place)
    sources: list[SourceBase] = []
    for group in groups.values():
        images = [place for place in group if isinstance(place, Path)]
        if len(images) > 1:
            sources.append(Images(images[0].parent.resolve().name, images, images_per_second))
        else:
            sources.extend(_open(group[0], timeout, images_per_second))
    given, taken = {source.name for source in sources}, set[str]()
    for source in sources:
        source.selection = selection
        name, number = source.name, 1
        while source.name in taken or (number > 1 and source.name in given):
            number += 1
            source.name = f"{name}#{number}"
        taken.add(source.name)
    return sources


def _open(place: int | str | Path, timeout: float, images_per_second: float) -> list[SourceBase]:
    if isinstance(place, int):
        return [webcam(place, timeout)]
    if isinstance(place, str):
        return [open_url(place, timeout)]
    videos, images = contents(place)
    sources: list[SourceBase] = [Video(path) for path in videos]
    if images:
        name = place.resolve().name if os.path.isdir(place) else place.name if images == [place] else str(place)
        sources.append(Images(name, images, images_per_second))
    return sources
