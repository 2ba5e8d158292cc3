"""Results as a table in a file: columns as OpenFace writes them.

`frame,face_id,timestamp,confidence,success,x,y,w,h,AU01_p,…,AU01_c,…` without spaces. `frame` counts from 1,
`timestamp` is in seconds, `confidence` is the face detector's. `x,y,w,h` is the face's box in pixels. `AU01_p` is the
model's score in [0, 1], `AU01_c` the occurrence: 1 where the score is at least 0.5.

In a frame without a face, `success` and `confidence` are 0 and the cells of the box and the AUs are EMPTY. OpenFace
writes zeros there, which every mean and every plot then takes for a neutral face; an empty cell is read as "missing".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from .analysis import OCCURS_FROM, Row
from .errors import OutputError

FIRST_COLUMNS = ("frame", "face_id", "timestamp", "confidence", "success", "x", "y", "w", "h")
TABLE_START = ",".join(FIRST_COLUMNS[:5]).encode()


def check_writable(path: Path) -> None:
    """Make sure, before any work, that a table can be written to a path. Nothing is changed.

    An existing table is going to be replaced; any other existing file is refused, lest a slip costs a video.

    Args:
        path: The file.

    Raises:
        OutputError: It cannot.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        return  # a pipe or a terminal: opening it to see would already disturb its reader
    try:
        existed = path.exists()
        with path.open("ab+") as file:
            file.seek(0)
            start = file.read(len(TABLE_START))
        if not existed:
            path.unlink()
    except OSError as error:
        raise _cannot_write(path, error) from error
    if start not in (b"", TABLE_START):
        raise OutputError(
            f"{path} is not overwritten.",
            "It exists and is no table of this program.",
            "Choose another name with --out, or move the file away.",
        )


class CsvWriter:
    """Writes rows as they come. A context manager.

    Every line reaches the file in one piece as soon as it is written: whatever ends the program, the file holds
    complete lines.

    Args:
        path: The file, which is replaced.
        aus: Names of the AUs in the order of the scores.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, path: Path, aus: Sequence[str]) -> None:
        self._path = path
        self._aus = len(aus)
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise _cannot_write(path, error) from error
        self._write_line([*FIRST_COLUMNS, *(f"{au}_p" for au in aus), *(f"{au}_c" for au in aus)])

    def __enter__(self) -> CsvWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, row: Row) -> None:
        """Append a row.

        Raises:
            OutputError: It cannot be written, for example because the disk is full. The lines before it are complete.
        """
        cells = [str(row.frame), str(row.face_id), f"{row.timestamp:.3f}", f"{row.confidence:.3f}"]
        if row.scores is None or row.box is None:
            empty = len(FIRST_COLUMNS) - len(cells) - 1 + 2 * self._aus
            self._write_line([*cells, "0", *[""] * empty])
            return
        x1, y1, x2, y2 = row.box
        box = [f"{value:.1f}" for value in (x1, y1, x2 - x1, y2 - y1)]
        occurrences = [str(int(score >= OCCURS_FROM)) for score in row.scores]
        self._write_line([*cells, "1", *box, *map(_score, row.scores), *occurrences])

    def _write_line(self, cells: Sequence[str]) -> None:
        line = (",".join(cells) + "\n").encode()
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:])
        except OSError as error:
            if written:  # take the torn line back, where that is possible
                with suppress(OSError):
                    self._file.truncate(self._file.tell() - written)
            raise _cannot_write(self._path, error) from error


def _score(score: float) -> str:
    # Cut, not rounded: 0.49996 must not be printed as 0.5000 beside an occurrence of 0.
    return f"{math.floor(score * 1e4) / 1e4:.4f}"


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path} cannot be written.",
        error.strerror or str(error),
        "Choose a file in an existing folder that you may write to and that has space, with --out.",
    )
