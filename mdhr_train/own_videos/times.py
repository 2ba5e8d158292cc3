"""When labels hold: labels at times, given to the frames of a video.

A label belongs to the frame that is nearest, if that is within half a frame's interval. Where labels come regularly and
less often than frames, at 5 a second for a video of 30, each holds until the next one, as its coder means it; but for
no longer than labels usually last, and not at all where they are more than a second apart. Nothing is interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .findings import Findings

ROUNDED = 0.002
"""Seconds by which times differ that were written in milliseconds."""
LONGEST_HELD = 1.0
"""Seconds: labels further apart hold for their own frames alone."""
COARSER = 1.05
"""Labels whose interval is that many times the frames' are fewer than the frames."""
REGULAR = 0.8
"""Share of the intervals between labels that are nearly the median, of labels that come regularly."""
AGREE = 1e-6
"""Labels of one frame that differ by more contradict each other."""
SECONDS = {"s": 1.0, "ms": 1e-3}
"""Seconds per unit of times, by units that are stated."""


def scale_of(times: Sequence[np.ndarray], ends: Sequence[float]) -> float:
    """Seconds per unit of times whose unit is not stated: milliseconds if only so they lie within their videos.

    Args:
        times: The times of each video, NaN where they are missing.
        ends: The videos' ends in seconds.
    """

    def within(scale: float) -> float:
        inside = [found[~np.isnan(found)] * scale <= end + 1 for found, end in zip(times, ends, strict=True)]
        return float(np.concatenate(inside).mean()) if sum(map(len, inside)) else 1.0

    return 1e-3 if within(1.0) < 0.5 < within(1e-3) else 1.0


def spread(
    frames: np.ndarray,
    times: np.ndarray,
    values: np.ndarray,
    boxes: np.ndarray | None,
    findings: Findings,
    place: str,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Give labels to frames; see above.

    Args:
        frames: float64 (F,), the frames' times in seconds, growing.
        times: float64 (R,), the labels' times, in any order.
        values: float32 (R, A), NaN where they are unknown.
        boxes: float32 (R, 4), or None.
        findings: Takes how many labels are not used as they are.
        place: Where they are, for that.

    Returns:
        The frames' labels float32 (F, A), NaN where they are unknown, and the boxes float32 (F, 4) of those that have a
        label of their own, or None.
    """
    times, values, boxes = _merged(times, values, boxes, findings, place)
    inside = is_inside(frames, times)
    findings.tell("labels beyond the video, left out", place, int((~inside).sum()))
    times, values, boxes = times[inside], values[inside], None if boxes is None else boxes[inside]
    result = np.full((len(frames), values.shape[1]), np.nan, np.float32)
    places = None if boxes is None else np.full((len(frames), 4), np.nan, np.float32)
    if not len(times):
        return result, places
    nearest = np.searchsorted((times[1:] + times[:-1]) / 2, frames)
    own = np.abs(frames - times[nearest]) <= interval(frames) / 2 + ROUNDED
    findings.tell(
        "labels between two frames, left out for one that is nearer", place, len(times) - len(np.unique(nearest[own]))
    )
    result[own] = values[nearest[own]]
    if places is not None and boxes is not None:
        places[own] = boxes[nearest[own]]
    before = (np.searchsorted(times, frames + ROUNDED, "right") - 1).clip(min=0)
    since = frames - times[before]
    held = (since >= -ROUNDED) & (since < _held(times, interval(frames)) - ROUNDED)
    findings.tell("frames that hold the label before them, as labels come less often", place, int((held & ~own).sum()))
    result[held] = values[before[held]]
    return result, places


def is_inside(frames: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Which times (R,) are those of a frame of the video: bool (R,)."""
    reach = interval(frames) / 2 + ROUNDED
    return (times >= frames[0] - reach) & (times <= frames[-1] + reach)


def interval(frames: np.ndarray) -> float:
    """The usual time between frames, in seconds."""
    return float(np.median(np.diff(frames))) if len(frames) > 1 else 1 / 25


def _held(times: np.ndarray, frame: float) -> float:
    """Seconds for which labels hold that come regularly and less often than frames; 0 for others."""
    steps = np.diff(times)
    if len(steps) < 2:
        return 0.0
    step = float(np.median(steps))
    regular = (np.abs(steps - step) <= step / 4).mean() >= REGULAR
    return step if regular and COARSER * frame < step <= LONGEST_HELD else 0.0


def _merged(
    times: np.ndarray, values: np.ndarray, boxes: np.ndarray | None, findings: Findings, place: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Labels in order, with those of one time made one: what they agree in, and unknown where they do not."""
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    starts = np.flatnonzero(np.diff(times, prepend=-np.inf) > 0)
    low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    apart = high - low > AGREE
    findings.tell("labels for a frame or time that has one", place, len(times) - len(starts))
    findings.tell("of them, that contradict it: unknown", place, int(apart.any(1).sum()))
    return times[starts], np.where(apart, np.nan, low), None if boxes is None else boxes[order][starts]
