"""What a rendered face does: which action units (AUs) happen when, and how they move while they last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mdhr_runtime.layout import Layout

from ..behaviour import APEX, LONGEST, OFFSET, ONSET, Event

TWINS: tuple[tuple[int, int], ...] = ((23, 24), (25, 26))
"""AUs that only motion can tell apart: the first of a pair trembles, the second holds still."""

# Which AUs one event holds → how often it is tried. They join regions: what the fringe hides, or is faint, has a plain
# partner elsewhere. The second of two twins is not listed: in half of the events it takes the place of the first. An
# expression belongs to the layouts that have all of its AUs.
EXPRESSIONS: Mapping[tuple[int, ...], float] = {
    (6, 12): 1.3,
    # BP4D
    (1, 15): 1.0,
    (2, 14): 1.0,
    (1, 2, 14, 15): 1.0,
    (4, 17): 1.0,
    (4, 7, 10, 17): 0.8,
    (7, 10): 0.8,
    (7, 23): 2.6,
    # DISFA
    (1, 25): 0.4,
    (1, 2, 25): 2.2,
    (4, 9): 1.2,
}

# AUs that undo each other; they are not shown at the same time. Twins are, in this respect, one AU.
OPPOSED: tuple[tuple[int, int], ...] = ((12, 15),)

ALONE_SHARE = 0.12
"""Share of events that are one AU of an expression alone, so that no AU is the same thing as its partner."""

EVENTS_PER_FRAME = 0.16
"""How often an event is tried. Those that clash with another one are dropped."""

TREMBLE_PERIODS = (2, 3, 4)
"""Frames after which a tremble is where it was; it changes sides as evenly as the period allows."""

BLINKS_PER_FRAME = 0.012
BLINK = (0.6, 1.0, 0.5)
"""How far the eyes are closed in the frames of a blink."""


@dataclass(frozen=True, eq=False)
class Behaviour:
    """What a face does over T frames.

    Attributes:
        intensities: float64 (T, N), from 0 (rest) to about 1, one column per AU.
        sway: float64 (T, N), −1 or 1: on which side of its mean position a twin is. It has a meaning where the
            intensity of one of the `TWINS` is above 0.
        closing: float64 (T,), how far a blink has closed the eyes.
    """

    intensities: np.ndarray
    sway: np.ndarray
    closing: np.ndarray


def random_behaviour(layout: Layout, frames: int, rng: np.random.Generator) -> Behaviour:
    """Draw a stretch of behaviour.

    Args:
        layout: The AUs.
        frames: Length T.
        rng: Source of randomness.
    """
    intensities = np.zeros((frames, len(layout.aus)))
    sway = np.ones((frames, len(layout.aus)))
    for event in _random_events(layout, frames, rng):
        course = event.course(frames)
        side = rng.choice((-1.0, 1.0))
        tremble = random_tremble(frames, rng)
        for au, peak in event.peaks.items():
            column = layout.aus.index(au)
            intensities[:, column] = np.maximum(intensities[:, column], peak * course)
            during = course > 0
            sway[during, column] = tremble[during] if _trembles(au) else side
    return Behaviour(intensities, sway, _random_blinks(frames, rng))


def random_tremble(frames: int, rng: np.random.Generator) -> np.ndarray:
    """A tremble: float64 (frames,), −1 or 1 with equal chances in every single frame.

    The period, the phase and the side to start from are random, which makes the chances equal.
    """
    period = int(rng.choice(TREMBLE_PERIODS))
    time = np.arange(frames) + rng.integers(period)
    return np.where(time % period < period // 2, -1.0, 1.0) * rng.choice((-1.0, 1.0))


def expressions_of(layout: Layout) -> dict[tuple[int, ...], float]:
    """The expressions of a layout → their shares of the events that are tried."""
    found = {group: weight for group, weight in EXPRESSIONS.items() if set(group) <= set(layout.aus)}
    total = sum(found.values())
    return {group: weight / total for group, weight in found.items()}


def _random_events(layout: Layout, frames: int, rng: np.random.Generator) -> list[Event]:
    shares = expressions_of(layout)
    expressions = list(shares)
    count = rng.poisson(EVENTS_PER_FRAME * (frames + LONGEST))
    events: list[Event] = []
    for choice in rng.choice(len(expressions), size=count, p=list(shares.values())):
        event = _random_event(expressions[choice], frames, rng)
        if not any(_clash(event, other) for other in events):
            events.append(event)
    return events


def _random_event(group: tuple[int, ...], frames: int, rng: np.random.Generator) -> Event:
    if rng.random() < ALONE_SHARE:
        group = (group[rng.integers(len(group))],)
    # Both twins are drawn from here, so that the company they keep does not tell them apart either.
    swapped = dict(TWINS) if rng.random() < 0.5 else {}
    return Event(
        peaks={swapped.get(au, au): rng.uniform(0.85, 1.1) for au in group},
        # It may have begun before the first frame.
        start=int(rng.integers(-LONGEST, frames)),
        onset=int(rng.integers(*ONSET)),
        apex=int(rng.integers(*APEX)),
        offset=int(rng.integers(*OFFSET)),
    )


def _clash(event: Event, other: Event) -> bool:
    """Whether two events overlap in time and hold the same AU, twins, or AUs that undo each other."""
    if event.end <= other.start or other.end <= event.start:
        return False
    seconds = {second: first for first, second in TWINS}
    ones, others = ({seconds.get(au, au) for au in each.peaks} for each in (event, other))
    undone = any((a in ones and b in others) or (b in ones and a in others) for a, b in OPPOSED)
    return undone or not ones.isdisjoint(others)


def _trembles(au: int) -> bool:
    return any(au == first for first, _ in TWINS)


def _random_blinks(frames: int, rng: np.random.Generator) -> np.ndarray:
    blinks = np.zeros(frames + len(BLINK))
    for start in np.flatnonzero(rng.random(frames) < BLINKS_PER_FRAME):
        blinks[start : start + len(BLINK)] = BLINK
    return blinks[:frames]
