"""Events: the times in which an action unit occurs in a face, from its onset to its offset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .results import FrameResult, Row

LONGEST_FRAME = 1.0
"""Seconds for which a frame stands at most: whatever happens in a longer time to the next one, nobody has seen."""
EXACT = 1e-6
"""Seconds by which times may be off that are compared: they are sums of numbers with rounded ends."""


@dataclass(frozen=True)
class AuEvent:
    """An action unit's occurrence in one face without a break.

    Attributes:
        source: Name of the video, camera or folder.
        face_id: Number of the face in it.
        person: Number of the person, or None if nobody was recognised.
        au: Name of the action unit.
        onset: Time in seconds of its first frame.
        apex: Time of the frame with the highest score.
        offset: Time at which its last frame is over.
        peak: The highest score.
        mean: The mean score.
    """

    source: str
    face_id: int
    person: int | None
    au: str
    onset: float
    apex: float
    offset: float
    peak: float
    mean: float

    @property
    def duration(self) -> float:
        """In seconds."""
        return self.offset - self.onset


@dataclass(frozen=True)
class EventRule:
    """When an event begins and ends. Two thresholds, so that a score that trembles at one does not make many events.

    Attributes:
        onset: Score from which on an event begins.
        offset: Score from which on it lasts.
        shortest: Seconds that it must last; shorter ones are passed over.

    Raises:
        ValueError: The thresholds are not in order within [0, 1], or the shortest time is negative or not finite.
    """

    onset: float = 0.5
    offset: float = 0.4
    shortest: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.offset <= self.onset <= 1:
            raise ValueError(
                f"an event cannot begin at a score of {self.onset:g} and last from {self.offset:g} on: the first must "
                "be at least the second, and both within 0 and 1"
            )
        if not 0 <= self.shortest < float("inf"):
            raise ValueError(f"the shortest event cannot have {self.shortest:g} s")


PLAIN_RULE = EventRule()


class FrameTimes:
    """How long the frames of one source last: each to the time of the next, which tells it.

    The last one before a gap lasts as long as the one before it, as does the last of all; none over a second.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._lasting: float | None = None  # the newest time from a frame to the one that follows it

    def next(self, result: FrameResult) -> tuple[float, bool]:
        """Take the next final result.

        Returns:
            The time at which the frame before is over, and whether this one follows it without a gap.
        """
        before, self._last = self._last, result.timestamp
        if before is None:
            return result.timestamp, False
        step = result.timestamp - before
        follows = result.follows and step <= LONGEST_FRAME + EXACT
        if follows or self._lasting is None:
            self._lasting = min(step, LONGEST_FRAME)
        return before + min(step, self._lasting), follows

    def end(self) -> float:
        """The time at which the last frame is over; that of its beginning if it is the only one."""
        return (self._last or 0.0) + (self._lasting or 0.0)


class AuEvents:
    """Finds the events in the results of any number of sources; needs the same memory however long they last.

    An event begins with the first frame whose score is at least `rule.onset`, and lasts as long as scores are at least
    `rule.offset`. It ends also where the face is not seen or has no scores, and where frames are missing or over a
    second apart.

    Args:
        aus: Names of the AUs in the order of the scores.
        rule: When events begin and end.
    """

    def __init__(self, aus: Sequence[str], rule: EventRule) -> None:
        self._aus, self._rule = tuple(aus), rule
        self._sources: dict[str, _Source] = {}

    def add(self, result: FrameResult) -> list[AuEvent]:
        """Take the next result: final ones in the order of their source's frames; others are passed over.

        Returns:
            The events that are over with it.
        """
        if not result.final:
            return []
        source = self._sources.setdefault(result.source, _Source())
        over, follows = source.times.next(result)
        before, source.faces, ended = source.faces, {}, list[_Going]()
        for row in result.rows:
            if row.face_id is not None and row.scores is not None:
                going = before.pop(row.face_id, {}) if follows else {}
                ended += self._go_on(going, row.face_id, row, row.scores.tolist())
                source.faces[row.face_id] = going
        ended += (event for going in before.values() for event in going.values())
        return self._long_enough(ended, over)

    def end(self) -> list[AuEvent]:
        """The events that still go on, as no more results come."""
        sources, self._sources = self._sources, {}
        return [
            event
            for source in sources.values()
            for going in source.faces.values()
            for event in self._long_enough(going.values(), source.times.end())
        ]

    def _go_on(self, going: dict[int, _Going], face_id: int, row: Row, scores: Sequence[float]) -> Iterator[_Going]:
        """Let the events of a face begin, last and end with its next scores; gives those that have ended."""
        for index, score in enumerate(scores):
            event = going.get(index)
            if event is None:
                if score >= self._rule.onset:
                    going[index] = _Going(self._aus[index], face_id, row, score)
            elif score >= self._rule.offset:
                event.add(row, score)
            else:
                yield going.pop(index)

    def _long_enough(self, ended: Iterable[_Going], over: float) -> list[AuEvent]:
        events = [each.event(over) for each in ended]
        return [event for event in events if event.duration >= self._rule.shortest - EXACT]


class _Source:
    """What is known of a source: its times, and the events that go on by face and index of the AU."""

    def __init__(self) -> None:
        self.times = FrameTimes()
        self.faces: dict[int, dict[int, _Going]] = {}


class _Going:
    """An event that goes on."""

    __slots__ = ("_apex", "_au", "_face_id", "_frames", "_last", "_onset", "_peak", "_total")

    def __init__(self, au: str, face_id: int, row: Row, score: float) -> None:
        self._au, self._face_id, self._onset = au, face_id, row.timestamp
        self._peak, self._total, self._frames = -1.0, 0.0, 0
        self.add(row, score)

    def add(self, row: Row, score: float) -> None:
        self._last = row
        self._total += score
        self._frames += 1
        if score > self._peak:
            self._peak, self._apex = score, row.timestamp

    def event(self, over: float) -> AuEvent:
        """The whole event, which is over at some time."""
        return AuEvent(
            source=self._last.source,
            face_id=self._face_id,
            person=self._last.person,
            au=self._au,
            onset=self._onset,
            apex=self._apex,
            offset=over,
            peak=self._peak,
            mean=self._total / self._frames,
        )
