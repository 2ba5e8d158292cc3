"""Plots of where the time of a video goes."""

from __future__ import annotations

from collections.abc import Iterator

from mdhr_train.report.markup import Markup, element

from ..results import Pipeline, Result, Stage
from .axes import BOTTOM, TOP, WIDTH, Scale, bottom_axis, numbered, plot
from .units import digits, plain, quotient, share

ROW = 26
NAMES = 84
SHARES = 62


def pipeline_plots(result: Result) -> Iterator[Markup]:
    """One plot per video whose stages were timed."""
    return (stages_plot(each) for each in result.pipeline if each.stages)


def stages_plot(pipeline: Pipeline) -> Markup:
    """Shares of the wall time in the stages, as bars."""
    height = TOP + ROW * len(pipeline.stages) + BOTTOM
    x = Scale(0, max(1.0, *(stage.share for stage in pipeline.stages)) * 100, NAMES, WIDTH - SHARES)
    longest = max(pipeline.stages, key=lambda stage: stage.share)
    total = sum(stage.share for stage in pipeline.stages)
    alone = quotient(pipeline.encoder_alone, pipeline.seconds)
    said = ", ".join(f"{plain(stage.name)} {share(stage.share)}" for stage in pipeline.stages)
    return plot(
        f"{plain(pipeline.video)}: {plain(longest.name)} is busy for {share(longest.share)} of the "
        f"{digits(pipeline.seconds)} s.",
        f"Bars of the share of the wall time inside each stage: {said}. With nothing beside it, the encoder would "
        f"take {share(alone)}.",
        height,
        bottom_axis(x, height, "share of the wall time (%)", numbered([0.0, 25.0, 50.0, 75.0, 100.0])),
        (_bar(stage, x, TOP + ROW * (index + 0.5)) for index, stage in enumerate(pipeline.stages)),
        element("line", x1=x(100 * alone), x2=x(100 * alone), y1=TOP - 4, y2=height - BOTTOM, class_="mark"),
        caption=f"Stages run beside one another: together they are busy for {share(total)} of the wall time, and time "
        "within one may be time of another as well. Dashed: what the same runs of the encoder take with nothing beside "
        "them.",
    )


def _bar(stage: Stage, x: Scale, y: float) -> Markup:
    return element(
        "g",
        element("text", plain(stage.name)[:12], x=NAMES - 8, y=y + 4, text_anchor="end"),
        element("rect", x=x.start, width=max(x(100 * stage.share) - x.start, 0.5), y=y - 8, height=16, class_="bar"),
        # In a column of their own the numbers meet neither a bar's end nor the dashed line.
        element("text", share(stage.share), x=WIDTH - 4, y=y + 4, text_anchor="end", class_="strong"),
    )
