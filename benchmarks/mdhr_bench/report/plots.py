"""The plots of the page. All are drawn with matplotlib inside `mdhr_runtime.plotting.style.styled`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mdhr_runtime.plotting.page import Markup
from mdhr_runtime.plotting.style import COLOUR, axes_of, plot, settle

from ..results import Pipeline, Result, Throughput, Timing
from .resources import computed, intensity, moved, work_of
from .speed import CURVES, curves_of, milliseconds, range_of, whole_of
from .units import TOO_WIDE, digits, named, plain, quotient, scaled, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Locator

BINS = 36
ROW = 26
"""Height of a row of bars, in a plot's units."""
AROUND = 48
"""Height of what is above and below the rows."""
LINE = 14
"""Distance of two labels, at the least."""
DASHED: dict[str, Any] = {"color": COLOUR["second"], "linestyle": (0, (4, 3)), "linewidth": 1.5}


def latency_plots(result: Result) -> Iterator[Markup]:
    """The distribution of the whole's calls, and all timings in rows."""
    whole = whole_of(result)
    if whole is not None and whole.samples:
        yield histogram(whole)
    timed = [timing for timing in result.timings if timing.samples]
    if timed:
        yield timings_plot(timed)


def histogram(timing: Timing) -> Markup:
    """Calls by the time that they took, with the median and the 99th percentile marked."""
    samples, summary = np.asarray(timing.samples, np.float64), timing.summary
    low = float(samples.min())
    # A single outlier must not press all others into one bar.
    high = min(float(samples.max()), summary.p99 + max(summary.p99 - low, 0.0))
    pad = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    low, high = max(0.0, low - pad), high + pad
    axes = axes_of(260)
    axes.hist(samples[samples <= high], BINS, range=(low, high), color=COLOUR["ours"], rwidth=0.92)
    axes.set(xlim=(low, high), xlabel="time of a call (ms)", ylabel="calls")
    axes.margins(y=0.18)
    axes.locator_params(axis="y", integer=True, nbins=5)
    beside = summary.p99 - summary.p50 > 0.1 * (high - low)
    for name, value, right in (("p50", summary.p50, beside), ("p99", summary.p99, summary.p99 < high - 3 * pad)):
        axes.axvline(value, **DASHED)
        _label(axes, name, (value, 1), (4 if right else -4, -10), "left" if right else "right", height="axes fraction")
    name = plain(timing.id)
    title = (
        f"Half of the calls of {name} take at most {digits(summary.p50)} ms, 1 in 100 over {digits(summary.p99)} ms."
        if timing.steady
        else f"Calls of {name} spread too widely for one number: {milliseconds(timing).split(' (')[0]}."
    )
    caption = f"{len(samples)} calls: {plain(timing.title)}."
    beyond = int((samples > high).sum())
    if beyond:
        longest = f", the longest {digits(summary.largest)} ms" if timing.steady else ""
        caption += f" Beyond the right edge: {beyond}{longest}."
    described = f"Histogram of {len(samples)} calls over milliseconds per call; the median and the 99th percentile are"
    return plot(axes, title, f"{described} marked.", caption)


def timings_plot(timings: Sequence[Timing]) -> Markup:
    """Every timing per frame, in a row: from the 1st to the 99th percentile, the middle half, the median."""
    axes = axes_of(ROW * len(timings) + AROUND)
    _rows(axes, [_short(plain(timing.id)) for timing in timings])
    spreads = [np.percentile(np.asarray(each.samples) / each.frames, (1, 25, 50, 75, 99)) for each in timings]
    least = min((value for spread in spreads for value in spread if value > 0), default=1.0)
    for place, (timing, spread) in enumerate(zip(timings, spreads, strict=True)):
        low, first, middle, third, high = np.maximum(spread, least)
        edge, fill = ("quiet", "line") if timing.what == "baseline" else ("ours", "ours-pale")
        axes.hlines(place, low, high, color=COLOUR["ours" if timing.what == "whole" else "quiet"], linewidth=1.5)
        axes.barh(place, third - first, 0.38, first, color=COLOUR[fill], edgecolor=COLOUR[edge], linewidth=1)
        axes.plot(middle, place, "o", color=COLOUR[edge], markeredgecolor=COLOUR["ground"], markersize=8)
        if timing.what == "whole":
            axes.get_yticklabels()[place].set(color=COLOUR["text"], fontweight="bold")
    ends = least / 1.15, 1.15 * max(least, *(float(spread[-1]) for spread in spreads))
    axes.set(xscale="log", xlim=ends, xlabel="time of a frame (ms, logarithmic)")
    axes.xaxis.set_major_locator(_round_numbers(*ends))
    axes.xaxis.set_major_formatter("{x:,.12g}")
    axes.xaxis.set_minor_formatter("")
    said = ", ".join(f"{plain(each.id)} {milliseconds(each, per_frame=True)}" for each in timings)
    title = _beside_baselines(timings)
    return plot(
        axes,
        title,
        f"Milliseconds per frame on a logarithmic axis; medians: {said}.",
        "Dot: median. Bar: the middle half of the calls. Line: from the 1st to the 99th percentile. Per frame, so that "
        "clips and steps compare.",
    )


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """Give a plot a row per name, from top to bottom."""
    axes.set(ylim=(len(names) - 0.5, -0.5))
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False, axis="y")


