"""BP4D-Spontaneous (Zhang et al. 2014).

As it is handed out. Labels: `AUCoding/AU_OCC/F001_T1.csv`, one file per subject and task. The first line names the
columns by AU number; the first column is the frame's number, 9 stands for "unknown". Images: `2D+3D/F001/T1/2440.jpg`,
by the same numbers, with or without leading zeros; or one video per task, whose frames are taken to be numbered from 1.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mdhr_runtime.errors import DataError

from .base import Dataset, parts_of
from .layouts import shipped
from .raw import RawRecording, checked_labels, find_source, label_folder, no_labels, read_labels

LAYOUT = shipped("bp4d")

LABEL_FOLDERS = ("AUCoding/AU_OCC", "AU_OCC")

SOURCES = (
    "2D+3D/{subject}/{task}",
    "img/{subject}/{task}",
    "{subject}/{task}",
    "2D+3D/{subject}/{task}.*",
    "2D+3D/{subject}_{task}.*",
    "Videos/{subject}_{task}.*",
    "{subject}_{task}.*",
)

FIRST_FRAME = 1

_AU = re.compile(r"[\sA-Za-z_]*0*(\d+)(\.0)?\s*")
"""The name of an AU's column: a number, which R and pandas may have changed to X1 and 1.0."""


def read(raw: Path) -> list[RawRecording]:
    """Read the labels of all recordings, and find their images.

    Args:
        raw: Folder that holds the labels and the images.

    Raises:
        DataError: Labels or images are missing, or labels are none.
    """
    folder = label_folder(raw, LABEL_FOLDERS)
    files = {match: path for path in folder.iterdir() if (match := re.fullmatch(r"([FM]\d+)_(T\d+)\.csv", path.name))}
    if not files:
        raise DataError(
            f"There are no labels in {folder}.",
            "No file there has a name such as F001_T1.csv.",
            "Unpack the occurrence labels (AU_OCC) there.",
        )
    found = []
    for match, path in sorted(files.items(), key=lambda item: item[1].name):
        subject, task = match.groups()
        source = find_source(raw, [pattern.format(subject=subject, task=task) for pattern in SOURCES])
        numbers, labels = _labels(path)
        found.append(RawRecording(f"{subject}/{task}", subject, source, FIRST_FRAME, numbers, labels))
    return found


def _labels(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers int64 (T,) and labels int8 (T, N) of a file."""
    names, table = read_labels(path, header=True)
    header = [int(match[1]) if (match := _AU.fullmatch(name)) else None for name in names]
    columns = [[index for index, found in enumerate(header) if found == au and index] for au in LAYOUT.aus]
    for name, found in zip(LAYOUT.au_names, columns, strict=True):
        if len(found) != 1:
            raise no_labels(path, f"Its first line names {'two columns' if found else 'no column'} {name}.")
    labels = checked_labels(table[:, [found[0] for found in columns]], path, LAYOUT.au_names, first_line=2)
    return table[:, 0].astype(np.int64), labels


DATASET = Dataset(
    name="bp4d",
    layout=LAYOUT,
    image_folder="img",
    recording_name="{subject}/T{take}",
    crop_name="{recording}/{number}.jpg",
    crop_pattern=r"(?P<recording>(?P<subject>[FM]\d+)/T\d+)/(?P<number>\d+)\.jpg",
    path_list="BP4D_{split}_img_path_fold{fold}.txt",
    label_list="BP4D_{split}_label_fold{fold}.txt",
    combination_list="BP4D_{split}_sub_label_fold{fold}.txt",
    weight_list="BP4D_train_weight_fold{fold}.txt",
    # The parts are those of ME-GraphAU.
    parts=parts_of(
        "F001 M007 F018 F008 F002 M004 F010 F009 M012 M001 F016 M014 F023 M008",
        "M011 F003 M010 M002 F005 F022 M018 M017 F013 M016 F020 F011 M013 M005",
        "F007 F015 F006 F019 M006 M009 F012 M003 F004 F021 F017 M015 F014",
    ),
)
