"""A dataset: the layout of its prepared form, and its recordings as they are handed out.

A prepared dataset is a folder with aligned crops and list files, in the form that the published implementations of
MDHR and ME-GraphAU (https://github.com/CVI-SZU/ME-GraphAU) read: per fold and split a list of crops, one of their
labels, one of the regions' combinations, and the class weights.

BP4D and DISFA are tables in the files beside this one; any other dataset describes itself, see `description`. `raw` is
for the readers of what is handed out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mdhr_runtime.errors import DataError
from mdhr_runtime.layout import Layout

RENDERED = "rendered.json"
"""File in the root of a dataset that was drawn and not recorded: what was asked for."""

DESCRIPTION = "dataset.yaml"
"""File in the root of a dataset that describes itself."""

CODED_BY_HAND = "coded by hand"
"""How the origin of labels begins that people gave, and no other tool."""

SPLITS = ("train", "test")


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
        image_folder: Folder of the crops, below the dataset's.
        recording_name: Name of a recording, with {subject} and {take}, its number among those of the subject.
        crop_name: Path of a crop below the image folder, with {recording}, {subject} and {number}.
        crop_pattern: Regular expression for such paths with the groups `subject`, `recording` and `number`.
        path_list: File name of the list of crops, with {split} and {fold}.
        label_list: The same of the labels, N numbers a line.
        combination_list: The same of the regions' combinations, one number per region a line.
        weight_list: The same of the N class weights, with {fold}.
        parts: The subjects in parts, each of which is tested on in one fold.
        soft: Whether labels may lie between 0 and 1, as how likely it is that an AU occurs.
        origin: Whose labels they are, in words for people; empty where that is not known.
        takes: Recordings of each subject in the complete dataset, where `frames` are known.
        frames: Labelled frames of the complete dataset, per part and subject; None where that is not known.
        others: The same dataset as other implementations prepare it, which is read as well.
    """

    name: str
    layout: Layout
    image_folder: str
    recording_name: str
    crop_name: str
    crop_pattern: str
    path_list: str
    label_list: str
    combination_list: str
    weight_list: str
    parts: tuple[tuple[str, ...], ...]
    soft: bool = False
    origin: str = ""
    takes: int = 1
    frames: tuple[tuple[int, ...], ...] | None = None
    others: tuple[Dataset, ...] = ()

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
    """Whether a path below a prepared dataset's folder is that of a crop, a list, or its description."""
    if name == DESCRIPTION:
        return True
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
