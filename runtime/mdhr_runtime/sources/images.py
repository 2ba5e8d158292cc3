"""Images in a folder as a source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from ..defaults import IMAGES_PER_SECOND, MOST_PIXELS
from ..errors import VideoError
from ..file_types import IMAGE, file_type
from ..files import open_regular
from .base import SourceBase
from .frame import Frame

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
PAGED = frozenset({".tif", ".tiff"})


class Images(SourceBase):
    """Images in files, as the consecutive frames of a video.

    One that cannot be read gives a black frame that says so, and the rest goes on.

    Args:
        name: The source's name.
        paths: The files, in any order; they are read in the natural one: `2.jpg` before `10.jpg`.
        fps: Images per second, from which the timestamps follow.

    Raises:
        VideoError: There are no files.
    """

    def __init__(self, name: str, paths: Iterable[Path], fps: float = IMAGES_PER_SECOND) -> None:
        files = sorted(paths, key=natural_order)
        super().__init__(name, fps=fps, frame_count=len(files), files=files)
        self._rate = fps
        if not files:
            raise VideoError(
                f"{name} holds no images.",
                "No file there has the name of an image.",
                f"Give a folder or a pattern with images: {', '.join(sorted(SUFFIXES))}; give videos by their names.",
            )

    def _frames(self) -> Iterator[Frame]:
        shape = None
        for index, path in enumerate(self.files):
            if self._stopped.is_set():
                return
            image = self._image(path)
            if image is not None:
                shape = image.shape
            elif shape is None:
                shape = _first_shape(self.files[index + 1 :])
            yield Frame(
                index + 1, index / self._rate, np.zeros(shape, np.uint8) if image is None else image, image is not None
            )

    def _image(self, path: Path) -> np.ndarray | None:
        try:
            image, pages = _read(path)
        except ValueError as error:
            self.warnings.append(f"{path} cannot be read as an image: {error}.")
            return None
        if pages > 1:
            self.warnings.append(f"{path} has {pages} pages, of which the first is read.")
        return image


def natural_order(path: Path) -> list[tuple[str, int]]:
    """Sorting key that takes the digits in a name as numbers: `2.jpg` comes before `10.jpg`."""
    return [(text, int(digits or -1)) for text, digits in re.findall(r"(\D*)(\d*)", str(path))]


def is_image(path: Path) -> bool:
    """Whether a file has the name of an image. `._1.jpg` is what macOS keeps beside `1.jpg`, and none."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith("._")


def _first_shape(paths: Iterable[Path]) -> tuple[int, ...]:
    """Shape of the first image that can be read, for the black ones before it."""
    for path in paths:
        with suppress(ValueError):
            return _read(path)[0].shape
    return (1, 1, 3)


def _read(path: Path) -> tuple[np.ndarray, int]:
    """Read an image: uint8 (H, W, 3) RGB, turned as its camera says; and the number of images in its file.

    Raises:
        ValueError: It cannot be read; says why.
    """
    try:
        with open_regular(path) as file:
            data = np.fromfile(file, np.uint8)  # not `cv2.imread`, which prints warnings and knows ASCII paths only
            pages = cv2.imcount(f"/proc/self/fd/{file.fileno()}") if path.suffix.lower() in PAGED else 1
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except OSError as error:
        raise ValueError(error.strerror) from error
    except cv2.error as error:
        large = "MAX_IMAGE_PIXELS" in str(error)
        raise ValueError(f"it has more than {MOST_PIXELS >> 20} megapixels" if large else "it is damaged") from error
    if image is None:
        kind = file_type(path)
        raise ValueError("it is damaged, or none" if kind in (IMAGE, None) else f"it is {kind.noun}")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB), pages
