"""Association of the faces in a frame with known ones: by motion, and by appearance where faces meet or come back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Protocol

import numpy as np

from .appearance import blended, pattern, similarity, steadiness
from .base import View
from .boxes import ASTRAY, astray, clipped, overlaps, squared, whole

SAME_PLACE = 0.2  # overlap (over the union) of where a face should be and where it is found
SAME_HEAD = 0.35  # two faces whose centres are nearer, in sizes, are one
REACH, REACH_PER_FRAME, FARTHEST = 1.0, 0.1, 3.0  # how far a lost face may have come, in sizes
SAME_PERSON = 0.88  # similarity of histograms
STEADY = 0.87  # similarity of patterns in consecutive frames
NEARER = 1.25  # ratio of a face's sizes in consecutive frames
CLEARLY = 0.08  # difference of similarities that tells two people apart
STILL = 0.01  # sides by which the square that is looked at may be off and stay
STEP = 0.2  # part of the way that it otherwise goes to the box in a frame, besides moving as the face does
MOMENTUM, DRIFT = 0.5, 0.95  # fractions of a velocity that are kept when a face is seen, and when it is lost


@dataclass(eq=False)
class Observation:
    """A face as one frame shows it.

    Attributes:
        box: (4,), not confined to the image.
        score: The refiner's confidence in [0, 1].
        view: Its landmarks, pose and quality.
        centre: Mean of the landmarks (2,).
        roll: Of the landmarks, in degrees clockwise.
        crop: uint8 (S, S, 3).
        appearance: float32 (D,); see `colour_histogram`.
        pattern: float32 (D,), of the crop; see `pattern`.
        embedding: Whose face it is; see `mdhr_runtime.faces.identity`. None as long as nobody has asked.
    """

    box: np.ndarray
    score: float
    view: View
    centre: np.ndarray
    roll: float
    crop: np.ndarray
    appearance: np.ndarray
    pattern: np.ndarray
    embedding: np.ndarray | None = field(default=None, repr=False)


@dataclass(eq=False)
class Track:
    """A face over time.

    Attributes:
        face_id: Its number.
        box: Where it was last, or should be now (4,).
        place: The square (4,) of whole pixels to look for it in. It follows the box slowly, or those of a face that
            keeps still would jitter: landmarks depend a little on where was looked.
        appearance: What it has looked like; see `colour_histogram`.
        velocity: Pixels per frame (2,).
        missed: Frames since it was seen.
        observation: How the present frame shows it; None if it does not.
        continues: Whether the frame before shows it too.
        jumped: Whether its picture does not go on from the frame before; see `goes_on`.
        odds: That it lies, as it was last looked at in all directions; see `posture`.
        person: Number of the person whose face it is, or was when it was lost; None if nobody has recognised it.
        verified: Whether it was recognised since it appeared or reappeared.
        pattern: That of when its person was verified last; see `pattern`.
        meets: Whether its head overlaps another's.
        wait: Frames until it is recognised again, at the earliest.
        tries: Times that it was looked at in vain.
        beside: People whose faces were seen at the same time while it was not recognised.
    """

    face_id: int
    box: np.ndarray
    appearance: np.ndarray
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))
    missed: int = 0
    observation: Observation | None = None
    continues: bool = False
    jumped: bool = False
    odds: float = 1.0
    person: int | None = None
    verified: bool = False
    pattern: np.ndarray | None = None
    meets: bool = False
    wait: int = 0
    tries: int = 0
    beside: set[int] = field(default_factory=set)
    place: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.place = whole(self.box[None])[0]

    @property
    def size(self) -> float:
        """Longer side of the box in pixels."""
        return float(max(*(self.box[2:] - self.box[:2]), 1.0))

    @property
    def centre(self) -> np.ndarray:
        """Centre of the box (2,)."""
        return _centre(self.box)

    def predict(self) -> None:
        """Go to the next frame, where it should have moved on and has not been seen yet."""
        self.continues, self.jumped = self.observation is not None, False
        self.observation = None
        moved = np.tile(self.velocity, 2)
        self.box = self.box + moved
        place, box = self.place[None], self.box[None]
        off = astray(place, box)[0]
        if off > STILL:
            (self.place,) = whole(box if off > ASTRAY else place + moved + STEP * (squared(box) - place - moved))

    def lose(self) -> None:
        """Go on without having been seen in the present frame."""
        self.missed += 1
        self.velocity = self.velocity * DRIFT

    def follow(self, observation: Observation, others: Sequence[np.ndarray]) -> None:
        """Take over a place and looks from the present frame.

        Args:
            observation: What was seen of it.
            others: Boxes (4,) of all other tracks.
        """
        moved = _centre(observation.box) - (self.centre - self.velocity)
        self.velocity = MOMENTUM * self.velocity + (1 - MOMENTUM) * moved
        self.box, self.missed = observation.box, 0
        # Without overlap, the histogram is of this face only.
        if not others or overlaps(self.box[None], np.stack(others)).max() == 0:
            self.appearance = blended(self.appearance, observation.appearance)

    def reappear(self, observation: Observation) -> None:
        """Begin anew, at whatever place."""
        self.velocity = np.zeros(2)
        self.box, self.missed, self.observation, self.continues = observation.box, 0, observation, False
        self.verified, self.wait, self.tries = False, 0, 0
        self.place = whole(self.box[None])[0]

    def doubt(self) -> None:
        """Go on in a picture that may show somebody else: one look is enough to find that."""
        self.verified, self.wait, self.tries = False, 0, 1


class Identity(Protocol):
    """Says who is who among the faces of one source; `FaceTracker` keeps their tracks."""

    def check(self, image: np.ndarray, tracks: Sequence[Track]) -> None:
        """Take their observations away from tracks that have come to show somebody else.

        Args:
            image: The present frame, uint8 (H, W, 3), RGB.
            tracks: All tracks. They have followed their faces into this frame.
        """

    def match(self, image: np.ndarray, observation: Observation, lost: Sequence[Track]) -> Track | None:
        """Find the lost face that an observation in an image shows; None if it is none of them."""

    def recognise(self, image: np.ndarray, tracks: Sequence[Track]) -> None:
        """Give persons to the tracks that were found, or found again, in an image or not long before."""


class ColourIdentity:
    """An `Identity` by places and colours. It knows no persons."""

    def check(self, image: np.ndarray, tracks: Sequence[Track]) -> None:
        """Believe what is seen."""

    def match(self, image: np.ndarray, observation: Observation, lost: Sequence[Track]) -> Track | None:
        """See `best_match`."""
        return best_match(observation, lost)

    def recognise(self, image: np.ndarray, tracks: Sequence[Track]) -> None:
        """Recognise nobody."""


def is_same_face(track: Track, before: Observation, now: Observation) -> bool:
    """Whether a refined box still shows the face of a track, and neither another place nor, after a cut, a stranger."""
    if overlaps(now.box[None], track.box[None]).item() < SAME_PLACE:
        return False
    return bool(similarity(now.appearance, before.appearance) >= SAME_PERSON)


def goes_on(before: Observation, now: Observation, image_before: np.ndarray, image: np.ndarray) -> bool:
    """Whether the picture of a face goes on from one frame to the next, and is not cut.

    Either the crop or its place in the picture must stay steady: the one is not when a hand before the face moves the
    landmarks, the other when the camera is moved. Images of another size do not go on.

    Args:
        before: The face in the frame before.
        now: The face in the present frame.
        image_before: The frame before, uint8 (H, W, 3).
        image: The present frame, uint8 (H, W, 3).
    """
    size, size_before = (one.box[2:] - one.box[:2] for one in (now, before))
    if image.shape != image_before.shape or not 1 / NEARER < size.max() / max(size_before.max(), 1.0) < NEARER:
        return False
    if steadiness(before.pattern, now.pattern) >= STEADY:
        return True
    return steadiness(*(pattern(_inside(one, now.box)) for one in (image_before, image))) >= STEADY


def is_same_head(one: Observation, other: Observation) -> bool:
    """Whether two observations are of one head."""
    size = max(*(one.box[2:] - one.box[:2]), *(other.box[2:] - other.box[:2]))
    return bool(np.linalg.norm(one.centre - other.centre) < SAME_HEAD * size)


def separate(tracks: Iterable[Track]) -> None:
    """Where two tracks have come to see the same head, leave it to the one that it looks like, or was nearer to it."""
    for one, other in combinations(tracks, 2):
        first, second = one.observation, other.observation
        if first is None or second is None or not is_same_head(first, second):
            continue
        difference = similarity(first.appearance, one.appearance) - similarity(second.appearance, other.appearance)
        if abs(difference) < CLEARLY / 4:
            difference = np.linalg.norm(second.centre - other.centre) - np.linalg.norm(first.centre - one.centre)
        (other if difference >= 0 else one).observation = None


def resolve_identity_swaps(tracks: Iterable[Track]) -> None:
    """Exchange what neighbouring tracks see where it then looks clearly more like their faces."""
    for one, other in permutations(tracks, 2):
        first, second = one.observation, other.observation
        if first is None or np.linalg.norm(one.centre - other.centre) > 2 * max(one.size, other.size):
            continue
        gain = similarity(first.appearance, other.appearance - one.appearance)
        if second is not None:
            gain += similarity(second.appearance, one.appearance - other.appearance)
        if gain > CLEARLY:
            one.observation, other.observation = second, first
            for track in (one, other):
                track.continues = False
                track.doubt()


def best_match(observation: Observation, lost: Iterable[Track]) -> Track | None:
    """The lost face that an observation is most like, among those that can have come there; None if it is none."""

    def similar(track: Track) -> float:
        reach = min(REACH + REACH_PER_FRAME * track.missed, FARTHEST) * track.size
        near = np.linalg.norm(_centre(observation.box) - track.centre) <= reach
        return float(similarity(observation.appearance, track.appearance)) if near else 0.0

    best = max(lost, key=similar, default=None)
    return best if best is not None and similar(best) >= SAME_PERSON else None


def _inside(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The pixels of an image in the square around a box (4,), one at least."""
    x1, y1, x2, y2 = clipped(squared(box[None]), image.shape[1], image.shape[0])[0].astype(int)
    return image[y1 : y2 + 1, x1 : x2 + 1]


def _centre(box: np.ndarray) -> np.ndarray:
    return np.asarray((box[:2] + box[2:]) / 2)
