"""DISFA (Mavadati et al. 2013).

As it is handed out. Labels: `ActionUnit_Labels/SN001/SN001_au1.txt`, one file per subject and AU, with lines
`frame,intensity`; frames count from 1, intensities from 0 to 5. An AU occurs from intensity 2 on, as in all published
work with three folds. Videos: `Videos_LeftCamera/LeftVideoSN001_comp.avi`; or images of their frames,
`Images/SN001/SN001_0.png`. Prepared crops and images count from 0, as the published lists do: image 0 has the labels of
frame 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mdhr_runtime.errors import DataError

from .base import Dataset, parts_of
from .layouts import shipped
from .raw import (
    RawRecording,
    checked_labels,
    find_source,
    label_folder,
    no_labels,
    numbered_images,
    read_labels,
)

LAYOUT = shipped("disfa")

LABEL_FOLDERS = ("ActionUnit_Labels",)

SOURCES = (
    "Videos_LeftCamera/LeftVideo{subject}_[cC]omp.*",
    "Video_LeftCamera/LeftVideo{subject}_[cC]omp.*",
    "Images/{subject}",
    "img/{subject}",
    "{subject}",
)

OCCURS_FROM = 2
UNKNOWN = 9
INTENSITIES = (0, 1, 2, 3, 4, 5, UNKNOWN)


def read(raw: Path) -> list[RawRecording]:
    """Read the labels of all recordings, and find their images.

    Args:
        raw: Folder that holds the labels and the videos or images.

    Raises:
        DataError: Labels or images are missing, or labels are none.
    """
    folder = label_folder(raw, LABEL_FOLDERS)
    found = [_recording(raw, path) for path in sorted(folder.glob("SN*")) if path.is_dir()]
    if not found:
        raise DataError(
            f"There are no labels in {folder}.",
            "It has no folder such as SN001.",
            "Unpack the labels (ActionUnit_Labels) there.",
        )
    return found


def _recording(raw: Path, folder: Path) -> RawRecording:
    subject = folder.name
    source = find_source(raw, [pattern.format(subject=subject) for pattern in SOURCES])
    if source.is_dir() and 0 not in numbered_images(source):
        raise DataError(
            f"The images in {source} are not numbered from 0.",
            "Image 0 is that of the labels' frame 1; with another numbering all labels would be shifted.",
            f"Number them {subject}_0.png, {subject}_1.png, … from the video's first frame on.",
        )
    names = LAYOUT.au_names
    columns = [_column(folder / f"{subject}_au{au}.txt", name) for au, name in zip(LAYOUT.aus, names, strict=True)]
    frames = columns[0][0]
    for name, (others, _) in zip(names, columns, strict=True):
        if not np.array_equal(frames, others):
            raise DataError(
                f"The labels in {folder} have different lengths.",
                f"{names[0]} is labelled for {len(frames)} frames, {name} for {len(others)}, or for other ones.",
                "Unpack the labels (ActionUnit_Labels) again.",
            )
    labels = np.stack([labels for _, labels in columns], axis=1)
    return RawRecording(subject, subject, source, 0, frames - 1, labels)


def _column(path: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers int64 (T,) and labels int8 (T,) of a file."""
    _, table = read_labels(path)
    if table.shape[1] != 2:
        raise no_labels(path, f"It has {table.shape[1]} columns, and should have the frame and the intensity.")
    intensities = checked_labels(table[:, 1:2], path, [name], allowed=INTENSITIES)[:, 0]
    labels = np.where(intensities == UNKNOWN, UNKNOWN, intensities >= OCCURS_FROM)
    return table[:, 0].astype(np.int64), labels.astype(np.int8)


DATASET = Dataset(
    name="disfa",
    layout=LAYOUT,
    image_folder="img_o",
    recording_name="{subject}",
    crop_name="{recording}/{recording}_{number}.png",
    crop_pattern=r"(?P<recording>(?P<subject>SN\d+))/(?:SN\d+_)?(?P<number>\d+)\.png",
    path_list="DISFA_{split}_path_fold{fold}.txt",
    label_list="DISFA_{split}_label_fold{fold}.txt",
    combination_list="DISFA_{split}_sub_label_fold{fold}.txt",
    weight_list="DISFA_train_weight_fold{fold}.txt",
    # The parts are those of ME-GraphAU.
    parts=parts_of(
        "SN002 SN010 SN001 SN026 SN027 SN032 SN030 SN009 SN016",
        "SN013 SN018 SN011 SN028 SN012 SN006 SN031 SN021 SN024",
        "SN003 SN029 SN023 SN025 SN008 SN005 SN007 SN017 SN004",
    ),
)
