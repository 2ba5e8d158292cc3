"""A dataset: the layout of its prepared form, and its recordings as they are handed out.

A prepared dataset is a folder with aligned crops and list files, in the form that the published implementations of
MDHR and ME-GraphAU (https://github.com/CVI-SZU/ME-GraphAU) read: per fold and split a list of crops, one of their
labels, one of the regions' combinations, and the class weights.

Each dataset is one file beside this one: its table, a `Dataset`, and the reader of its raw form. The functions below
are for such readers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mdhr_runtime.errors import DataError
from mdhr_runtime.layout import Layout
from mdhr_runtime.records import RecordError
from mdhr_runtime.text_tables import Numbers, read_cells

RENDERED = "rendered.json"
"""File in the root of a dataset that was drawn and not recorded: what was asked for."""

SPLITS = ("train", "test")

UNKNOWN = (9, -1)
"""Labels of AUs that nobody could see: 9 as BP4D writes it, −1 as the published implementation pads clips."""

LABELS = (0, 1, *UNKNOWN)
"""All labels that a list may hold."""


class CropName(NamedTuple):
    """The parts of a crop's path: its subject, the name of its recording, and the frame's number in it."""

    subject: str
    recording: str
    number: int


@dataclass(frozen=True)
class Dataset:
    """The table of a dataset.

    Attributes:
        name: Its name for `--dataset`.
        layout: Its action units (AUs), their regions, and the geometry of its crops.
        read: Reader of the raw form: takes the raw folder and gives the recordings, with all labels read and checked
            and no image opened yet.
        image_folder: Folder of the crops, below the dataset's.
        recording_name: Name of a recording, with {subject} and {take}, its number among those of the subject.
        crop_name: Path of a crop below the image folder, with {recording}, {subject} and {number}.
        crop_pattern: Regular expression for such paths with the groups `subject`, `recording` and `number`.
        path_list: File name of the list of crops, with {split} and {fold}.
        label_list: The same of the labels, N numbers a line.
        combination_list: The same of the regions' combinations, one number per region a line.
        weight_list: The same of the N class weights, with {fold}.
        parts: The subjects in parts, each of which is tested on in one fold.
    """

    name: str
    layout: Layout
    read: Callable[[Path], list[RawRecording]]
    image_folder: str
    recording_name: str
    crop_name: str
    crop_pattern: str
    path_list: str
    label_list: str
    combination_list: str
    weight_list: str
    parts: tuple[tuple[str, ...], ...]

    @property
    def folds(self) -> tuple[int, ...]:
        """Numbers of the folds, from 1."""
        return tuple(range(1, len(self.parts) + 1))

    def subjects(self, fold: int, split: str) -> tuple[str, ...]:
        """The subjects of a fold's split ("train" or "test"), in the order of the lists.

        Fold 1 is tested on the last part, as in ME-GraphAU's lists.
        """
        tested = len(self.parts) - fold
        chosen = [part for index, part in enumerate(self.parts) if (index == tested) == (split == "test")]
        return tuple(subject for part in chosen for subject in part)

    def parse_crop(self, line: str) -> CropName:
        """Take the path of a crop below the image folder apart.

        Raises:
            DataError: The path is not one of this dataset.
        """
        match = re.fullmatch(self.crop_pattern, line)
        if match is None:
            raise DataError(
                f"{line!r} is no crop of {self.name}.",
                f"The dataset's crops have names such as {self.crop_path(self.parts[0][0], '…', 7)}.",
                "Check that the list belongs to this dataset, or choose another one with --dataset.",
            )
        return CropName(match["subject"], match["recording"], int(match["number"]))

    def crop_path(self, subject: str, recording: str, number: int) -> str:
        """Path of a crop below the image folder; the inverse of `parse_crop`."""
        return self.crop_name.format(subject=subject, recording=recording, number=number)


def parts_of(*names: str) -> tuple[tuple[str, ...], ...]:
    """The parts of a dataset's subjects, each given as names with blanks between them."""
    return tuple(tuple(part.split()) for part in names)


def list_folder(root: Path) -> Path:
    """Folder of a prepared dataset's list files: `list/`, or its root, where the authors of MDHR have them."""
    folder = root / "list"
    return folder if folder.is_dir() else root


def is_prepared(name: str, dataset: Dataset) -> bool:
    """Whether a path below a prepared dataset's folder is that of a crop or a list."""
    folder, _, inside = name.partition("/")
    if folder == dataset.image_folder:
        return re.fullmatch(dataset.crop_pattern, inside) is not None
    lists = (dataset.path_list, dataset.label_list, dataset.combination_list, dataset.weight_list)
    return folder == "list" and inside in {
        each.format(split=split, fold=fold) for each in lists for split in SPLITS for fold in dataset.folds
    }


def prepared_folders(root: Path, dataset: Dataset) -> tuple[Path, Path]:
    """Folders of a prepared dataset in which nothing else belongs: those of its crops and its lists."""
    return root / dataset.image_folder, root / "list"


@dataclass(frozen=True, eq=False)
class RawRecording:
    """The labelled frames of one video of one subject, before any face is cut out.

    Attributes:
        name: Its name in the prepared dataset, such as "F001/T1" or "SN001".
        subject: The person.
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


def find_source(raw: Path, patterns: Sequence[str]) -> Path:
    """Find where a recording's images are.

    Args:
        raw: The raw dataset's folder.
        patterns: Where they may be below it, as globs, to what is not hidden. The first one that leads to a folder
            with images, or to a video, counts.

    Raises:
        DataError: None does.
    """
    from mdhr_runtime.sources.contents import VIDEO_SUFFIX
    from mdhr_runtime.sources.images import is_hidden, is_image

    for pattern in patterns:
        for path in sorted(found for found in raw.glob(pattern) if not is_hidden(found)):
            if VIDEO_SUFFIX.fullmatch(path.suffix) or (path.is_dir() and any(map(is_image, path.iterdir()))):
                return path
    raise DataError(
        f"There are labels in {raw}, but no images for them.",
        f"None of these is a folder with images or a video: {', '.join(patterns)}.",
        "Unpack the images or videos there, or remove the labels of recordings that you do not have.",
    )


def numbered_images(folder: Path) -> dict[int, Path]:
    """The images of a folder by the number that their names end in; others, and hidden files, are left out."""
    from mdhr_runtime.sources.images import is_image

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
    labels: np.ndarray, path: Path, names: Sequence[str], first_line: int = 1, allowed: Sequence[int] = LABELS
) -> np.ndarray:
    """Make sure that numbers are labels.

    Args:
        labels: (T, N), any type.
        path: Where they come from.
        names: The N action units.
        first_line: Line of the file that the first row comes from.
        allowed: What they may be.

    Returns:
        int8 (T, N).

    Raises:
        DataError: One of them is something else.
    """
    strange = np.argwhere(~np.isin(labels, allowed))
    if len(strange):
        row, column = strange[0]
        raise DataError(
            f"{path} holds {len(strange)} numbers that are no labels.",
            f"The first is {labels[row, column]:g}, for {names[column]} in line {row + first_line}.",
            f"They may be {', '.join(map(str, allowed))}. Copy the file again from where it came.",
        )
    return labels.astype(np.int8)
