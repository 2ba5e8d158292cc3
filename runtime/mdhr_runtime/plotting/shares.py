"""The chart of a summary: how much of the time, how often and how long the action units of people occur."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OutputError
from .picture import Subject, pick, picture, shades
from .style import COLOUR
from .tables import Figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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


def choose(rows: Iterable[Figures], table: Path, wish: Subject) -> tuple[dict[Subject, Shares], list[str]]:
    """Take faces or people out of a summary: faces if one is wished for, else people, and faces of nobody known.

    Args:
        rows: The table's rows.
        table: Its name, for errors.
        wish: Which ones.

    Returns:
        Those of them that are seen longest, at most `MOST_SUBJECTS`, in the table's order; and the names of the others.

    Raises:
        OutputError: There is nobody, or no such one; or rows contradict each other.
    """
    groups: dict[Subject, dict[str, Figures]] = defaultdict(dict)
    for row in rows:
        if wish.face_id is None and row.face_id is not None and row.person is not None:
            continue  # the person's rows tell it
        subject = Subject(row.source, row.face_id, row.person)
        if groups[subject].setdefault(row.au, row) != row:
            raise OutputError(
                f"{table} holds two rows of {row.au} for {subject.words}.",
                "They differ, as where the tables of two runs were put together.",
                "Draw the table of each run, or give their sources different names.",
            )
    fitting = {one: shares for one, shares in groups.items() if wish.fits(one)}
    pick(fitting or groups, wish, table, "Nobody was seen.")  # refuses where nobody fits
    longest = sorted(fitting, key=lambda one: -max(row.seconds_seen for row in fitting[one].values()))[:MOST_SUBJECTS]
    shown: dict[Subject, Shares] = {one: shares for one, shares in fitting.items() if one in longest}
    return shown, [one.words for one in groups if one not in shown]


def draw(shares: Mapping[Subject, Shares], path: Path, *, inputs: Iterable[Path] = (), overwrite: bool = False) -> None:
    """Draw a summary: per face or person bars for each AU, and a matrix of pairs that occur together, if it has any.

    Args:
        shares: The rows.
        path: The picture; as for `picture`, like the rest.
        inputs: What it is drawn from.
        overwrite: Whether any other file is replaced.

    Raises:
        OutputError: As for `picture`.
    """
    names = {name for one in shares.values() for name in one}
    aus = sorted({au for name in names for au in name.split("+")}, key=lambda au: (len(au), au))
    paired = any("+" in name for name in names)
    sources = {one.source for one in shares}
    size = (10 + 4 * paired, 1.0 + len(shares) * (0.5 + 0.24 * max(len(aus), 3)))
    title = next(iter(sources)) or "" if len(sources) == 1 else ""
    with picture(path, size, title, inputs=inputs, overwrite=overwrite) as figure:
        lines = figure.subplots(len(shares), len(MEASURES) + paired, squeeze=False)
        for axes, (subject, one) in zip(lines, shares.items(), strict=True):
            axes[0].set_title(subject.who if title else subject.words, loc="left")
            for each, (field, _, unit, form) in zip(axes, MEASURES, strict=False):
                most = np.nanmax([_values(other, aus, field) for other in shares.values()] + [[0.0] * len(aus)])
                _bars(each, aus, _values(one, aus, field) * unit, most * unit, form)
            if paired:
                _matrix(axes[-1], aus, one)
        for axes, label in zip(lines[-1], [*(label for _, label, *_ in MEASURES), "share of pairs in %"], strict=False):
            axes.set_xlabel(label)


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
        axes.text(column, row, f"{100 * together[row, column]:.0f}", ha="center", va="center", fontsize=7)
    places = range(len(aus))
    axes.set(xticks=places, xticklabels=[au[2:] for au in aus], yticks=places, yticklabels=aus)
    axes.tick_params(labelsize=8)
