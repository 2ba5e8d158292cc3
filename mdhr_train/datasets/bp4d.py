"""BP4D-Spontaneous (Zhang et al. 2014).

As it is handed out. Labels: `AUCoding/AU_OCC/F001_T1.csv`, one file per subject and task. The first line names the
columns by AU number; the first column is the frame's number, 9 stands for "unknown". Images:
`Sequences(2D+3D)/F001/T1/2440.jpg`, by the same numbers, with or without leading zeros; or one video per task, whose
frames are taken to be numbered from 1. Upper and lower case are the same.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from .base import CODED_BY_HAND, Dataset, parts_of
from .layouts import shipped
from .raw import (
    Folders,
    RawRecording,
    checked_labels,
    find_labels,
    find_source,
    leaving_out,
    no_labels,
    read_labels,
)

LAYOUT = shipped("bp4d")

LABEL_FOLDERS = ("AUCoding/AU_OCC", "AU_OCC")

SOURCES = (
    "Sequences(2D+3D)/{subject}/{task}",
    "2D+3D/{subject}/{task}",
    "img/{subject}/{task}",
    "{subject}/{task}",
    "Sequences(2D+3D)/{subject}/{task}.*",
    "Sequences(2D+3D)/{subject}_{task}.*",
    "2D+3D/{subject}/{task}.*",
    "2D+3D/{subject}_{task}.*",
    "Videos/{subject}_{task}.*",
    "{subject}/{task}.*",
    "{subject}_{task}.*",
)

FIRST_FRAME = 1

_AU = re.compile(r"[\sA-Za-z_]*0*(\d+)(\.0)?\s*")
"""The name of an AU's column: a number, which R and pandas may have changed to X1 and 1.0."""


def read(raw: Path, labels: Path | None = None, left_out: dict[str, str] | None = None) -> list[RawRecording]:
    """Read the labels of all recordings, and find their images.

    Args:
        raw: Folder that holds the images, and the labels unless they lie elsewhere.
        labels: Folder that holds the labels, or a folder that has them.
        left_out: Gets the recordings that cannot be read, with the reason; None refuses them.

    Raises:
        DataError: Labels or images are missing, or labels are none.
    """
    images, found = Folders(raw), []
    folders, places = (images, LABEL_FOLDERS) if labels is None else (Folders(labels), (*LABEL_FOLDERS, ""))
    for (subject, task), path in find_labels(folders, places, r"([FM]\d+)_(T\d+)\.csv", "F001_T1.csv").items():
        name = f"{subject}/{task}"
        with leaving_out(name, left_out):
            source = find_source(images, [each.format(subject=subject, task=task) for each in SOURCES], path)
            found.append(RawRecording(name, subject, source, FIRST_FRAME, *_labels(path)))
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


_PUBLISHED = Dataset(
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
    origin=f"{CODED_BY_HAND}, by FACS coders",
    # The parts are those of ME-GraphAU, and the frames those of its lists and the published ones.
    parts=parts_of(
        "F001 M007 F018 F008 F002 M004 F010 F009 M012 M001 F016 M014 F023 M008",
        "M011 F003 M010 M002 F005 F022 M018 M017 F013 M016 F020 F011 M013 M005",
        "F007 F015 F006 F019 M006 M009 F012 M003 F004 F021 F017 M015 F014",
    ),
    takes=8,
    frames=(
        (3934, 3684, 3525, 3695, 3937, 3521, 3266, 3297, 3609, 4153, 3510, 3483, 3726, 3291),
        (3469, 3700, 3298, 3833, 3915, 3593, 3488, 3542, 3434, 3648, 3646, 3732, 3613, 3271),
        (3573, 3451, 3576, 3489, 3572, 3290, 3543, 3379, 3737, 3447, 3823, 3664, 3490),
    ),
)

DATASET = replace(_PUBLISHED, others=(replace(_PUBLISHED, weight_list="BP4D_weight_fold{fold}.txt"),))  # ME-GraphAU's
