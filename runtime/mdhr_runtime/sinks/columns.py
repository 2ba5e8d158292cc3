"""The columns of a table of results, as OpenFace names what both have; the same in CSV and Parquet files.

| column | meaning |
|---|---|
| `frame` | number of the frame in its source, from 1 |
| `face_id` | number of the face in its source: one face seen without a break, or nearly |
| `timestamp` | seconds since the source's first frame |
| `confidence` | the face detector's, in [0, 1] |
| `success` | 1 where there are scores |
| `x`, `y`, `w`, `h` | the face's box in pixels |
| `pose_Rx`, `pose_Ry`, `pose_Rz` | pitch, yaw and roll of the head in radians; see `mdhr_runtime.faces.pose` |
| `left_eye_x`, `left_eye_y` … | with `--landmarks`: `left_eye`, `right_eye`, `nose`, `left_mouth` and `right_mouth` |
| `AU01_p` … | the model's score in [0, 1] |
| `AU01_c` … | occurrence: 1 where the score is at least 0.5 |
| `person` | number of the person: the same whenever and wherever the face is seen again |
| `quality` | how far the scores can be trusted, in [0, 1]; see `mdhr_runtime.faces.quality` |
| `flaws` | what lowers it, the worst first, separated by spaces |
| `context` | frames, of the 15 that the scores depend on, that show the face |
| `final` | 0 in a provisional row, which a final one follows |
| `source` | the video or camera |

In a frame without a face, `success` and `confidence` are 0 and the cells of the face and the AUs are empty. OpenFace
writes zeros there, which every mean and every plot then takes for a neutral face; an empty cell is read as "missing".
No number has three decimals in text: where points separate thousands, spreadsheets would read 0.033 as 33.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from ..files import as_utf8
from ..results import Row
from .record import corner_and_size, cut

Cell = int | float | bool | str | None
CellType = type[int] | type[float] | type[bool] | type[str]
Record = TypeVar("Record")
"""What a line of a table is about: a row, an event."""


@dataclass(frozen=True)
class Column(Generic[Record]):
    """A column of a table.

    Attributes:
        name: Its name.
        kind: Type of its cells.
        cell: The cell of a record; None if it is empty.
        decimals: Digits after the point, in text.
        score: Whether it is a score, which is cut in text and not rounded.
        precise: Whether it is a number with more digits than a float32 has.
    """

    name: str
    kind: CellType
    cell: Callable[[Record], Cell]
    decimals: int = 0
    score: bool = False
    precise: bool = False

    def text(self, record: Record) -> str:
        """The cell of a record in text."""
        value = self.cell(record)
        if value is None or isinstance(value, str):
            return value or ""
        return f"{cut(value) if self.score else value:.{self.decimals}f}"


def columns(aus: Sequence[str], landmarks: bool = False) -> tuple[Column[Row], ...]:
    """The columns of a table.

    Args:
        aus: Names of the AUs in the order of the scores.
        landmarks: Whether it has the landmarks.
    """
    return (*_FIRST, *(_LANDMARKS if landmarks else ()), *_scores(aus), *_LAST)


def columns_named(names: Sequence[str]) -> tuple[Column[Row], ...]:
    """The columns of the table whose AUs and landmarks some names tell: if it is one of ours, they have these names."""
    return columns([name.removesuffix("_p") for name in names if re.fullmatch(r"AU\d+_p", name)], "nose_x" in names)


def with_constants(
    columns: Sequence[Column[Record]], constants: Mapping[str, tuple[CellType, Cell]]
) -> tuple[Column[Record], ...]:
    """Columns with others whose cells are the same in every line; one that is called as another takes its place.

    Args:
        columns: The columns.
        constants: Type and cell of the others, by name.
    """

    def constant(name: str, kind: CellType, value: Cell) -> Column[Record]:
        return Column(name, kind, lambda record: value, precise=kind is float)

    others = {name: constant(name, *each) for name, each in constants.items()}
    return (*(others.pop(column.name, column) for column in columns), *others.values())


def _box(index: int, row: Row) -> Cell:
    return None if row.box is None else float(corner_and_size(row.box)[index])


def _pose(index: int, row: Row) -> Cell:
    return None if row.view is None else row.view.pose[index]


def _landmark(point: int, axis: int, row: Row) -> Cell:
    return None if row.view is None else float(row.view.landmarks[point, axis])


def _scores(aus: Sequence[str]) -> Iterator[Column[Row]]:
    def score(index: int, row: Row) -> Cell:
        return None if row.scores is None else float(row.scores[index])

    def occurrence(index: int, row: Row) -> Cell:
        return None if row.occurrences is None else bool(row.occurrences[index])

    for index, au in enumerate(aus):
        yield Column(f"{au}_p", float, partial(score, index), 4, score=True)
    for index, au in enumerate(aus):
        yield Column(f"{au}_c", bool, partial(occurrence, index))


_FIRST: tuple[Column[Row], ...] = (
    Column("frame", int, lambda row: row.frame),
    Column("face_id", int, lambda row: row.face_id),
    Column("timestamp", float, lambda row: row.timestamp, 4, precise=True),  # hours in thousandths
    Column("confidence", float, lambda row: row.confidence, 4),
    Column("success", bool, lambda row: row.success),
    *(Column(name, float, partial(_box, index), 1) for index, name in enumerate("xywh")),
    *(Column(f"pose_R{axis}", float, partial(_pose, index), 4) for index, axis in enumerate("xyz")),
)
_LANDMARKS: tuple[Column[Row], ...] = tuple(
    Column(f"{name}_{letter}", float, partial(_landmark, point, axis), 1)
    for point, name in enumerate(("left_eye", "right_eye", "nose", "left_mouth", "right_mouth"))
    for axis, letter in enumerate("xy")
)
_LAST: tuple[Column[Row], ...] = (
    Column("person", int, lambda row: row.person),
    Column("quality", float, lambda row: None if row.view is None else row.view.quality, 2),
    Column("flaws", str, lambda row: None if row.view is None else " ".join(row.view.flaws)),
    Column("context", int, lambda row: row.context),
    Column("final", bool, lambda row: row.final),
    Column("source", str, lambda row: as_utf8(row.source).decode()),
)
