"""Pictures of tables: whose rows they show, the file that they go to, and the rows of action units that they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import OutputError
from ..files import as_utf8, staged, told
from ..targets import Claim, is_sealed, sealed
from .style import COLOUR, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from ..au_events import AuEvent
    from .tables import Figures, Seen

SUFFIXES = (".png", ".svg")
"""Of the pictures that can be written."""
SEAL = "<!-- {} -->"
"""A comment after a picture's end: readers of PNG take no notice of what stands there."""


class Subject(NamedTuple):
    """Whose rows are drawn. As a wish, None stands for any.

    Attributes:
        source: Name of the source.
        face_id: Number of the face; None for all faces of a person.
        person: Number of the person; None for a face, whoever it is.
    """

    source: str | None = None
    face_id: int | None = None
    person: int | None = None

    def of(self, row: Seen | AuEvent | Figures) -> Subject:
        """The subject of a row, told as far as this one is."""
        face_id = row.face_id if self.face_id is not None or self.person is None else None
        return Subject(row.source, face_id, None if self.person is None else row.person)

    def fits(self, other: Subject) -> bool:
        """Whether another one is what is wished for here."""
        return all(wish in (None, value) for wish, value in zip(self, other, strict=True))

    @property
    def who(self) -> str:
        """Face and person in words."""
        numbers = (("face", self.face_id), ("person", self.person))
        return " as ".join(f"{noun} {number}" for noun, number in numbers if number is not None)

    @property
    def words(self) -> str:
        """Face, person and source in words."""
        return " of ".join(part for part in (self.who, self.source) if part)


@dataclass(frozen=True, eq=False)
class Chart(ABC):
    """What a picture of a table shows.

    Attributes:
        subjects: Whose rows.
    """

    subjects: tuple[Subject, ...]

    @property
    def title(self) -> str:
        """What all of it is of: the source, and the subject if there is one."""
        sources, one = {subject.source or "" for subject in self.subjects}, len(self.subjects) == 1
        return " · ".join([*sources, self.subjects[0].who][: one + 1] if len(sources) == 1 else ())

    @property
    @abstractmethod
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""

    @abstractmethod
    def draw(self, figure: Figure) -> None:
        """Draw it into an empty figure."""


@dataclass(frozen=True, eq=False)
class RowChart(Chart):
    """A chart with a row over time for each AU.

    Attributes:
        aus: Names of the AUs, from the top.
        start: Time at which the rows begin, in seconds.
        end: Time at which they end.
    """

    aus: Sequence[str]
    start: float
    end: float

    @property
    def size(self) -> tuple[float, float]:
        """See `Chart`."""
        return min(max(6 + (self.end - self.start) / 10, 10), 24), 1.1 + 0.55 * len(self.aus)

    def rows(self, figure: Figure) -> list[Axes]:
        """Lay the rows out."""
        rows: list[Axes] = list(figure.subplots(len(self.aus), 1, sharex=True, squeeze=False)[:, 0])
        for axes, au in zip(rows, self.aus, strict=True):
            axes.set_xlim(self.start, max(self.end, self.start + 1e-3))
            axes.set_ylabel(
                au, rotation=0, ha="right", va="center", labelpad=8, color=COLOUR["text"], fontweight="bold"
            )
            axes.tick_params(labelsize=8)
            axes.spines["left"].set_visible(True)
            axes.spines["bottom"].set_visible(axes is rows[-1])
        rows[-1].tick_params(axis="x", length=3)
        rows[-1].set_xlabel("time in seconds")
        return rows


def pick(groups: Mapping[Subject, Sized], wish: Subject, table: Path, none: str) -> tuple[Subject, list[str]]:
    """Choose the subject with the most rows of those that fit.

    Args:
        groups: Rows by subject.
        wish: Which one.
        table: The table, for errors.
        none: Why there may be no subject at all.

    Returns:
        The subject, and the others in words.

    Raises:
        OutputError: None fits.
    """
    fitting = [one for one in groups if wish.fits(one)]
    known = [one.words for one in sorted(groups, key=lambda one: [-1 if part is None else part for part in one])]
    if not fitting:
        raise OutputError(
            f"{table} has no {wish.words}." if known else f"{table} holds nothing to draw.",
            f"It has {', '.join(known[:20])}." if known else none,
            "Choose one of them with --source, --face and --person." if known else "Run mdhr-run on a video of a face.",
        )
    subject = max(fitting, key=lambda one: len(groups[one]))
    known.remove(subject.words)
    return subject, known


def contradiction(table: Path, what: str) -> OutputError:
    """The error of a table that says two things of one."""
    return OutputError(
        f"{table} holds two results of {what}.",
        "They differ, as where the tables of two runs were put together.",
        "Draw the table of each run, or give their sources different names.",
    )


def write(chart: Chart, path: Path, *, inputs: Iterable[Path] = (), overwrite: bool = False) -> None:
    """Write a chart into a file.

    Args:
        chart: The chart.
        path: The picture. An older picture of this function is replaced.
        inputs: The table, or what else it is drawn from.
        overwrite: Whether any other file is replaced, too.

    Raises:
        OutputError: The file cannot be written, or may not be; or the extra `plot` is not installed.
    """
    with styled(axes_grid=False, figure_facecolor="white", svg_fonttype="path"):
        from matplotlib.figure import Figure

        figure = Figure(chart.size)
        chart.draw(figure)
        figure.suptitle(shown(chart.title), x=0.01, ha="left", fontsize=12, fontweight="bold", parse_math=False)
        with Claim(path, is_ours, inputs=inputs, overwrite=overwrite), told(path), staged(path) as stage:
            figure.savefig(stage, dpi=130)
            stage.write_bytes(sealed(stage.read_bytes(), SEAL))


def shown(name: str) -> str:
    """A name as text that can be drawn: its bytes may be none. It may also hold dollar signs: draw it without math."""
    return as_utf8(name).decode()


def shades() -> Colormap:
    """Colours from the lowest to the highest value."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("", [COLOUR["grid"], COLOUR["ours-pale"], COLOUR["ours"]])


def is_ours(path: Path) -> bool:
    """Whether a file is a picture that `draw` wrote, and unchanged."""
    return is_sealed(path.read_bytes(), SEAL)


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
