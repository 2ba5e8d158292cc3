"""What is given as a source and is none, told before it is opened."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from ..addresses import redacted
from ..errors import VideoError
from ..file_types import FOLDER, VIDEO, explain, file_type
from .images import SUFFIXES, holds_images, is_image

COUNTED = re.compile(r"%0?\d*d")
"""Where FFmpeg counts up the numbers of images."""
FEW = 20
"""Files of a folder that are looked into, to say what it holds."""


def check_source(text: str) -> None:
    """Refuse a path that leads to no video and to no image.

    Args:
        text: A path or a pattern, as the user gave it.

    Raises:
        VideoError: There is no such file, or it is of another kind, or there are no images in it.
    """
    path = Path(text)
    if text == "-":
        raise VideoError(
            "- is no source.", "The standard input is not read.", "Give a file, or the address of a stream."
        )
    kind = file_type(path)
    if not os.path.exists(path):
        if not glob.has_magic(text):
            pattern = COUNTED.sub("*", text)
            fix = "Check the path." if pattern == text else f'Give a pattern of images, between quotes: "{pattern}".'
            raise VideoError(f"There is no file {redacted(text)}.", *explain(path, fix))
        _check_images(text, list(map(Path, glob.glob(text))), "No file matches this pattern.")
    elif os.path.isdir(path) and kind in (FOLDER, None):
        try:
            files = list(path.iterdir())
        except OSError as error:
            raise VideoError(
                f"{path} cannot be read.", f"{error.strerror}.", "Give a folder that you may read."
            ) from error
        _check_images(text, files, "The folder is empty.")
    elif kind not in (VIDEO, None) and not holds_images(path):
        raise VideoError(f"{path} is no source.", *explain(path, ""))


def _check_images(text: str, files: list[Path], without: str) -> None:
    if any(map(is_image, files)):
        return
    why = without if not files else f"None of the {len(files)} files there has the name of an image."
    fix = f"Give a folder or a pattern with images: {', '.join(sorted(SUFFIXES))}."
    videos = [file for file in sorted(files)[:FEW] if file_type(file) == VIDEO]
    if videos:
        why = "Folders and patterns are of images; there are videos."
        fix = f"Name the videos themselves, {videos[0]} and others; without quotes, a shell takes a star for all."
    raise VideoError(f"{text} holds no images.", why, fix)
