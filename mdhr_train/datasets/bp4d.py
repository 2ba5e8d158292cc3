"""BP4D-Spontaneous (Zhang et al. 2014) as it is handed out.

Labels: `AUCoding/AU_OCC/F001_T1.csv`, one file per subject and task. The first line names the columns by AU number; the
first column is the frame's number, 9 stands for "unknown". Images: `2D+3D/F001/T1/2440.jpg`, by the same numbers, with
or without leading zeros; or one video per task, whose frames are taken to be numbered from 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mdhr_runtime.errors import DataError

from ..data.list_files import checked
from .raw import RawRecording, find_source, label_folder, read_table

LABELS = ("AUCoding/AU_OCC", "AU_OCC")

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


def read(raw: Path, au_names: Sequence[str]) -> list[RawRecording]:
    """Read the labels of all recordings, and find their images.

    Args:
        raw: Folder that holds the labels and the images.
        au_names: The AUs to read, such as "AU01".

    Raises:
        DataError: Labels or images are missing, or labels are none.
    """
    folder = label_folder(raw, LABELS)
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
        numbers, labels = _labels(path, au_names)
        found.append(RawRecording(f"{subject}/{task}", subject, source, FIRST_FRAME, numbers, labels))
    return found


def _labels(path: Path, au_names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers int64 (T,) and labels int8 (T, N) of a file."""
    with path.open(encoding="utf-8-sig") as file:
        header = [int(number) if (number := re.sub(r"\D", "", cell)) else None for cell in file.readline().split(",")]
    missing = [name for name in au_names if int(name[2:]) not in header[1:]]
    if missing:
        raise DataError(
            f"{path} is no table of labels.",
            f"Its first line names no column {', '.join(missing)}.",
            "Unpack the occurrence labels (AU_OCC) again.",
        )
    table = read_table(path, skip=1)
    columns = [header.index(int(name[2:]), 1) for name in au_names]
    return table[:, 0].astype(np.int64), checked(table[:, columns], path, au_names, first_line=2)
