"""The behaviour of synthetic faces: which action units (AUs) happen when, and how they move while they last.

AUs happen in events, which rise, hold and fall. The photographed face and the rendered ones draw their events from
tables of their own, because they can show different things; all the rest is common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mdhr_runtime.layout import Layout

LABEL_THRESHOLD = 0.5
"""An AU counts as occurring while its intensity is above this."""

# Lengths in frames at 25 per second: lower bound, and upper bound that is not reached itself.
ONSET, APEX, OFFSET = (4, 9), (8, 25), (5, 11)
LONGEST = ONSET[1] + APEX[1] + OFFSET[1]

HIGHEST_PEAK = 1.1

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Event:
    """One expression: its AUs rise together, hold, and fall.

    Attributes:
        peaks: AU number → intensity at the apex.
        start: Frame of the onset's beginning; may be negative.
        onset: Frames from rest to the apex.
        apex: Frames at the apex.
        offset: Frames from the apex back to rest.
    """

    peaks: dict[int, float]
    start: int
    onset: int
    apex: int
    offset: int

    @classmethod
    def random(cls, aus: Sequence[int], lowest_peak: float, frames: int, rng: np.random.Generator) -> Event:
        """Draw peaks and times of AUs; the event may have begun before the first frame."""
        return cls(
            peaks={au: rng.uniform(lowest_peak, HIGHEST_PEAK) for au in aus},
            start=int(rng.integers(-LONGEST, frames)),
            onset=int(rng.integers(*ONSET)),
            apex=int(rng.integers(*APEX)),
            offset=int(rng.integers(*OFFSET)),
        )

    @property
    def end(self) -> int:
        """The first frame after the event."""
        return self.start + self.onset + self.apex + self.offset

    def course(self, frames: int) -> np.ndarray:
        """Fraction of the peak over time: float64 (frames,), rising and falling smoothly."""
        time = np.arange(frames) - self.start
        rise = np.clip(time / self.onset, 0, 1)
        fall = np.clip((time - self.onset - self.apex) / self.offset, 0, 1)
        ramp = rise - fall
        return ramp * ramp * (3 - 2 * ramp)

    def clashes_with(self, other: Event, opposed: Pairs) -> bool:
        """Whether the two overlap in time and one holds the first AU of a pair, the other the second."""
        if self.end <= other.start or other.end <= self.start:
            return False
        return any((a in self.peaks and b in other.peaks) or (b in self.peaks and a in other.peaks) for a, b in opposed)


def random_events(
    groups: Iterable[Sequence[int]], lowest_peak: float, opposed: Pairs, frames: int, rng: np.random.Generator
) -> list[Event]:
    """Draw events; one that clashes with an earlier one is dropped.

    Args:
        groups: The AUs of each event that is tried.
        lowest_peak: The least intensity at an apex.
        opposed: AUs that are not shown at the same time.
        frames: Length T of the stretch.
        rng: Source of randomness.
    """
    events: list[Event] = []
    for group in groups:
        event = Event.random(group, lowest_peak, frames, rng)
        if not any(event.clashes_with(other, opposed) for other in events):
            events.append(event)
    return events


def intensities_of(events: Sequence[Event], aus: Sequence[int], frames: int) -> np.ndarray:
    """The intensities that events add up to: float64 (T, N), from 0 (rest) to about 1, one column per AU."""
    intensities = np.zeros((frames, len(aus)))
    for event in events:
        course = event.course(frames)
        for au, peak in event.peaks.items():
            column = intensities[:, aus.index(au)]
            np.maximum(column, peak * course, out=column)
    return intensities


def labels_of(intensities: np.ndarray) -> np.ndarray:
    """Occurrence labels of intensities of any shape: uint8, 1 above `LABEL_THRESHOLD`, else 0."""
    return (intensities > LABEL_THRESHOLD).astype(np.uint8)


# AUs that faces tend to show together; an expression keeps those of them that the layout has.
PHOTO_EXPRESSIONS: tuple[tuple[int, ...], ...] = (
    (6, 12),
    (6, 12, 25),
    (6, 7, 10, 12),
    (12, 14),
    (1, 2),
    (1, 2, 25, 26),
    (25, 26),
    (1, 4, 15, 17),
    (4, 7),
    (4, 7, 23, 24),
    (4, 9, 10),
    (4, 9, 25),
    (15, 17, 24),
    (14, 17),
    (17, 23),
)

# AUs that pull the same skin in opposite directions: of two that cancel each other nothing would be left to see.
PHOTO_OPPOSED: Pairs = ((10, 24), (12, 15), (12, 23), (14, 23), (17, 26), (24, 25), (24, 26))

PHOTO_EVENTS_PER_FRAME = 0.07
"""At this rate an AU occurs in a quarter of the frames, roughly."""

PHOTO_SINGLES = 0.5
"""Fraction of events that are one AU alone, which keeps the AUs of an expression tellable apart."""

PHOTO_LOWEST_PEAK = 0.8


def random_intensities(aus: Sequence[int], frames: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a stretch of behaviour of the photographed face.

    Args:
        aus: AU numbers.
        frames: Length T.
        rng: Source of randomness.

    Returns:
        float64 (T, N), intensities from 0 (rest) to about 1.
    """
    groups = _photo_groups(aus, frames, rng)
    return intensities_of(random_events(groups, PHOTO_LOWEST_PEAK, PHOTO_OPPOSED, frames, rng), aus, frames)


