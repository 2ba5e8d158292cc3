"""How results and reports are written."""

from __future__ import annotations

from pathlib import Path

from mdhr_runtime.errors import OutputError
from mdhr_runtime.files import staged


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, with the folders above it. An older one is replaced whole, or stays.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged(path) as stage:
            stage.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written.",
            error.strerror or str(error),
            "Choose another --out, in a folder that you may write to and that has space.",
        ) from error
