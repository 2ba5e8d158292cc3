"""Images in a folder as a source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from ..defaults import IMAGES_PER_SECOND
from ..errors import VideoError
from .base import Frame, SourceBase

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


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
                f"Give a folder or a pattern with images: {', '.join(sorted(SUFFIXES))}.",
            )

    def __iter__(self) -> Iterator[Frame]:
        """Give all images."""
        size = (1, 1)
        for index, path in enumerate(self.files):
            if self._stopped.is_set():
                return
            image = _read(path)
            if image is None:
                self.warnings.append(f"{path} cannot be read as an image.")
            else:
                size = image.shape[:2]
            black = np.zeros((*size, 3), np.uint8)
            yield Frame(index + 1, index / self._rate, black if image is None else image, image is not None)


def natural_order(path: Path) -> list[tuple[str, int]]:
    """Sorting key that takes the digits in a name as numbers: `2.jpg` comes before `10.jpg`."""
    return [(text, int(digits or -1)) for text, digits in re.findall(r"(\D*)(\d*)", str(path))]


def is_image(path: Path) -> bool:
    """Whether a file has the name of an image."""
    return path.suffix.lower() in SUFFIXES


def _read(path: Path) -> np.ndarray | None:
    """Read an image as uint8 (H, W, 3) RGB, turned as its camera says; None if it cannot be read."""
    try:
        data = np.fromfile(path, np.uint8)  # not `cv2.imread`, which prints warnings and knows ASCII paths only
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
