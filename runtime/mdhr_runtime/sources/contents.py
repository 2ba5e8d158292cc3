"""What a path that is given as a source leads to: videos and images, or why it leads to none."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import NamedTuple

from ..addresses import redacted
from ..errors import VideoError
from ..file_types import FOLDER, IMAGE, VIDEO, explain, file_type
from .images import is_hidden, is_of_images, natural_order

VIDEO_SUFFIX = re.compile(
    r"\.(3gp|asf|avi|dv|flv|m2ts|m4v|mjpe?g|mkv|mov|mp4|mpe?g|mts|mxf|ogv|ts|vob|webm|wmv)", re.IGNORECASE
)
SMALL_COPIES = (".lrv", ".thm")
"""What action cameras keep beside a video."""
COUNTED = re.compile(r"%0?\d*d")
"""Where FFmpeg counts up the numbers of images."""


class Contents(NamedTuple):
    """Files of a source, in natural order: `2.jpg` before `10.jpg`."""

    videos: list[Path]
    images: list[Path]


def contents(path: Path) -> Contents:
    """Look up what a path leads to: what a file holds decides what it is, or its name, where that does not tell.

    In a folder, hidden files, small copies of videos, other files and folders are passed over.

    Args:
        path: A file, a folder, or a pattern.

    Raises:
        VideoError: There is no such file, or it is of another kind, or nothing of use is in a folder.
    """
    if str(path) == "-":
        raise VideoError(
            "- is no source.", "The standard input is not read.", "Give a file, or the address of a stream."
        )
    if os.path.isdir(path) and file_type(path) in (FOLDER, None):
        try:
            inside = list(path.iterdir())
        except OSError as error:
            raise VideoError(
                f"{path} cannot be read.", f"{error.strerror}.", "Give a folder that you may read."
            ) from error
        found = [file for file in inside if not (is_hidden(file) or file.suffix.lower() in SMALL_COPIES)]
        return _useful(path, found, "The folder is empty.")
    if os.path.exists(path):
        return _useful(path, [path], "")
    if glob.has_magic(str(path)):
        return _useful(path, list(map(Path, glob.glob(str(path)))), "No file matches this pattern.")
    pattern = COUNTED.sub("*", str(path))
    fix = "Check the path." if pattern == str(path) else f'Give a pattern of images, between quotes: "{pattern}".'
    raise VideoError(f"There is no file {redacted(str(path))}.", *explain(path, fix))


def _useful(path: Path, found: list[Path], without: str) -> Contents:
    """The videos and images among the files that were found at a path."""
    videos, images = [], []
    files = [file for file in found if file == path or not os.path.isdir(file)]
    for file in sorted(files, key=natural_order):
        kind = file_type(file)
        if is_of_images(kind, file):
            images.append(file)
        elif file == path or kind == VIDEO or VIDEO_SUFFIX.fullmatch(file.suffix):
            if kind not in (VIDEO, IMAGE, None):
                raise VideoError(f"{file} is no source.", *explain(file, ""))
            videos.append(file)
    if not (videos or images):
        folders = " Folders inside are not searched." if len(files) < len(found) else ""
        why = f"None of the {len(files)} files there is one.{folders}" if found else without
        fix = 'Give a video, or a folder or "pattern" of videos or images.'
        raise VideoError(f"{path} holds neither videos nor images.", why, fix)
    return Contents(videos, images)
