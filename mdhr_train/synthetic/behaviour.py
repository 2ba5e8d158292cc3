"""When action units (AUs) happen: random expressions with onset, apex and offset, as intensities over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# AUs that faces tend to show together; an expression keeps those of them that the layout has.
EXPRESSIONS: tuple[tuple[int, ...], ...] = (
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

# AUs that pull the same skin in opposite directions. They do not happen at the same time here: of two that cancel
# each other nothing would be left to see.
OPPOSED: tuple[tuple[int, int], ...] = ((10, 24), (12, 15), (12, 23), (14, 23), (17, 26), (24, 25), (24, 26))

LABEL_THRESHOLD = 0.5
"""An AU counts as occurring while its intensity is above this."""

# Lengths in frames at 25 per second: lower bound, and upper bound that is not reached itself.
ONSET, APEX, OFFSET = (4, 9), (8, 25), (5, 11)
LONGEST = ONSET[1] + APEX[1] + OFFSET[1]

EVENTS_PER_FRAME = 0.07
"""How often something happens. At this rate an AU occurs in a quarter of the frames, roughly."""

SINGLE_SHARE = 0.5
"""Share of events that are one AU alone, which keeps the AUs of an expression tellable apart."""


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

    @property
    def end(self) -> int:
        """The first frame after the event."""
        return self.start + self.onset + self.apex + self.offset

    def course(self, frames: int) -> np.ndarray:
        """Share of the peak over time: float64 (frames,), rising and falling smoothly."""
        time = np.arange(frames) - self.start
        rise = np.clip(time / self.onset, 0, 1)
        fall = np.clip((time - self.onset - self.apex) / self.offset, 0, 1)
        ramp = rise - fall
        return ramp * ramp * (3 - 2 * ramp)

    def clashes_with(self, other: Event) -> bool:
        """Whether the two overlap in time and hold AUs that oppose each other."""
        if self.end <= other.start or other.end <= self.start:
            return False
        return any((a in self.peaks and b in other.peaks) or (b in self.peaks and a in other.peaks) for a, b in OPPOSED)


def random_intensities(aus: Sequence[int], frames: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a stretch of behaviour.

    Args:
        aus: AU numbers.
        frames: Length T.
        rng: Source of randomness.

    Returns:
        float64 (T, N), intensities from 0 (rest) to about 1.
    """
    choices = [kept for group in EXPRESSIONS if (kept := tuple(au for au in group if au in aus))]
    events: list[Event] = []
    for _ in range(rng.poisson(EVENTS_PER_FRAME * (frames + LONGEST))):
        event = _random_event(aus, choices, frames, rng)
        if not any(event.clashes_with(other) for other in events):
            events.append(event)

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


def _random_event(
    aus: Sequence[int], choices: Sequence[tuple[int, ...]], frames: int, rng: np.random.Generator
) -> Event:
    group = (rng.choice(aus),) if rng.random() < SINGLE_SHARE else choices[rng.integers(len(choices))]
    return Event(
        peaks={int(au): rng.uniform(0.8, 1.1) for au in group},
        # It may have begun before the first frame.
        start=int(rng.integers(-LONGEST, frames)),
        onset=int(rng.integers(*ONSET)),
        apex=int(rng.integers(*APEX)),
        offset=int(rng.integers(*OFFSET)),
    )
