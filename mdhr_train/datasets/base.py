"""The datasets that can be trained on. A third one is one more entry here, and a small reader of its raw files.

A prepared dataset is a folder with aligned crops and list files, in the form that the published implementations of
MDHR and ME-GraphAU (https://github.com/CVI-SZU/ME-GraphAU) read: per fold and split a list of crops, one of their
labels, one of the regions' combinations, and the class weights. The parts of the subjects are ME-GraphAU's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mdhr_runtime.errors import DataError
from mdhr_runtime.layout import Layout

from ..datasets import BP4D, DISFA

RENDERED = "rendered.json"
"""File in the root of a dataset that was drawn and not recorded: what was asked for."""

SPLITS = ("train", "test")

FOLDS = {
    1: {"train": (1, 2), "test": (3,)},
    2: {"train": (1, 3), "test": (2,)},
    3: {"train": (2, 3), "test": (1,)},
}
"""Which parts of the subjects each fold trains on and tests on."""


class Place(NamedTuple):
    """Where a crop belongs: its subject, the name of its recording, and the frame's number in it."""

    subject: str
    recording: str
    number: int


@dataclass(frozen=True)
class Dataset:
    """How a prepared dataset is laid out.

    Attributes:
        name: What `--dataset` calls it.
        layout: Its action units (AUs), their regions, and the geometry of its crops.
        image_folder: Folder of the crops, below the dataset's.
        crop_name: Path of a crop below that folder, with {recording}, {subject} and {number}.
        crop_pattern: Regular expression for such paths with the groups `subject`, `recording` and `number`.
        path_list: File name of the list of crops, with {split} and {fold}.
        label_list: The same of the labels, N numbers a line.
        combination_list: The same of the regions' combinations, one number per region a line.
        weight_list: The same of the N class weights, with {fold}.
        parts: The subjects in three parts, from which `FOLDS` makes the folds.
    """

    name: str
    layout: Layout
    image_folder: str
    crop_name: str
    crop_pattern: str
    path_list: str
    label_list: str
    combination_list: str
    weight_list: str
    parts: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

    def subjects(self, fold: int, split: str) -> tuple[str, ...]:
        """The subjects of a fold's split ("train" or "test"), in the order of the lists."""
        return tuple(subject for part in FOLDS[fold][split] for subject in self.parts[part - 1])

    def place(self, line: str) -> Place:
        """Say where a crop belongs.

        Args:
            line: Its path below the image folder.

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
        return Place(match["subject"], match["recording"], int(match["number"]))

    def crop_path(self, subject: str, recording: str, number: int) -> str:
        """Path of a crop below the image folder; what `place` reads."""
        return self.crop_name.format(subject=subject, recording=recording, number=number)


def list_folder(root: Path) -> Path:
    """Folder of a prepared dataset's list files: `list/`, or its root, where the authors of MDHR have them."""
    folder = root / "list"
    return folder if folder.is_dir() else root


def _subjects(names: str) -> tuple[str, ...]:
    return tuple(names.split())


DATASETS = {
    "bp4d": Dataset(
        name="bp4d",
        layout=BP4D,
        image_folder="img",
        crop_name="{recording}/{number}.jpg",
        crop_pattern=r"(?P<recording>(?P<subject>[FM]\d+)/T\d+)/(?P<number>\d+)\.jpg",
        path_list="BP4D_{split}_img_path_fold{fold}.txt",
        label_list="BP4D_{split}_label_fold{fold}.txt",
        combination_list="BP4D_{split}_sub_label_fold{fold}.txt",
        weight_list="BP4D_train_weight_fold{fold}.txt",
        parts=(
            _subjects("F001 M007 F018 F008 F002 M004 F010 F009 M012 M001 F016 M014 F023 M008"),
            _subjects("M011 F003 M010 M002 F005 F022 M018 M017 F013 M016 F020 F011 M013 M005"),
            _subjects("F007 F015 F006 F019 M006 M009 F012 M003 F004 F021 F017 M015 F014"),
        ),
    ),
    "disfa": Dataset(
        name="disfa",
        layout=DISFA,
        image_folder="img_o",
        crop_name="{recording}/{recording}_{number}.png",
        crop_pattern=r"(?P<recording>(?P<subject>SN\d+))/(?:SN\d+_)?(?P<number>\d+)\.png",
        path_list="DISFA_{split}_path_fold{fold}.txt",
        label_list="DISFA_{split}_label_fold{fold}.txt",
        combination_list="DISFA_{split}_sub_label_fold{fold}.txt",
        weight_list="DISFA_train_weight_fold{fold}.txt",
        parts=(
            _subjects("SN002 SN010 SN001 SN026 SN027 SN032 SN030 SN009 SN016"),
            _subjects("SN013 SN018 SN011 SN028 SN012 SN006 SN031 SN021 SN024"),
            _subjects("SN003 SN029 SN023 SN025 SN008 SN005 SN007 SN017 SN004"),
        ),
    ),
}
