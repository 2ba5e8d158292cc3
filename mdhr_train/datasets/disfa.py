"""DISFA (Mavadati et al. 2013).

As it is handed out. Labels: `ActionUnit_Labels/SN001/SN001_au1.txt`, one file per subject and AU, with lines
`frame,intensity`; frames count from 1, intensities from 0 to 5. An AU occurs from intensity 2 on, as in all published
work with three folds. Videos: `Videos_LeftCamera/LeftVideoSN001_comp.avi`; or images of their frames,
`Images/SN001/SN001_0.png`. Upper and lower case are the same. Prepared crops and images count from 0, as the published
lists do: image 0 has the labels of frame 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mdhr_runtime.errors import DataError

from .base import CODED_BY_HAND, Dataset, parts_of
from .layouts import shipped
from .raw import (
    Folders,
    RawRecording,
    checked_labels,
    find_labels,
    find_source,
    image_number,
    leaving_out,
    no_labels,
    read_labels,
)

LAYOUT = shipped("disfa")

LABEL_FOLDERS = ("ActionUnit_Labels",)

SOURCES = (
    "Videos_LeftCamera/LeftVideo{subject}_comp.*",
    "Video_LeftCamera/LeftVideo{subject}_comp.*",
    "LeftVideo{subject}_comp.*",
    "Images/{subject}",
    "img/{subject}",
    "{subject}",
)

OCCURS_FROM = 2
UNKNOWN = 9
INTENSITIES = (0, 1, 2, 3, 4, 5, UNKNOWN)


def read(raw: Path, labels: Path | None = None, left_out: dict[str, str] | None = None) -> list[RawRecording]:
    """Read the labels of all recordings, and find their images.

    Args:
        raw: Folder that holds the videos or images, and the labels unless they lie elsewhere.
        labels: Folder that holds the labels, or a folder that has them.
        left_out: Gets the recordings that cannot be read, with the reason; None refuses them.

    Raises:
        DataError: Labels or images are missing, or labels are none.
    """
    images, found = Folders(raw), []
    folders, places = (images, LABEL_FOLDERS) if labels is None else (Folders(labels), (*LABEL_FOLDERS, ""))
    for (subject,), folder in find_labels(folders, places, r"(SN\d[^.]*)", "folders such as SN001").items():
        with leaving_out(subject, left_out):
            files = {path.name.lower(): path for path in folders.inside(folder)}
            found.append(_recording(subject, images, folder, files))
    return found


def _recording(subject: str, images: Folders, folder: Path, files: Mapping[str, Path]) -> RawRecording:
    from mdhr_runtime.sources.images import is_image

    source = find_source(images, [pattern.format(subject=subject) for pattern in SOURCES], folder)
    within = images.inside(source)  # none where it is a video
    if within and not any(image_number(path) == 0 and is_image(path) for path in within):
        raise DataError(
            f"The images in {source} are not numbered from 0.",
            "Image 0 is that of the labels' frame 1; with another numbering all labels would be shifted.",
            f"Number them {subject}_0.png, {subject}_1.png, … from the video's first frame on.",
        )
    names = LAYOUT.au_names
    paths = [files.get(f"{subject}_au{au}.txt".lower(), folder / f"{subject}_au{au}.txt") for au in LAYOUT.aus]
    columns = [_column(path, name) for path, name in zip(paths, names, strict=True)]
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


_PUBLISHED = Dataset(
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
    origin=f"{CODED_BY_HAND}, by FACS coders",
    # The parts are those of ME-GraphAU, and the frames those of its lists and the published ones.
    parts=parts_of(
        "SN002 SN010 SN001 SN026 SN027 SN032 SN030 SN009 SN016",
        "SN013 SN018 SN011 SN028 SN012 SN006 SN031 SN021 SN024",
        "SN003 SN029 SN023 SN025 SN008 SN005 SN007 SN017 SN004",
    ),
    frames=((4845, 4844, *[4845] * 7), (4845,) * 9, (4845,) * 9),
)

DATASET = replace(
    _PUBLISHED,
    others=(
        replace(  # ME-GraphAU's
            _PUBLISHED,
            image_folder="img",
            crop_name="{recording}/{number}.png",
            crop_pattern=r"(?P<recording>(?P<subject>SN\d+))/(?P<number>\d+)\.png",
            path_list="DISFA_{split}_img_path_fold{fold}.txt",
            weight_list="DISFA_weight_fold{fold}.txt",
        ),
    ),
)
