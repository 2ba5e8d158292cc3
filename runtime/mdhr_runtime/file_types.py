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
DOWNLOAD = "Download the file itself, and compare its size with the one that its publisher names."
MADE_OF = "Give the checkpoint from which it was made."
PYTORCH = "Give a checkpoint of PyTorch."

BUNDLE = FileType("a bundle", "Name it first: mdhr-run {} SOURCE.")
CHECKPOINT = FileType("a PyTorch checkpoint", "Make a bundle of it with mdhr-export --ckpt {}.")
ONNX = FileType("an ONNX graph", "Give the whole bundle that it belongs to, or the checkpoint from which it was made.")
TABLE = FileType("a table of results", "Draw it with mdhr-plot {}.")
VIDEO = FileType("a video", "Analyse it with mdhr-run BUNDLE {}: the bundle comes first.")
IMAGE = FileType("an image", VIDEO.use)
HEIC = FileType("a HEIC image", VIDEO.use)
FOLDER = FileType("a folder", "Give a file in it.")
EMPTY = FileType("an empty file", DOWNLOAD)
JSON = FileType("JSON", "Give the file that it describes; if it came in its place, it tells why.")

TEXT = FileType("text", "Give a file of another kind.")

HEAD = 1 << 16
"""Bytes from a file's beginning by which it is recognised."""
SIGNATURES = {
    rb"\Z": EMPTY,
    rb"\0+\Z": FileType("nothing but zeros, as a download leaves that reserved its space and broke off", DOWNLOAD),
    rb".{4}ftyp(avi[fs]|(mif1|miaf).{4}(.{4}){0,9}?avif)": IMAGE,
    rb".{4}ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)": HEIC,
    rb".{4}(ftyp|moov|mdat|wide)|RIFF.{4}AVI |\x1aE\xdf\xa3": VIDEO,  # MP4 and MOV, AVI, Matroska
    rb"FLV\x01|\x00\x00\x01[\xb0-\xbf]|G.{187}G|OggS|0&\xb2u": VIDEO,  # Flash, MPEG and its streams, Ogg, Windows
    rb"#EXTM3U|YUV4MPEG2 ": VIDEO,  # playlists, uncompressed
    rb"\xff\xd8\xff|\x89PNG|GIF8|II\*\0|MM\0\*|RIFF.{4}WEBP|BM.{4}\0{4}": IMAGE,
    rb"(?i)\s*<(!doctype html|html|head).*(quota|too many users|virus scan)": FileType(
        "a web page that says that the file cannot be downloaded this way (a quota, or a question to confirm)",
        "Download the file in a browser, or try again after a day when its quota is used up.",
    ),
    rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body|script)": FileType("a web page", DOWNLOAD),
    rb"\s*<\?xml": FileType("XML, such as the refusal of a cloud store", DOWNLOAD),
    rb"version https://git-lfs": FileType(
        "a pointer of Git LFS, which stands for the file", "Run `git lfs pull` in its repository."
    ),
    rb"(\xef\xbb\xbf)?\"?(frame\"?[,;]\"?face_id|source\"?[,;]\"?person)|PAR1|\{\"source\":": TABLE,
    rb"\x08[\x01-\x20][\x12\x3a\x42]": ONNX,
    rb"\x80\x02\x8a\nl\xfc\x9cF\xf9": CHECKPOINT,  # as torch.save wrote them before it wrote zip archives
    rb"\x80[\x02-\x05]": FileType(
        "a pickle that torch.save did not write, or a part of one", "Save the state_dict alone with torch.save."
    ),
    rb".{6}\0\0\{": FileType("a safetensors file", CHECKPOINT.use),
    rb"PK\x03\x04": FileType("a truncated zip archive: its list of contents, at the end, is missing", DOWNLOAD),
    rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf|Rar!|.{257}ustar": FileType("a compressed archive", UNPACK),
    rb"\x93NUMPY": FileType("a NumPy array (.npy)", "Give images as such; weights as torch.save writes them."),
    rb"\x89HDF": FileType("an HDF5 file, as Keras writes weights", PYTORCH),
    rb"GGUF": FileType("a GGUF file of a language model", PYTORCH),
    rb"%PDF": FileType("a PDF document", "Give a file of another kind."),
    rb"\s*[{\[]": JSON,
}
"""Regular expressions of the first bytes; the first that matches counts."""

MEMBERS = {
    r"(.*/)?manifest\.json": FileType("a zipped bundle", "Unpack it, and give its folder to mdhr-run."),
    r".*/constants\.pkl|.*/code/.*": FileType("a TorchScript archive, which is a program", MADE_OF),
    r"(.*/)?data\.pkl": CHECKPOINT,
    r"xl/workbook\.xml|content\.xml": FileType("a spreadsheet", "Save its table as CSV in UTF-8, and give that."),
    r".*\.npy": FileType("NumPy arrays (.npz)", "Give images as such; weights as torch.save writes them."),
    r".*\.weights\.h5": FileType("a model of Keras", PYTORCH),
    r".*\.(pt|pth|ckpt|safetensors)": FileType("a zip archive with checkpoints in it", UNPACK),
    r"serialized_exported_program\.json|.*/models/.*\.json": FileType("a program of torch.export", MADE_OF),
    r".*": FileType("a zip archive", UNPACK),
}
"""Regular expressions of a zip archive's members; the first that one matches counts."""

FOLDERS = {
    "best.pt": FileType("the folder of a run", "Give the file best.pt in it."),
    "summary.json": FileType("the folder of a cross-validation", "Give the file best.pt of one of its folds."),
}
"""Files by which a folder is recognised."""


def file_type(path: Path) -> FileType | None:
    """Say what a path holds.

    Args:
        path: A file or folder. Pipes and devices are not opened.

    Returns:
        Its type, or None if it is not known, or cannot be read.
    """
    try:
        if path.is_dir():
            return folder_type(path)
        if not path.is_file():
            return None
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return archive_type(archive)
        with path.open("rb") as file:
            return start_type(file.read(HEAD))
    except (OSError, zipfile.BadZipFile):
        return None


def folder_type(path: Path) -> FileType:
    """Say what a folder is."""
    if (path / "manifest.json").is_file() and any(path.glob("*.onnx")):
        return BUNDLE
    return next((kind for name, kind in FOLDERS.items() if (path / name).is_file()), FOLDER)


def archive_type(archive: zipfile.ZipFile) -> FileType:
    """Say what a zip archive is, by the names of its members."""
    names = ["", *archive.namelist()]
    return next(kind for form, kind in MEMBERS.items() if any(re.fullmatch(form, name) for name in names))


def start_type(start: bytes) -> FileType | None:
    """Say what a file is that is no zip archive.

    Args:
        start: Its first `HEAD` bytes, or all of it.
    """
    signed = (kind for form, kind in SIGNATURES.items() if re.match(form, start, re.DOTALL))
    return next(signed, TEXT if _is_text(start) else None)


def _is_text(start: bytes) -> bool:
    letters = start.decode(errors="replace").rstrip("\N{REPLACEMENT CHARACTER}")  # the last one may be cut
    return all((each.isprintable() or each.isspace()) and each != "\N{REPLACEMENT CHARACTER}" for each in letters)


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
