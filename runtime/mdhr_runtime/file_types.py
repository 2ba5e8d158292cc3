"""What a path holds, told by its first bytes: so that an error about a wrong path can say what it is and where to."""

from __future__ import annotations

import os
import re
import zipfile
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple


class FileType(NamedTuple):
    """A kind of file or folder that people give to these programs.

    Attributes:
        noun: Its name, with an article.
        use: What it is good for here; {} stands for the path.
    """

    noun: str
    use: str


NAMELESS = "No file or folder has this name."
UNPACK = "Unpack it, and give what was in it."
DOWNLOAD = "Download the file itself: {} is what was sent in its place."

BUNDLE = FileType("a bundle", "Name it first: mdhr-run {} SOURCE.")
BUNDLE_ARCHIVE = FileType("a bundle that is packed as a zip archive", UNPACK)
CHECKPOINT = FileType("a PyTorch checkpoint", "Make a bundle of it with mdhr-export --ckpt {}.")
ONNX = FileType("an ONNX graph", "Give the whole bundle that it belongs to, a folder that mdhr-export writes.")
TABLE = FileType("a table of results", "Draw it with mdhr-plot {}.")
VIDEO = FileType("a video", "Analyse it with mdhr-run BUNDLE {}: the bundle comes first.")
IMAGE = FileType("an image", VIDEO.use)
FOLDER = FileType("a folder", "Give a file in it.")
HEIC = FileType("a HEIC image", "Convert it to JPEG or PNG.")
EMPTY = FileType("an empty file", "Copy or download it again.")
PAGE = FileType("a web page", DOWNLOAD)

SIGNATURES = {
    rb"\Z": EMPTY,
    rb".{4}ftyp(heic|heix|mif1|hevc)": HEIC,
    rb".{4}ftyp|.{4}(moov|mdat|wide)|RIFF.{4}AVI |\x1aE\xdf\xa3|FLV\1|\0\0\1[\xba\xb3]|G.{187}G|OggS|0&\xb2u": VIDEO,
    rb"\xff\xd8\xff|\x89PNG|II\*\0|MM\0\*|RIFF.{4}WEBP|BM.{4}\0{4}": IMAGE,
    rb"(\xef\xbb\xbf)?\s*(?i:<!doctype html|<html)": PAGE,
    rb"version https://git-lfs": FileType("a pointer of Git LFS", "Fetch the file that it stands for: git lfs pull."),
    rb"(\xef\xbb\xbf)?\"?frame\"?[,;]\"?face_id|PAR1|\{\"source\":": TABLE,
    rb"\x08[\x01-\x20]\x12.{1,40}\x1a?": ONNX,
    rb"\x80[\x02-\x05]": CHECKPOINT,
    rb".{7}\0\{\"": FileType("a safetensors file", CHECKPOINT.use),
    rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ": FileType("a packed archive", UNPACK),
    rb"\x93NUMPY": FileType("a NumPy array", "Give the file that the array was made from."),
}
"""Regular expressions of the first bytes; the first that matches counts."""

MEMBERS = {
    r"(^|/)manifest\.json$": BUNDLE_ARCHIVE,
    r"(^|/)constants\.pkl$": FileType("a TorchScript program", "Save the state_dict of the model with torch.save."),
    r"(^|/)data\.pkl$": CHECKPOINT,
    r"\.npy$": FileType("an archive of NumPy arrays", "Give the file that the arrays were made from."),
    r"": FileType("a zip archive", UNPACK),
}
"""Regular expressions of a zip archive's members; the first that one matches counts."""


def file_type(path: Path) -> FileType | None:
    """Say what a path holds.

    Args:
        path: A file or folder. Pipes and devices are not opened.

    Returns:
        Its type, or None if it is not known, or cannot be read.
    """
    try:
        if path.is_dir():
            return BUNDLE if (path / "manifest.json").is_file() and any(path.glob("*.onnx")) else FOLDER
        if not path.is_file():
            return None
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                members = archive.namelist()
            return next(kind for form, kind in MEMBERS.items() if any(re.search(form, name) for name in ["", *members]))
        with path.open("rb") as file:
            start = file.read(512)
    except (OSError, zipfile.BadZipFile):
        return None
    return next((kind for form, kind in SIGNATURES.items() if re.match(form, start, re.DOTALL)), None)


def explain(path: Path, fix: str, otherwise: str = "It is of no kind that is known here.") -> tuple[str, str]:
    """Say why a path is not what it was taken for, and what to do: the last two parts of an error.

    Args:
        path: The path.
        fix: What to do, if its type suggests nothing else.
        otherwise: Why, if its type is not known.
    """
    try:
        os.stat(path)
    except FileNotFoundError:
        near = _similar(path)
        leads = f"It leads to {os.readlink(path)}, which is not there." if os.path.islink(path) else NAMELESS
        return leads, f"Did you mean {near}?" if near else fix
    except (OSError, ValueError) as error:
        return f"{getattr(error, 'strerror', None) or error}.", fix
    kind = file_type(path)
    return (otherwise, fix) if kind is None else (f"It is {kind.noun}.", kind.use.replace("{}", str(path)))


def _similar(path: Path) -> Path | None:
    """The path beside one that does not exist whose name is most like it."""
    try:
        names = {name.lower(): name for name in os.listdir(path.parent)}
    except OSError:
        return None
    found = get_close_matches(path.name.lower(), names, 1, 0.8)
    return path.with_name(names[found[0]]) if found else None
