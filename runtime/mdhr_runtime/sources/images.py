"""Images in a folder as a source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..defaults import IMAGES_PER_SECOND
from ..errors import VideoError
from ..file_types import HEIC, IMAGE, VIDEO, FileType, file_type
from .base import SourceBase
from .frame import Frame
from .image_reader import ImageReader, look

SUFFIXES = frozenset(
    {".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
)
MOTION_JPEG = frozenset({".mjpeg", ".mjpg"})
"""Names of videos that begin like an image, which is their first frame."""


class Images(SourceBase):
    """Images in files, as the consecutive frames of a video; of animations and of files with several pages, all.

    One that cannot be read gives a black frame that says so, and the rest goes on.

    Args:
        name: The source's name.
        paths: The files, in any order; they are read in the natural one: `2.jpg` before `10.jpg`.
        fps: Images per second, from which the timestamps follow. An animation has times of its own.

    Raises:
        VideoError: There are no files, or what reads the first is not installed.
    """

    def __init__(self, name: str, paths: Iterable[Path], fps: float = IMAGES_PER_SECOND) -> None:
        files = sorted(paths, key=natural_order)
        if not files:
            raise VideoError(
                f"{name} holds no images.",
                "No file there has the name of an image.",
                f"Give a folder or a pattern with images: {', '.join(sorted(SUFFIXES))}; give videos by their names.",
            )
        pages, animated = None, False
        with suppress(ValueError):  # which is told when it is read
            pages, animated = look(files[0])
        super().__init__(name, fps=None if animated else fps, frame_count=(pages or 1) + len(files) - 1, files=files)
        self._rate = fps
        self._reader = ImageReader(self.warnings)

    def _frames(self) -> Iterator[Frame]:
        shape, number, ahead = None, 0, 0.0  # by how much animations are ahead of the rate, in seconds
        for index, path in enumerate(self.files):
            for image, seconds in self._pages(path):
                if self._stopped.is_set():
                    return
                shape = image.shape if image is not None else shape or self._first_shape(self.files[index + 1 :])
                number += 1
                shown = np.zeros(shape, np.uint8) if image is None else image
                yield Frame(number, (number - 1) / self._rate + ahead, shown, image is not None)
                ahead += seconds - 1 / self._rate if seconds else 0

    def _pages(self, path: Path) -> Iterator[tuple[np.ndarray | None, float]]:
        """The pages of a file, the last of which may be None: it cannot be read, and none behind it."""
        try:
            yield from self._reader.pages(path)
        except ValueError as error:
            self.warnings.append(f"{path} cannot be read as an image: {error}.")
            yield None, 0

    def _first_shape(self, paths: Iterable[Path]) -> tuple[int, ...]:
        """Shape of the first image that can be read, for the black ones before it."""
        for path in paths:
            with suppress(ValueError):
                return next(self._reader.pages(path))[0].shape
        return (1, 1, 3)


def natural_order(path: Path) -> list[tuple[str, int]]:
    """Sorting key that takes the digits in a name as numbers: `2.jpg` comes before `10.jpg`."""
    return [(text, int(digits or -1)) for text, digits in re.findall(r"(\D*)(\d*)", str(path))]


def holds_images(path: Path) -> bool:
    """Whether a file is read as images: by its first bytes or, if it is no video by them, by its name."""
    return is_of_images(file_type(path), path)


def is_of_images(kind: FileType | None, path: Path) -> bool:
    """What `holds_images` says of a file whose type is known."""
    if path.suffix.lower() in MOTION_JPEG:
        return False
    return kind in (IMAGE, HEIC) or (kind != VIDEO and path.suffix.lower() in SUFFIXES)


def is_hidden(path: Path) -> bool:
    """Whether a file in a folder is passed over: `._1.jpg` is what macOS keeps beside `1.jpg`."""
    return path.name.startswith(".")


def is_image(path: Path) -> bool:
    """Whether a file in a folder counts as one of its images."""
    return not is_hidden(path) and holds_images(path)
