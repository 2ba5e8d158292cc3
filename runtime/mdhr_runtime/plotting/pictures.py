"""Pictures of charts in files, with a mark by which an older one is recognised, if nothing in it was changed.

The mark has the hash of all else: in PNG it is a text chunk before the end, in SVG a comment after it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OutputError
from ..files import staged, told
from ..targets import Claim

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
"""Of the pictures that can be written."""
DOTS_PER_INCH = 130
PNG, PNG_END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"


def check_name(path: Path) -> None:
    """Check that a picture can have a name.

    Raises:
        OutputError: The name does not end in .png or .svg.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{path} cannot be written.",
            f"Its name does not end in {' or '.join(SUFFIXES)}.",
            "Choose such a name with --out.",
        )


def save_picture(figure: Figure, path: Path, *, inputs: Iterable[Path] = (), overwrite: bool = False) -> None:
    """Write a figure.

    Args:
        figure: The figure.
        path: The file, .png or .svg. An older picture of this function is replaced.
        inputs: Files that it was made from.
        overwrite: Whether any other file is replaced, too.

    Raises:
        OutputError: The file cannot be written, or may not be; see `Claim`.
    """
    with Claim(path, is_ours, inputs=inputs, overwrite=overwrite), told(path), staged(path) as stage:
        figure.savefig(stage, dpi=DOTS_PER_INCH)
        stage.write_bytes(_marked(stage.read_bytes()))


def is_ours(path: Path) -> bool:
    """Whether a file is a picture of `save_picture` and unchanged."""
    data = path.read_bytes()
    end, mark = _end(data), len(_mark(data))
    return data == _marked(data[: max(end - mark, 0)] + data[end:])


def _marked(picture: bytes) -> bytes:
    end = _end(picture)
    return picture[:end] + _mark(picture) + picture[end:]


def _end(picture: bytes) -> int:
    """Where the mark of a picture begins that has none, or ends in one that has."""
    return len(picture) - (len(PNG_END) if picture.startswith(PNG) else 0)


def _mark(picture: bytes) -> bytes:
    """A mark, always as long, for a picture without one."""
    digest = hashlib.sha256(picture).hexdigest().encode()
    if not picture.startswith(PNG):
        return b"<!-- mdhr-plot " + digest + b" -->\n"
    text = b"tEXtmdhr-plot\0" + digest
    return (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
