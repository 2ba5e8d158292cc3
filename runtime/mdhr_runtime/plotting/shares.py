"""The chart of a summary: how much of the time, how often and how long the action units of people occur."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .picture import Chart, Subject, contradiction, pick, shades, shown
from .style import COLOUR
from .tables import Figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SUBJECTS = 8
"""That one picture shows."""
MEASURES = (
    ("share", "share of the time in %", 100.0, "{:.0f}"),
    ("rate_per_minute", "events per minute", 1.0, "{:.1f}"),
    ("mean_duration", "mean duration in s", 1.0, "{:.2f}"),
)
"""Fields of a row, what they are called, in which unit, and how they are written."""

Shares = Mapping[str, Figures]
"""The rows of one face or person by their AU or pair of AUs."""


@dataclass(frozen=True, eq=False)
class ShareChart(Chart):
    """For each face or person bars for each AU, and a matrix of the AUs that occur together, if the table has pairs.

    Attributes:
        shares: The rows of each subject.
    """

    shares: Sequence[Shares]

    @property
    def aus(self) -> list[str]:
        """All AUs, also those of pairs."""
        names = {au for shares in self.shares for name in shares for au in name.split("+")}
        return sorted(names, key=lambda au: (len(au), au))

    @property
    def paired(self) -> bool:
        """Whether there are pairs."""
        return any("+" in name for shares in self.shares for name in shares)

    @property
    def size(self) -> tuple[float, float]:
        """See `Chart`."""
        return 10 + 4 * self.paired, 1.0 + len(self.shares) * (0.5 + 0.24 * max(len(self.aus), 3))

    def draw(self, figure: Figure) -> None:
        """See `Chart`."""
        aus = self.aus
        lines = figure.subplots(len(self.shares), len(MEASURES) + self.paired, squeeze=False)
        for axes, subject, shares in zip(lines, self.subjects, self.shares, strict=True):
            if len(self.subjects) > 1:
                name = subject.who if self.title else subject.words
                axes[0].set_title(shown(name), loc="left", parse_math=False)
            for each, (field, _, unit, form) in zip(axes, MEASURES, strict=False):
                most = np.nanmax([_values(other, aus, field) for other in self.shares] + [[0.0] * len(aus)])
                _bars(each, aus, _values(shares, aus, field) * unit, most * unit, form)
            if self.paired:
                _matrix(axes[-1], aus, shares)
        for axes, label in zip(lines[-1], [*(label for _, label, *_ in MEASURES), "share of pairs in %"], strict=False):
            axes.set_xlabel(label)


def choose(rows: Iterable[Figures], table: Path, wish: Subject) -> tuple[ShareChart, list[str]]:
    """Take those who are seen longest out of a summary; see `timeline.choose`.

    They are faces if one is wished for, else people, and faces of nobody known; at most `MOST_SUBJECTS`.

    Raises:
        OutputError: There is nobody, or no such one; or rows contradict each other.
    """
    groups: dict[Subject, dict[str, Figures]] = defaultdict(dict)
    for row in rows:
        if wish.face_id is None and row.face_id is not None and row.person is not None:
            continue  # the person's rows tell it
        subject = Subject(row.source, row.face_id, row.person)
        if groups[subject].setdefault(row.au, row) != row:
            raise contradiction(table, f"{row.au} for {subject.words}")
    fitting = {one: shares for one, shares in groups.items() if wish.fits(one)}
    pick(fitting or groups, wish, table, "Nobody was seen.")  # refuses where nobody fits
    longest = sorted(fitting, key=lambda one: -max(row.seconds_seen for row in fitting[one].values()))[:MOST_SUBJECTS]
    subjects = tuple(one for one in fitting if one in longest)
    return ShareChart(subjects, [groups[one] for one in subjects]), [one.words for one in groups if one not in subjects]


def _values(shares: Shares, aus: Sequence[str], field: str) -> np.ndarray:
    """A field of each AU, float64 (N,); NaN where there is none."""
    return np.array([getattr(shares.get(au), field, None) for au in aus], float)


def _bars(axes: Axes, aus: Sequence[str], values: np.ndarray, most: float, form: str) -> None:
    places = range(len(aus))
    axes.barh(places, np.nan_to_num(values), height=0.7, color=COLOUR["ours"])
    for place, value in zip(places, values, strict=True):
        text = "" if np.isnan(value) else form.format(value)
        axes.annotate(text, (value, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set(ylim=(len(aus) - 0.5, -0.5), yticks=places, yticklabels=aus, xlim=(0, most * 1.15 or 1), xticks=())
    axes.tick_params(labelsize=8)
    axes.spines["left"].set_visible(True)


def _matrix(axes: Axes, aus: Sequence[str], shares: Shares) -> None:
    """The shares of pairs of AUs, and on the diagonal of each alone."""
    together = np.full((len(aus), len(aus)), np.nan)
    for name, row in shares.items():
        one, other = (aus.index(au) for au in (name.split("+") * 2)[:2])
        together[one, other] = together[other, one] = np.nan if row.share is None else row.share
    axes.imshow(together, cmap=shades(), vmin=0, vmax=1, aspect="auto")
    for row, column in zip(*np.nonzero(~np.isnan(together)), strict=True):
        share = together[row, column]
        colour = COLOUR["ground" if share > 0.6 else "text"]
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=7, color=colour)
    places = range(len(aus))
    axes.set(xticks=places, xticklabels=[au[2:] for au in aus], yticks=places, yticklabels=aus)
    axes.tick_params(labelsize=8)