def _round_numbers(low: float, high: float) -> Locator:
    """Marks of a logarithmic axis that leave room for their labels."""
    from matplotlib.ticker import LogLocator

    decades = math.log10(high / low)
    return LogLocator(subs=(1, 2, 5) if decades < 2.2 else (1, 3) if decades < 3 else (1,))


def _beside_baselines(timings: Sequence[Timing]) -> str:
    whole = next((each for each in timings if each.what == "whole"), None)
    baselines = [each.summary.p50 / each.frames for each in timings if each.what == "baseline"]
    if whole is None or not baselines:
        return "The time of a frame."
    slower = sum(whole.summary.p50 / whole.frames < each for each in baselines)
    some = f"{slower} of {len(baselines)} baselines have"
    count = {0: "no baseline has", len(baselines): "every baseline has"}.get(slower, some)
    return f"Per frame, {count} a higher median than {plain(whole.id)}."


def _short(name: str, most: int = 14) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def throughput_plots(result: Result) -> Iterator[Markup]:
    """One plot per curve of more than one point."""
    return (curve_plot(plain(name), points) for name, points in curves_of(result.throughput).items() if len(points) > 1)


def curve_plot(name: str, points: Sequence[Throughput]) -> Markup:
    """Frames per second over the size, with the range of the rounds and the knee."""
    axes = axes_of(250)
    sizes, middle = [point.size for point in points], [point.frames_per_second for point in points]
    ends = [point.low for point in points], [point.high for point in points]
    axes.fill_between(sizes, *ends, color=COLOUR["ours-pale"], alpha=0.45, linewidth=0)
    axes.plot(sizes, middle, "-o", color=COLOUR["ours"], markersize=6, markeredgewidth=0)
    for point in points:
        if point.knee:
            at = (point.size, point.frames_per_second)
            axes.plot(*at, "o", color="none", markeredgecolor=COLOUR["second"], markeredgewidth=2, markersize=14)
            _label(axes, "knee", at, (0, -20), "center")
    what = CURVES.get(name, "the size")
    # Room at the sides keeps the outermost points off the axis.
    ends_of_axis = (sizes[0] / 1.15, sizes[-1] * 1.15)
    axes.set(xscale="log", xlim=ends_of_axis, xlabel=f"{what} (logarithmic)", ylabel="frames/s")
    axes.set_ylim(0, 1.15 * max(*middle, *ends[1]))
    axes.set_xticks(sizes[:: -(-len(sizes) // 7)], minor=False)
    axes.xaxis.set_major_formatter("{x:.12g}")
    axes.xaxis.set_minor_formatter("")
    axes.locator_params(axis="y", nbins=5)
    axes.yaxis.set_major_formatter("{x:,.12g}")
    title = _gain(name, points)
    said = ", ".join(f"{digits(point.frames_per_second)} frames/s at {point.size}" for point in points)
    return plot(
        axes,
        title,
        f"Frames per second over {what}: {said}.",
        "Line: median of the rounds. Band: their 10th to 90th percentile. Ring: the knee, the smallest size that comes "
        "within a few per cent of the best.",
    )


def _gain(name: str, points: Sequence[Throughput]) -> str:
    best = max(points, key=lambda point: point.frames_per_second)
    knee = next((point for point in points if point.knee), best)
    gain = digits(quotient(knee.frames_per_second, points[0].frames_per_second))
    if knee is points[0]:
        return f"{name}: more than {knee.size} at once gains little ({digits(knee.frames_per_second)} frames/s)."
    return f"{name}: {knee.size} at once give {gain} × the frames/s of {points[0].size}."


def pipeline_plots(result: Result) -> Iterator[Markup]:
    """One plot per video whose stages were timed."""
    return (stages_plot(each) for each in result.pipeline if each.stages)


def stages_plot(pipeline: Pipeline) -> Markup:
    """Shares of the wall time in the stages, as bars."""
    stages = pipeline.stages
    alone = quotient(pipeline.encoder_alone, pipeline.seconds)
    axes = axes_of(ROW * len(stages) + AROUND)
    _rows(axes, [plain(stage.name)[:12] for stage in stages])
    axes.barh(range(len(stages)), [100 * stage.share for stage in stages], 0.62, color=COLOUR["ours"])
    axes.axvline(100 * alone, **DASHED)
    end = 100 * max(1.0, *(stage.share for stage in stages))
    axes.set(xlim=(0, end), xticks=(0, 25, 50, 75, 100), xlabel="share of the wall time (%)")
    for place, stage in enumerate(stages):
        # In a column of their own the numbers meet neither a bar's end nor the dashed line.
        _label(axes, share(stage.share), (end, place), (62, -4), "right")
    longest = max(stages, key=lambda stage: stage.share)
    name, seconds = plain(pipeline.video), digits(pipeline.seconds)
    title = f"{name}: {plain(longest.name)} is busy for {share(longest.share)} of the {seconds} s."
    said = ", ".join(f"{plain(stage.name)} {share(stage.share)}" for stage in stages)
    described = f"Bars of the share of the wall time inside each stage: {said}. With nothing beside it, the encoder "
    return plot(
        axes,
        title,
        f"{described}would take {share(alone)}.",
        f"Stages run beside one another: together they are busy for {share(sum(stage.share for stage in stages))} of "
        "the wall time, and time within one may be time of another as well. Dashed: what the same runs of the encoder "
        "take with nothing beside them.",
    )


class Point(NamedTuple):
    """Something that was timed and whose operations were counted.

    Attributes:
        name: What.
        intensity: Operations per byte of weights, inputs and outputs.
        rate: Operations per second at the median.
        low: Operations per second at the 90th percentile of the rounds.
        high: Operations per second at the 10th percentile of the rounds.
        steady: Whether the rate may be named.
    """

    name: str
    intensity: float
    rate: float
    low: float
    high: float
    steady: bool


def points_of(result: Result) -> list[Point]:
    """The graphs that were timed by themselves, and all together as the whole."""
    whole, work = whole_of(result), work_of(result)
    parts = [
        (timing, float(cost.flops), float(moved(cost)))
        for cost in computed(result)
        if (timing := result.timing(cost.graph)) is not None
    ]
    if whole is not None:
        parts.append((whole, work["FLOP/s"], work["B/s"]))
    return [_point(*part) for part in parts if part[1] > 0 and part[2] > 0 and part[0].summary.p50 > 0]


def _point(timing: Timing, flops: float, count: float) -> Point:
    # Costs are per frame and times per call.
    work = 1000 * flops * timing.frames
    fastest, slowest = range_of(timing)
    middle, low, high = (quotient(work, time) for time in (timing.summary.p50, slowest, fastest))
    return Point(plain(timing.id), intensity(flops, count), middle, low, high, timing.steady)


def roofline_plots(result: Result) -> Iterator[Markup]:
    """The roofline, if both ceilings were measured."""
    peak, copy = result.peak(), result.ceiling("copy")
    points = points_of(result)
    if peak is not None and copy is not None and peak.value > 0 and copy.value > 0 and points:
        yield roofline(peak.value, copy.value, points)


def roofline(peak: float, bandwidth: float, points: Sequence[Point]) -> Markup:
    """Speed of the graphs below what the machine allows (Williams, Waterman and Patterson, Roofline, CACM 2009).

    It is operations per second over operations per byte, both logarithmic.

    Args:
        peak: FLOP/s of the matrix product.
        bandwidth: B/s of the copy.
        points: What is shown below the roof.
    """
    from matplotlib.ticker import EngFormatter

    ridge = peak / bandwidth
    reach = [*(point.intensity for point in points), ridge]
    left, right = _decade(min(reach) / 3, math.floor), _decade(3 * max(reach), math.ceil)
    heights = [value for point in points for value in (point.low, point.high)]
    bottom = _decade(min(*heights, bandwidth * min(reach)) / 2, math.floor)
    axes = axes_of(300)
    axes.set(xscale="log", yscale="log", xlim=(left, right), ylim=(bottom, 3 * max(peak, *heights)))
    axes.set(xlabel="operations per byte moved (FLOP/B, logarithmic)", ylabel="FLOP/s (logarithmic)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(EngFormatter(sep=" "))
    start = max(left, bottom / bandwidth)
    axes.plot((start, ridge, right), (bandwidth * start, peak, peak), color=COLOUR["quiet"], linewidth=2)
    _points(axes, points)
    _label(axes, f"matrix product: {scaled(peak, 'FLOP/s')}", (right, peak), (-2, 6), "right", strong=False)
    _label_slope(axes, f"copy: {scaled(bandwidth, 'B/s')}", (start, bandwidth * start), (ridge, peak))
    last = points[-1]
    allowed = min(peak, bandwidth * last.intensity)
    reached = named(100 * last.rate / allowed, 100 * last.low / allowed, 100 * last.high / allowed, last.steady, "%")
    title = f"{last.name} reaches {reached} of what the roof allows at its {digits(last.intensity)} FLOP/B."
    said = "; ".join(
        f"{point.name}: {digits(point.intensity)} FLOP/B, {_rate(point)}, the roof there is "
        f"{scaled(min(peak, bandwidth * point.intensity), 'FLOP/s')}"
        for point in points
    )
    described = f"Roofline with logarithmic axes. The roof rises with {scaled(bandwidth, 'B/s')} up to "
    return plot(
        axes,
        title,
        f"{described}{scaled(peak, 'FLOP/s')} at {digits(ridge)} FLOP/B. {said}.",
        "Roof: the ceilings measured in this run. Bytes moved are weights, inputs and outputs once each. Bars: 10th to "
        "90th percentile of the rounds. A point above the roof kept its bytes in a cache.",
    )


def _rate(point: Point) -> str:
    if point.steady:
        return scaled(point.rate, "FLOP/s")
    return f"{scaled(point.low, 'FLOP/s')} to {scaled(point.high, 'FLOP/s')} {TOO_WIDE}"


def _decade(value: float, towards: Callable[[float], int]) -> float:
    return 10.0 ** towards(math.log10(value))


def _points(axes: Axes, points: Sequence[Point]) -> None:
    """Draw the points with their ranges, and their names beside them, none over another."""
    settle(axes)
    places = [axes.transData.transform((point.intensity, point.rate)) for point in points]
    middle = axes.transAxes.transform((0.6, 0))[0]
    before = math.inf
    for index in sorted(range(len(points)), key=lambda index: -places[index][1]):
        point, (across, up) = points[index], places[index]
        before = min(up, before - LINE)
        right = across < middle
        axes.vlines(point.intensity, point.low, point.high, color=COLOUR["ours"], linewidth=1.5)
        axes.plot(
            point.intensity, point.rate, "o", color=COLOUR["ours"], markeredgecolor=COLOUR["ground"], markersize=9
        )
        shift = (16 if right else -16, before - up)
        line = {"arrowstyle": "-", "color": COLOUR["quiet"], "linewidth": 0.8, "shrinkA": 1, "shrinkB": 5}
        _label(
            axes, point.name, (point.intensity, point.rate), shift, "left" if right else "right", va="center",
            arrowprops=line,
        )  # fmt: skip


def _label_slope(axes: Axes, label: str, *ends: tuple[float, float]) -> None:
    """Write the copy's ceiling along its slope, or above the ridge where the slope is short."""
    (x0, y0), (x1, y1) = (axes.transData.transform(end) for end in ends)
    if math.hypot(x1 - x0, y1 - y0) < 7 * len(label):
        return _label(axes, label, ends[1], (-6, 6), "right", strong=False)
    middle = (math.sqrt(ends[0][0] * ends[1][0]), math.sqrt(ends[0][1] * ends[1][1]))
    turned: dict[str, Any] = {
        "rotation": math.degrees(math.atan2(y1 - y0, x1 - x0)),
        "rotation_mode": "anchor",
        "va": "bottom",
    }
    return _label(axes, label, middle, (-3, 4), "center", strong=False, **turned)


def _label(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float],
    align: str,
    strong: bool = True,
    height: str = "data",
    **settings: Any,
) -> None:
    """Write beside a place in a plot.

    Args:
        axes: The plot.
        text: What is written.
        at: The place, in the plot's data; its height as `height` says.
        shift: From there to the text, in the plot's units.
        align: "left", "center" or "right", the side of the text that is there.
        strong: Whether it stands out.
        height: What the place's height is given in, one of matplotlib's coordinates.
        **settings: More of `Axes.annotate`.
    """
    look: dict[str, Any] = {"color": COLOUR["text"], "fontweight": "bold"} if strong else {"color": COLOUR["quiet"]}
    axes.annotate(
        text, at, shift, ("data", height), "offset points", ha=align, annotation_clip=False, **look, **settings
    )


PLOTS: Mapping[str, Callable[[Result], Iterable[Markup]]] = {
    "latency": latency_plots,
    "throughput": throughput_plots,
    "pipeline": pipeline_plots,
    "ceilings": roofline_plots,
}
"""Table → the plots above it."""
