"""Curves over the epochs of one or several runs, as small plots side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mdhr_runtime.plotting.page import Markup, element, figure
from mdhr_runtime.plotting.style import COLOUR, axes_of, plot, styled

from ..training.run_files import EpochRecord
from .runs import TrainedRun

COLOURS = ("ours", "second", "third")
"""Of the runs, in their order."""


class Panel(NamedTuple):
    """A plot whose axis starts at 0: its title, and its value of an epoch, which is shown in units of `unit`."""

    title: str
    value: Callable[[EpochRecord], float | None]
    unit: float = 1.0


PANELS = (
    Panel(
        "Validation F1, mean over the AUs (%)",
        lambda epoch: epoch["validation"]["mean_f1"] if epoch["validation"] else None,
        0.01,
    ),
    Panel("Loss L", lambda epoch: epoch["loss"]),
    Panel("Loss of the occurrences, L_AU", lambda epoch: epoch["loss_au"]),
    Panel("Loss of the regional combinations, L_sub", lambda epoch: epoch["loss_sub"]),
    Panel("Learning rate", lambda epoch: epoch["lr"]),
    Panel("Time spent waiting for data (%)", lambda epoch: epoch["waiting_share"], 0.01),
)


def curves(runs: Sequence[TrainedRun]) -> Markup:
    """All panels; a run is one line, and a ring on it marks the epoch of its `best.pt`."""
    keys = (
        element("li", element("b", "—", style=f"color: var(--{colour})"), f"fold {run.summary['fold']}")
        for colour, run in zip(COLOURS, runs, strict=False)
    )
    with styled():
        panels = element("div", (_panel(panel, runs) for panel in PANELS), class_="plots small")
    return element("div", element("ul", keys, class_="legend") if len(runs) > 1 else None, panels)


def _panel(panel: Panel, runs: Sequence[TrainedRun]) -> Markup:
    axes = axes_of(190, 320)
    for index, run in enumerate(runs):
        values = {epoch["epoch"]: panel.value(epoch) for epoch in run.summary["epochs"]}
        known = {x: y / panel.unit for x, y in values.items() if y is not None and math.isfinite(y)}
        best = run.summary["best"]["epoch"]
        axes.plot(
            list(known), list(known.values()), "-o", color=COLOUR[COLOURS[index % 3]],
            markevery=[place for place, epoch in enumerate(known) if epoch == best or len(known) == 1],
            markersize=7, markerfacecolor=COLOUR["ground"], markeredgewidth=1.8,
        )  # fmt: skip
    if not any(np.size(line.get_xdata()) for line in axes.lines):
        return figure(panel.title, element("p", "Not measured in this run.", class_="quiet"))
    last = max(len(run.summary["epochs"]) for run in runs)
    top = axes.dataLim.y1
    axes.set(xlim=(1 - 0.02 * last, max(last, 2) + 0.02 * last), ylim=(0, 1.1 * top if top > 0 else 1.0))
    axes.set_xticks((1, last) if last > 1 else (1,))
    axes.set_xlabel("epoch", labelpad=-11)
    axes.locator_params(axis="y", nbins=5)
    axes.yaxis.set_major_formatter("{x:.3g}")
    axes.grid(visible=False, axis="x")
    return plot(axes, panel.title, f"One line per run, over {last} epochs.")
