"""DISFA (Mavadati et al. 2013) as it is handed out.

Labels: `ActionUnit_Labels/SN001/SN001_au1.txt`, one file per subject and AU, with lines `frame,intensity`; frames count
from 1, intensities from 0 to 5. An AU occurs from intensity 2 on, as in all published work with three folds. Videos:
`Videos_LeftCamera/LeftVideoSN001_comp.avi`; or images of their frames, `Images/SN001/SN001_0.png`. Prepared crops and
images count from 0, as the published lists do: image 0 has the labels of frame 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mdhr_runtime.errors import DataError

from ..data.list_files import checked
from .raw import RawRecording, find_source, label_folder, numbered_images, read_table

LABELS = ("ActionUnit_Labels",)

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


def read(raw: Path, au_names: Sequence[str]) -> list[RawRecording]:
    """Read the labels of all recordings, and find their images.

    Args:
        raw: Folder that holds the labels and the videos or images.
        au_names: The AUs to read, such as "AU01".

    Raises:
        DataError: Labels or images are missing, or labels are none.
    """
    folder = label_folder(raw, LABELS)
    found = [_recording(raw, path, au_names) for path in sorted(folder.glob("SN*")) if path.is_dir()]
    if not found:
        raise DataError(
            f"There are no labels in {folder}.",
            "It has no folder such as SN001.",
            "Unpack the labels (ActionUnit_Labels) there.",
        )
    return found


def _recording(raw: Path, folder: Path, au_names: Sequence[str]) -> RawRecording:
    subject = folder.name
    source = find_source(raw, [pattern.format(subject=subject) for pattern in SOURCES])
    if source.is_dir() and 0 not in numbered_images(source):
        raise DataError(
            f"The images in {source} are not numbered from 0.",
            "Image 0 is that of the labels' frame 1; with another numbering all labels would be shifted.",
            f"Number them {subject}_0.png, {subject}_1.png, … from the video's first frame on.",
        )
    columns = [_column(folder / f"{subject}_au{int(name[2:])}.txt", name) for name in au_names]
    frames = columns[0][0]
    for name, (others, _) in zip(au_names, columns, strict=True):
        if not np.array_equal(frames, others):
            raise DataError(
                f"The labels in {folder} have different lengths.",
                f"{au_names[0]} is labelled for {len(frames)} frames, {name} for {len(others)}, or for other ones.",
                "Unpack the labels (ActionUnit_Labels) again.",
            )
    labels = np.stack([labels for _, labels in columns], axis=1)
    return RawRecording(subject, subject, source, 0, frames - 1, labels)


def _column(path: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers int64 (T,) and labels int8 (T,) of a file."""
    table = read_table(path)
    intensities = checked(table[:, 1:2], path, [name], allowed=INTENSITIES)[:, 0]
    labels = np.where(intensities == UNKNOWN, UNKNOWN, intensities >= OCCURS_FROM)
    return table[:, 0].astype(np.int64), labels.astype(np.int8)
