"""A raw dataset, as it is handed out: its recordings before any face is cut out, and what their readers share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from mdhr_runtime.errors import DataError, VideoError
from mdhr_runtime.records import RecordError
from mdhr_runtime.text_tables import Numbers, read_cells

from ..labels import HARD, known


@dataclass(frozen=True, eq=False)
class RawRecording:
    """The labelled frames of one video of one subject, before any face is cut out.

    Attributes:
        name: Its name in the prepared dataset, such as "F001/T1" or "SN001".
        subject: The person.
        source: A folder of images whose names end in the frame's number, or a video.
        first: Number of a video's first frame.
        numbers: int64 (T,), the labelled frames, growing.
        labels: int8 (T, N): 1, 0, or anything else for unknown; float32 in a dataset with soft labels.
        boxes: float32 (T, 4), left, top, right and bottom of the labelled face in pixels, NaN where that is not known;
            None where there is nothing to choose: then the largest face is followed.
    """

    name: str
    subject: str
    source: Path
    first: int
    numbers: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray | None = None

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
        from mdhr_runtime.sources.image_reader import ImageReader

        files, reader = numbered_images(self.source), ImageReader([])
        for number in self.numbers.tolist():
            if number in files:
                try:
                    image, _ = next(reader.pages(files[number]))
                except ValueError as error:
                    raise DataError(
                        f"The image {files[number]} is damaged.",
                        f"It cannot be read: {error}.",
                        "Unpack it again, or remove it, so that its frame is left out, and run the command again.",
                    ) from error
                yield number, image

    def _frames(self) -> Iterator[tuple[int, np.ndarray]]:
        from mdhr_runtime.sources import Video

        wanted = set(self.numbers.tolist())
        for frame in filter(None, Video(self.source)):
            number = frame.number - 1 + self.first
            if number in wanted:
                yield number, frame.image


class Folders:
    """What is below a folder. Each folder is listed once, and upper and lower case are the same.

    Args:
        root: The folder, which may be missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._inside: dict[Path, list[Path]] = {}

    def inside(self, folder: Path) -> list[Path]:
        """What is in a folder and not hidden, by name; nothing where there is no such folder.

        Raises:
            DataError: It may not be read.
        """
        if folder not in self._inside:
            try:
                names = sorted(os.listdir(folder))
            except (FileNotFoundError, NotADirectoryError):
                names = []
            except OSError as error:
                raise DataError(
                    f"The folder {folder} cannot be read.", f"{error.strerror}.", "Give a folder that you may read."
                ) from error
            self._inside[folder] = [folder / name for name in names if not name.startswith(".")]
        return self._inside[folder]

    def find(self, pattern: str) -> list[Path]:
        """What a glob below the root leads to, by name; "" is the root itself.

        A folder that holds one of its own name, as unpacking makes them, is looked through as if it were that, too.
        """
        found = [self.root]
        for part in filter(None, pattern.lower().split("/")):
            found = [path for each in found for path in self.inside(each) if fnmatchcase(path.name.lower(), part)]
            found += [inner for path in found for inner in self.inside(path) if inner.name.lower() == path.name.lower()]
        return found


def find_labels(folders: Folders, places: Sequence[str], pattern: str, example: str) -> dict[tuple[str, ...], Path]:
    """Find the labels of all recordings.

    Args:
        folders: Where to look.
        places: Where they may be, as globs. The first one with such labels counts.
        pattern: Regular expression of the names of their files or folders, in any case.
        example: Such a name.

    Returns:
        By the groups of the pattern, in upper case and sorted, the file or folder.

    Raises:
        DataError: There are none, or two for one recording.
    """
    found: dict[tuple[str, ...], Path] = {}
    for folder in (folder for place in places for folder in folders.find(place)):
        for path in folders.inside(folder):
            if match := re.fullmatch(pattern, path.name, re.IGNORECASE):
                named = tuple(group.upper() for group in match.groups())
                if named in found:
                    raise DataError(
                        f"There are two labels of {'/'.join(named)}.",
                        f"They are {found[named]} and {path}.",
                        "Remove one of them.",
                    )
                found[named] = path
        if found:
            return dict(sorted(found.items()))
    searched = ", ".join(str(folders.root / place) for place in places)
    raise DataError(
        f"There are no labels in {folders.root}.",
        f"None of these folders has {example}: {searched}." if folders.root.is_dir() else "There is no such folder.",
        "Give the folder that the dataset was unpacked in; where labels lie apart from images, theirs with --labels.",
    )


