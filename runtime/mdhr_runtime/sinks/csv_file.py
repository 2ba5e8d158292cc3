"""Results as a table in a file: columns as OpenFace writes them.

`frame,face_id,timestamp,confidence,success,x,y,w,h,AU01_p,…,AU01_c,…,final,source` without spaces. `frame` counts from
1, `timestamp` is in seconds, `confidence` is the face detector's. `x,y,w,h` is the face's box in pixels. `AU01_p` is
the model's score in [0, 1], `AU01_c` the occurrence: 1 where the score is at least 0.5. `final` is 0 in a provisional
row, which a final one follows. `source` names the video or camera, between quotes where it holds a comma.

In a frame without a face, `success` and `confidence` are 0 and the cells of the face and the AUs are EMPTY. OpenFace
writes zeros there, which every mean and every plot then takes for a neutral face; an empty cell is read as "missing".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from ..results import Row
from .record import corner_and_size, cut
from .table_file import TableFile

FIRST_COLUMNS = ("frame", "face_id", "timestamp", "confidence", "success", "x", "y", "w", "h")
LAST_COLUMNS = ("final", "source")


def columns(aus: Sequence[str]) -> tuple[str, ...]:
    """Names of a table's columns.

    Args:
        aus: Names of the AUs in the order of the scores.
    """
    return (*FIRST_COLUMNS, *(f"{au}_p" for au in aus), *(f"{au}_c" for au in aus), *LAST_COLUMNS)


class CsvFile(TableFile):
    """Writes the table; see `TableFile`."""

    head = re.compile(rb".*\n")

    @staticmethod
    def row_after(head: re.Match[bytes]) -> re.Pattern[bytes] | None:
        """See `TableFile`."""
        names = head.group().decode(errors="replace")
        aus = re.findall(r",(AU\d+)_p", names)
        if names != _line(columns(aus)):
            return None
        start = r"\d+,\d*,-?\d+\.\d{3},-?\d+\.\d{3},[01],"
        face = rf"(?:-?\d+\.\d,){{4}}(?:-?\d+\.\d{{4}},){{{len(aus)}}}(?:[01],){{{len(aus)}}}"
        source = r'(?:[^",\r\n]*|"[^"]*(?:""[^"]*)*")'
        return re.compile(rf"{start}(?:{face}|,{{{4 + 2 * len(aus)}}})[01],{source}\n".encode())

    def header(self) -> str:
        """The names of the columns."""
        return _line(columns(self._aus))

    def line(self, row: Row) -> str:
        """One row of the table."""
        face_id = "" if row.face_id is None else str(row.face_id)
        start = (str(row.frame), face_id, f"{row.timestamp:.3f}", f"{row.confidence:.3f}", str(int(row.success)))
        return _line((*start, *self._face(row), str(int(row.final)), row.source))

    def _face(self, row: Row) -> list[str]:
        if row.box is None or row.scores is None or row.occurrences is None:
            return [""] * (4 + 2 * len(self._aus))
        box = [f"{value:.1f}" for value in corner_and_size(row.box)]
        occurrences = [str(int(occurs)) for occurs in row.occurrences]
        return [*box, *(f"{cut(score):.4f}" for score in row.scores), *occurrences]


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
