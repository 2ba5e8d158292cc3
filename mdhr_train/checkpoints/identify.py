"""What a file is that is no checkpoint: a table of the kinds that are given or downloaded by mistake."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import NamedTuple

HEAD = 1 << 16
"""Bytes from a file's beginning by which it is recognised."""

ZIP = b"PK\x03\x04"
"""Beginning of a zip archive."""

DOWNLOAD = "Download the file itself, and compare its size with the one that its publisher names."
UNPACK = "Unpack it, and give the checkpoint that is in it."
EXPORTED = "Give the checkpoint from which it was made; what is exported holds a graph, and no network to train."


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        name: What it is, as in "It is NAME".
        fix: What to do about it.
    """

    name: str
    fix: str


STARTS: tuple[tuple[bytes, Kind], ...] = (  # what the whole beginning matches (the first row that does) → the kind
    (rb"\Z", Kind("empty", DOWNLOAD)),
    (rb"\x00+\Z", Kind("nothing but zeros, as a download leaves that reserved its space and broke off", DOWNLOAD)),
    (
        rb"(?i)\s*<(!doctype html|html|head).*(quota|too many users|virus scan)",
        Kind(
            "a web page that says that the file cannot be downloaded this way (a quota, or a question to confirm)",
            "Download the file in a browser, or try again after a day when its quota is used up.",
        ),
    ),
    (rb"(?i)\s*<(!doctype html|html|head|body|script)", Kind("a web page", DOWNLOAD)),
    (rb"\s*<\?xml", Kind("XML, such as the refusal of a cloud store", DOWNLOAD)),
    (
        rb"version https://git-lfs",
        Kind("a pointer of Git LFS, which stands for the file", "Run `git lfs pull` in its repository."),
    ),
    (
        ZIP,
        Kind(
            "a truncated zip archive, as torch.save writes them: its list of contents, at the end, is missing", DOWNLOAD
        ),
    ),
    (
        rb"\x80[\x02-\x05]",
        Kind("a pickle that torch.save did not write, or a part of one", "Save the state_dict alone with torch.save."),
    ),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf|Rar!", Kind("a compressed archive", UNPACK)),
    (rb".{257}ustar", Kind("a tar archive", UNPACK)),
    (rb"\x93NUMPY", Kind("a NumPy array (.npy)", "Give what torch.save wrote, with all weights and their names.")),
    (rb"\x89HDF", Kind("an HDF5 file, as Keras writes weights", "Give a checkpoint of PyTorch.")),
    (rb"GGUF", Kind("a GGUF file of a language model", "Give a checkpoint of an MDHR network.")),
    (rb"\x08[\x01-\x20][\x12\x3a\x42]", Kind("an ONNX graph", EXPORTED)),
    (
        rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI |\x00\x00\x01[\xb0-\xbf]|OggS|FLV\x01",
        Kind("a video", "Give the checkpoint here, and the video to mdhr-run."),
    ),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP|BM.{4}\x00{4}", Kind("a picture", "Give a checkpoint.")),
    (rb"%PDF", Kind("a PDF document", "Give a checkpoint.")),
    (rb"\s*[{\[]", Kind("JSON", "Give the checkpoint: such a file describes one, or tells why a download failed.")),
)

MEMBERS: tuple[tuple[str, Kind | None], ...] = (  # a name in a zip archive → its kind, None for a checkpoint
    (r".*/constants\.pkl|.*/code/.*", Kind("a TorchScript archive, which is a program", EXPORTED)),
    (r"(.*/)?data\.pkl", None),
    (r".*\.npy", Kind("NumPy arrays (.npz)", "Give what torch.save wrote, with all weights and their names.")),
    (
        r"(.*/)?manifest\.json",
        Kind("a zipped bundle", "A bundle is ready to run: unpack it, and give its folder to mdhr-run."),
    ),
    (r".*\.weights\.h5", Kind("a model of Keras", "Give a checkpoint of PyTorch.")),
    (r".*\.(pt|pth|ckpt|safetensors)", Kind("a zip archive with checkpoints in it", UNPACK)),
    (r"serialized_exported_program\.json|.*/models/.*\.json", Kind("a program of torch.export", EXPORTED)),
)

FOLDERS: tuple[tuple[str, Kind], ...] = (  # a name in a folder → the kind
    ("manifest.json", Kind("the folder of a bundle", "A bundle is ready to run: give it to mdhr-run, or to --bundle.")),
    ("best.pt", Kind("the folder of a run", "Give the file best.pt in it.")),
    ("summary.json", Kind("the folder of a cross-validation", "Give the file best.pt of one of its folds.")),
)


def what_folder(path: Path) -> Kind:
    """Say what a folder is."""
    found = (kind for name, kind in FOLDERS if (path / name).exists())
    return next(found, Kind("a folder", "Give the checkpoint's file."))


def what_archive(archive: zipfile.ZipFile) -> Kind | None:
    """Say what a zip archive is that is not torch.save's; None for what torch.save wrote."""
    names = archive.namelist()
    found = (kind for name, kind in MEMBERS if any(re.fullmatch(name, each) for each in names))
    return next(found, Kind("a zip archive of something else", UNPACK))


def what_file(head: bytes) -> Kind:
    """Say what a file is that is neither a whole zip archive nor another form of checkpoint.

    Args:
        head: Its first `HEAD` bytes, or all of it.
    """
    for start, kind in STARTS:
        if re.match(start, head, re.DOTALL):
            return kind
    text = head.decode(errors="replace").rstrip("\N{REPLACEMENT CHARACTER}")  # the last letter may be cut
    if all((each.isprintable() or each.isspace()) and each != "\N{REPLACEMENT CHARACTER}" for each in text):
        return Kind("text", DOWNLOAD)
    return Kind(f"of a kind that is not known here (it begins with {head[:8].hex(' ')})", DOWNLOAD)