def find_source(folders: Folders, patterns: Sequence[str], labels: Path) -> Path:
    """Find where a recording's images are.

    Args:
        folders: Where to look.
        patterns: Where they may be, as globs. The first one that leads to a folder with images, or to a video, counts.
        labels: The recording's labels, for the error.

    Raises:
        DataError: None does.
    """
    from mdhr_runtime.sources.contents import VIDEO_SUFFIX
    from mdhr_runtime.sources.images import is_image

    for path in (path for pattern in patterns for path in folders.find(pattern)):
        if VIDEO_SUFFIX.fullmatch(path.suffix) or any(map(is_image, folders.inside(path))):
            return path
    raise DataError(
        f"There are labels in {labels}, but no images for them in {folders.root}.",
        f"None of these is a folder with images or a video there: {', '.join(patterns)}.",
        "Unpack the images or videos there, or remove the labels.",
    )


@contextmanager
def leaving_out(name: str, left_out: dict[str, str] | None) -> Iterator[None]:
    """Leave out a recording that cannot be read.

    Args:
        name: Its name.
        left_out: Gets the reason under the name; None lets the error pass, with a fix that names the option.

    Raises:
        DataError, VideoError: The recording cannot be read.
    """
    try:
        yield
    except (DataError, VideoError) as error:
        if left_out is None:
            fix = f"{error.fix} Or leave out what cannot be read with --skip-damaged."
            raise type(error)(error.what, error.why, fix) from error
        left_out[name] = f"{error.what} {error.why}"


def numbered_images(folder: Path) -> dict[int, Path]:
    """The images of a folder by the number that their names end in; others, and hidden files, are left out."""
    from mdhr_runtime.sources.images import is_image

    return {number: path for path in folder.iterdir() if (number := image_number(path)) is not None and is_image(path)}


def image_number(path: Path) -> int | None:
    """The number that an image's name ends in, if it does."""
    ending = path.stem.rpartition("_")[2]
    return int(ending) if ending.isdecimal() else None


def read_labels(path: Path, header: bool = False) -> tuple[list[str], np.ndarray]:
    """Read a table of labels, whose first column counts the frames; `mdhr_runtime.text_tables` says in which forms.

    Args:
        path: The file.
        header: Whether its first line names the columns.

    Returns:
        The names of the columns (C), or none, and the numbers, float64 (rows, C). Columns without a name before that of
        the frames are left out: pandas and R number the rows there.

    Raises:
        DataError: The file is no such table.
    """
    names: list[str] = []
    rows: list[list[float | None]] = []
    number, first = Numbers(), 0
    try:
        for line, cells in read_cells(path, header=False):
            if header and not names:
                first = next((index for index, name in enumerate(cells) if not _ROW_NUMBERS.fullmatch(name)), 0)
                if re.search("[1-9]", cells[first]):  # an AU: it is the frames' column that has no name
                    first = max(first - 1, 0)
                names = cells[first:]
            else:
                row = [number(cell, f"Line {line}") for cell in cells[first:]]
                if None in row:
                    raise RecordError(f"Line {line} has an empty cell.")
                rows.append(row)
    except (OSError, RecordError) as error:
        raise no_labels(path, str(error)) from error
    if not rows:
        raise no_labels(path, "It has no rows.")
    table = np.array(rows, float)
    frames = table[:, 0]
    if (frames != np.floor(frames)).any() or (np.diff(frames) <= 0).any():
        raise no_labels(path, "Its first column should count the frames, and does not grow in whole numbers.")
    return names, table


_ROW_NUMBERS = re.compile(r"\s*(X(\.\d+)?|Unnamed: \d+)?\s*")
"""Names of columns with row numbers: none, and what R and pandas make of that when they read it."""


def no_labels(path: Path, why: str) -> DataError:
    """The error of a file that is no table of labels."""
    return DataError(f"{path} is no table of labels.", why, "Unpack the labels again.")


def checked_labels(
    labels: np.ndarray,
    path: Path,
    names: Sequence[str],
    first_line: int = 1,
    allowed: Sequence[int] = HARD,
    soft: bool = False,
) -> np.ndarray:
    """Make sure that numbers are labels.

    Args:
        labels: (T, N), any type.
        path: Where they come from.
        names: The N action units.
        first_line: Line of the file that the first row comes from.
        allowed: What they may be.
        soft: Whether they may also be any number between 0 and 1.

    Returns:
        int8 (T, N); float32 if they may be soft.

    Raises:
        DataError: One of them is something else.
    """
    strange = np.argwhere(~(np.isin(labels, allowed) | (known(labels) if soft else False)))
    if len(strange):
        row, column = strange[0]
        raise DataError(
            f"{path} holds {len(strange)} numbers that are no labels.",
            f"The first is {labels[row, column]:g}, for {names[column]} in line {row + first_line}.",
            f"They may be {', '.join(map(str, allowed))}{', and what lies between 0 and 1' if soft else ''}. "
            "Copy the file again from where it came.",
        )
    return labels.astype(np.float32 if soft else np.int8)
