"""What is given as a source and is none, told before it is opened."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from ..addresses import redacted
from ..errors import VideoError
from ..file_types import FOLDER, PICTURE, VIDEO, explain, file_type
from .images import SUFFIXES, is_image

HINTS = (
    (r"-", "The standard input is not read.", "Give a file, or the address of a stream."),
    (r".*%0?\d*d.*", "Numbers in names are not counted up.", 'Write a star for them, between quotes: "frames/*.jpg".'),
)
"""Regular expressions of what other programs take, with why these do not, and what to do."""
FEW = 20
"""Files of a folder that are looked into, to say what it holds."""


def check_source(text: str) -> None:
    """Refuse a path that leads to no video and to no picture.

    Args:
        text: A path or a pattern, as the user gave it.

    Raises:
        VideoError: There is no such file, or it is of another kind, or there are no pictures in it.
    """
    path = Path(text)
    for form, why, fix in HINTS:
        if re.fullmatch(form, text) and not os.path.exists(path):
            raise VideoError(f"{text} is no source.", why, fix)
    if not os.path.exists(path):
        if not glob.has_magic(text):
            raise VideoError(f"There is no file {redacted(text)}.", *explain(path, "Check the path."))
        _check_pictures(text, list(map(Path, glob.glob(text))), "No file matches this pattern.")
    elif (kind := file_type(path)) == FOLDER:
        _check_pictures(text, list(path.iterdir()), "The folder is empty.")
    elif kind not in (VIDEO, PICTURE, None) and not is_image(path):
        raise VideoError(f"{path} is no source.", *explain(path, ""))


def _check_pictures(text: str, files: list[Path], without: str) -> None:
    if any(map(is_image, files)):
        return
    why = without if not files else f"None of the {len(files)} files there has the name of a picture."
    fix = f"Give a folder or a pattern with pictures: {', '.join(sorted(SUFFIXES))}."
    videos = [file for file in sorted(files)[:FEW] if file_type(file) == VIDEO]
    if videos:
        why = "Folders and patterns are of pictures; there are videos."
        fix = f"Name the videos themselves, {videos[0]} and others; without quotes, a shell takes a star for all."
    raise VideoError(f"{text} holds no pictures.", why, fix)
