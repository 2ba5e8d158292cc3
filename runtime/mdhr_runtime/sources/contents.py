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
from .images import SUFFIXES, holds_images, is_hidden, natural_order

VIDEO_SUFFIX = re.compile(
    r"\.(3gp|asf|avi|dv|flv|m2ts|m4v|mjpe?g|mkv|mov|mp4|mpe?g|mts|mxf|ogv|ts|vob|webm|wmv)", re.IGNORECASE
)
COUNTED = re.compile(r"%0?\d*d")
"""Where FFmpeg counts up the numbers of images."""


class Contents(NamedTuple):
    """Files of a source, in natural order: `2.jpg` before `10.jpg`."""

    videos: list[Path]
    images: list[Path]


def contents(path: Path) -> Contents:
    """Look up what a path leads to. What a file holds decides what it is; its name, where that does not tell.

    Of folders and patterns, files with a name of videos or images count; if there is none, those that hold one. Hidden
    files and folders inside are passed over.

    Args:
        path: A file, a folder, or a pattern.

    Raises:
        VideoError: There is no such file, or it is of another kind, or nothing of use is in a folder.
    """
    kind = file_type(path)
    if str(path) == "-":
        raise VideoError(
            "- is no source.", "The standard input is not read.", "Give a file, or the address of a stream."
        )
    if os.path.isdir(path) and kind in (FOLDER, None):
        try:
            found = [file for file in path.iterdir() if not is_hidden(file)]
        except OSError as error:
            raise VideoError(
                f"{path} cannot be read.", f"{error.strerror}.", "Give a folder that you may read."
            ) from error
        return _sorted(_useful(path, found, "The folder is empty."))
    if os.path.exists(path):
        return _sorted([path])
    if glob.has_magic(str(path)):
        return _sorted(_useful(path, list(map(Path, glob.glob(str(path)))), "No file matches this pattern."))
    pattern = COUNTED.sub("*", str(path))
    fix = "Check the path." if pattern == str(path) else f'Give a pattern of images, between quotes: "{pattern}".'
    raise VideoError(f"There is no file {redacted(str(path))}.", *explain(path, fix))


def _useful(path: Path, found: list[Path], without: str) -> list[Path]:
    files = [file for file in found if not os.path.isdir(file)]
    useful = [file for file in files if file.suffix.lower() in SUFFIXES or VIDEO_SUFFIX.fullmatch(file.suffix)]
    useful = useful or [file for file in files if file_type(file) == VIDEO or holds_images(file)]
    if not useful:
        inside = " Folders inside are not searched." if len(files) < len(found) else ""
        why = without if not found else f"None of the {len(files)} files there is one.{inside}"
        fix = 'Give a video, or a folder or "pattern" of videos or images.'
        raise VideoError(f"{path} holds neither videos nor images.", why, fix)
    return useful


def _sorted(files: list[Path]) -> Contents:
    found = Contents([], [])
    for file in sorted(files, key=natural_order):
        if holds_images(file):
            found.images.append(file)
        elif file_type(file) in (VIDEO, IMAGE, None):  # an image, if it is Motion JPEG
            found.videos.append(file)
        else:
            raise VideoError(f"{file} is no source.", *explain(file, ""))
    return found