def _photo_groups(aus: Sequence[int], frames: int, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    expressions = [kept for group in PHOTO_EXPRESSIONS if (kept := tuple(au for au in group if au in aus))]
    for _ in range(rng.poisson(PHOTO_EVENTS_PER_FRAME * (frames + LONGEST))):
        if rng.random() < PHOTO_SINGLES:
            yield (int(rng.choice(aus)),)
        else:
            yield expressions[int(rng.integers(len(expressions)))]


TWINS: Pairs = ((23, 24), (25, 26))
"""AUs that only motion can tell apart: the first of a pair trembles, the second holds still."""

# Which AUs one event holds → how often it is tried. They join regions: what the fringe hides, or is faint, has a plain
# partner elsewhere. The second of two twins is not listed: in half of the events it takes the place of the first. An
# expression belongs to the layouts that have all of its AUs.
RENDERED_EXPRESSIONS: Mapping[tuple[int, ...], float] = {
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

# AUs that undo each other. Twins are, in this respect, one AU.
RENDERED_OPPOSED: Pairs = ((12, 15), *TWINS)

RENDERED_EVENTS_PER_FRAME = 0.16

RENDERED_SINGLES = 0.12
"""Fraction of events that are one AU of an expression alone, so that no AU is the same thing as its partner."""

RENDERED_LOWEST_PEAK = 0.85

TREMBLE_PERIODS = (2, 3, 4)
"""Frames after which a tremble is where it was; it changes sides as evenly as the period allows."""

BLINKS_PER_FRAME = 0.012
BLINK_COURSE = (0.6, 1.0, 0.5)
"""Closure of the eyes in the frames of a blink."""


@dataclass(frozen=True, eq=False)
class Behaviour:
    """Behaviour of a rendered face over T frames.

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
    """Draw a stretch of behaviour of a rendered face.

    Args:
        layout: The AUs.
        frames: Length T.
        rng: Source of randomness.
    """
    aus = layout.aus
    opposed = (*RENDERED_OPPOSED, *((au, au) for au in aus))  # an AU has one course at a time
    events = random_events(_rendered_groups(layout, frames, rng), RENDERED_LOWEST_PEAK, opposed, frames, rng)
    trembling = {first for first, _ in TWINS}
    sway = np.ones((frames, len(aus)))
    for event in events:
        during = event.course(frames) > 0
        side = rng.choice((-1.0, 1.0))
        tremble = random_tremble(frames, rng)
        for au in event.peaks:
            sway[during, aus.index(au)] = tremble[during] if au in trembling else side
    return Behaviour(intensities_of(events, aus, frames), sway, _random_blinks(frames, rng))


def random_tremble(frames: int, rng: np.random.Generator) -> np.ndarray:
    """A tremble: float64 (frames,), −1 or 1 with equal chances in every single frame.

    The period, the phase and the side to start from are random, which makes the chances equal.
    """
    period = int(rng.choice(TREMBLE_PERIODS))
    time = np.arange(frames) + rng.integers(period)
    return np.where(time % period < period // 2, -1.0, 1.0) * rng.choice((-1.0, 1.0))


def expressions_of(layout: Layout) -> dict[tuple[int, ...], float]:
    """The expressions of a layout's rendered faces → their fractions of the events that are tried."""
    found = {group: weight for group, weight in RENDERED_EXPRESSIONS.items() if set(group) <= set(layout.aus)}
    total = sum(found.values())
    return {group: weight / total for group, weight in found.items()}


def _rendered_groups(layout: Layout, frames: int, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    weights = expressions_of(layout)
    expressions = list(weights)
    count = rng.poisson(RENDERED_EVENTS_PER_FRAME * (frames + LONGEST))
    for choice in rng.choice(len(expressions), size=count, p=list(weights.values())).tolist():
        group = expressions[choice]
        if rng.random() < RENDERED_SINGLES:
            group = (group[int(rng.integers(len(group)))],)
        # Both twins are drawn from here, so that the company they keep does not tell them apart either.
        swapped = dict(TWINS) if rng.random() < 0.5 else {}
        yield tuple(swapped.get(au, au) for au in group)


def _random_blinks(frames: int, rng: np.random.Generator) -> np.ndarray:
    blinks = np.zeros(frames + len(BLINK_COURSE))
    for start in np.flatnonzero(rng.random(frames) < BLINKS_PER_FRAME):
        blinks[start : start + len(BLINK_COURSE)] = BLINK_COURSE
    return blinks[:frames]
