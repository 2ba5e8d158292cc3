"""A recording of a raw dataset: its labels, and where its images are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mdhr_runtime.errors import DataError
from mdhr_runtime.sources import Video
from mdhr_runtime.sources.images import is_image

VIDEO_SUFFIXES = frozenset({".avi", ".mkv", ".mov", ".mp4", ".mpg", ".wmv"})


@dataclass(frozen=True, eq=False)
class RawRecording:
    """The labelled frames of one video of one subject, before any face is cut out.

    Attributes:
        name: Its name in the prepared dataset, such as "F001/T1" or "SN001".
        subject: Who is to be seen.
        source: A folder of images whose names end in the frame's number, or a video.
        first: Number of a video's first frame.
        numbers: int64 (T,), the labelled frames, growing.
        labels: int8 (T, N): 1, 0, or anything else for unknown.
    """

    name: str
    subject: str
    source: Path
    first: int
    numbers: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        """Number of labelled frames T."""
        return len(self.numbers)

    def images(self) -> Iterator[tuple[int, np.ndarray]]:
        """Read the labelled frames that there are, in order.

        Yields:
            The frame's number and its image, uint8 (H, W, 3), RGB.

        Raises:
            DataError: An image is damaged.
            VideoError: The video is damaged.
        """
        yield from self._files() if self.source.is_dir() else self._frames()

    def _files(self) -> Iterator[tuple[int, np.ndarray]]:
        files = numbered_images(self.source)
        for number in self.numbers.tolist():
            if number in files:
                yield number, _read(files[number])

    def _frames(self) -> Iterator[tuple[int, np.ndarray]]:
        wanted = set(self.numbers.tolist())
        for frame in Video(self.source):
            number = frame.number - 1 + self.first
            if number in wanted:
                yield number, frame.image


def find_source(raw: Path, patterns: Sequence[str]) -> Path:
    """Find where a recording's images are.

    Args:
        raw: The raw dataset's folder.
        patterns: Where they may be below it, as globs. The first one that leads to a folder with images, or to a
            video, counts.

    Raises:
        DataError: None does.
    """
    for pattern in patterns:
        for path in sorted(raw.glob(pattern)):
            if path.suffix.lower() in VIDEO_SUFFIXES or (path.is_dir() and any(map(is_image, path.iterdir()))):
                return path
    raise DataError(
        f"There are labels in {raw}, but no images for them.",
        f"None of these is a folder with images or a video: {', '.join(patterns)}.",
        "Unpack the images or videos there, or remove the labels of recordings that you do not have.",
    )


def numbered_images(folder: Path) -> dict[int, Path]:
    """The images of a folder by the number that their names end in; others are left out."""
    endings = ((path.stem.rpartition("_")[2], path) for path in folder.iterdir() if is_image(path))
    return {int(ending): path for ending, path in endings if ending.isdecimal()}


def label_folder(raw: Path, names: Sequence[str]) -> Path:
    """Find the folder of the labels, by one of its names below the raw folder.

    Raises:
        DataError: There is none.
    """
    for name in names:
        if (raw / name).is_dir():
            return raw / name
    raise DataError(
        f"There are no labels in {raw}.",
        f"It has no folder {' or '.join(names)}." if raw.is_dir() else "There is no such folder.",
        "Give the folder that the dataset was unpacked in.",
    )


def read_table(path: Path, skip: int = 0) -> np.ndarray:
    """Read a comma-separated file of numbers: float64 (rows, columns).

    Args:
        path: The file.
        skip: Lines to skip at its beginning.

    Raises:
        DataError: It is empty or holds something else.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()[skip:]
        table = np.loadtxt(lines, delimiter=",", ndmin=2) if any(map(str.strip, lines)) else np.empty((0, 1))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no table of labels.", str(error), "Unpack the labels again.") from error
    if not len(table):
        raise DataError(f"{path} is no table of labels.", "It has no rows.", "Unpack the labels again.")
    frames = table[:, 0]
    if (frames != np.floor(frames)).any() or (np.diff(frames) <= 0).any():
        raise DataError(
            f"{path} is no table of labels.",
            "Its first column should count the frames, and does not grow in whole numbers.",
            "Unpack the labels again.",
        )
    return table


def _read(path: Path) -> np.ndarray:
    content = np.fromfile(path, np.uint8)
    image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    if image is None:
        raise DataError(
            f"The image {path} is damaged.",
            f"Its {content.size} bytes cannot be decoded.",
            "Unpack it again, or remove it, so that its frame is left out, and run the command again.",
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
