"""Events: the times in which an action unit occurs in a face, from its onset to its offset."""

from __future__ import annotations

from dataclasses import dataclass


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
