"""Who is who, by face embeddings: vectors that are alike for faces of one person.

Embeddings are biometric data. They are here and in the tracks of `FaceTracker`, in memory only, and end with the run:
nothing writes, sends or logs them.

How alike two faces are is the cosine of their embeddings. Of 16 people in videos and photos, the faces of one had
0.909 and more (99 % of pairs; the median was 0.95), those of two 0.916 and less (99 % of pairs; the median was 0.84);
where one pair of two people in a thousand is taken for one, 71 % of pairs of one person are found. With Euclidean
distances, for which dlib's network was trained, these are 67 %, with cosines after subtracting the mean embedding 52 %.
Two look-alikes reached 0.958: only that they are seen at the same time tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock

import numpy as np

from ..backends import Graph
from ..contract import EMBEDDINGS, IMAGES
from .alignment import cut_out
from .appearance import steadiness
from .association import Observation, Track, best_match
from .boxes import overlaps, squared

CHIP_SIDE = 150
CHIP_PLACES = np.array([[47.549, 46.599], [100.476, 46.599], [74.013, 76.562], [50.415, 103.023], [97.610, 103.023]])
"""Where landmarks belong in the embedder's input, in pixels: the means of the points of dlib's mean face."""

SAME, OTHER, SURE = 0.94, 0.905, 0.97
"""Likeness from which faces are one person's, below which they are not, and from which even two at a time are."""

CLEAR = 0.15
"""Quality of a view from which on it tells whose face it is. Of the same faces made smaller, blurred, dark or noisy,
or cut off, 2.8 % were less like their own than `OTHER`; of those that were as clear as this, 0.7 %."""

PERIOD, MEETING, RETRY = 90, 15, 3
"""Frames from one look at a face to the next: usually, while others overlap it, and while it is not recognised."""

HEAD = 1.3
"""Size of a head in those of its face's box: heads that overlap meet."""

CHANGED = 0.6
"""Similarity of a face's pattern to that of the last look below which it is looked at again: a cut may be soft."""

PATIENCE = 4
"""Looks at a face that is like somebody's, but not enough, until it counts as a new person's."""

MOST_LOOKS = 5
"""Embeddings computed for a frame, however many faces it shows."""

NEW_TEMPLATE, MOST_TEMPLATES, MOST_PEOPLE = 0.97, 8, 1000
"""A person's faces are kept that are less alike than this, the first and the newest, and those of the people who were
seen last."""


class Embedder:
    """Computes embeddings of faces. Safe to call from several threads.

    Args:
        graph: The bundle's graph of it.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def embed(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Compute the embedding of a face.

        Args:
            image: uint8 (H, W, 3), RGB.
            landmarks: Of the face, (5, 2); see `LandmarkRefiner`.

        Returns:
            float32 (128,), of unit length.
        """
        chip = cut_out(image, landmarks.astype(float), CHIP_PLACES, CHIP_SIDE)
        (embedding,) = self._graph({IMAGES: chip[None]})[EMBEDDINGS]
        return np.asarray(embedding / np.linalg.norm(embedding), np.float32)


class People:
    """The people who were seen in a run, by a few embeddings of each. Safe to use from several threads.

    Beyond `MOST_PEOPLE`, those are forgotten whom nobody has seen for longest; their numbers are not used again.
    """

    def __init__(self) -> None:
        self._templates: dict[int, np.ndarray] = {}  # the person who was seen last comes last
        self._next = 0
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"People({len(self._templates)} of {self._next})"

    def likeness(self, person: int, embedding: np.ndarray) -> float:
        """How alike a face is to those of a person, in [-1, 1]; -1 if the person is forgotten.

        Args:
            person: The person's number.
            embedding: The face's, float32 (128,), of unit length.
        """
        with self._lock:
            return self._likeness(person, embedding)

    def remember(self, person: int, embedding: np.ndarray) -> None:
        """Add a face to those of a person, if it shows anything new."""
        with self._lock:
            self._remember(person, embedding)

    def recognise(self, embedding: np.ndarray, beside: Iterable[int] = (), *, new_below: float = OTHER) -> int | None:
        """Find out whose face it is; somebody who is like nobody is a new person.

        Two faces of one person at a time, as in a mirror or in a call that shows somebody twice, are nearly the same
        picture. Those that are less alike count as two people: to split a person's results can be mended, to mix two
        people's cannot.

        Args:
            embedding: The face's, float32 (128,), of unit length.
            beside: The people whose faces were in the picture at the same time.
            new_below: Likeness to everybody below which it is a new person's; what is above it is left open.

        Returns:
            The person's number, or None if that is left open.
        """
        with self._lock:
            likeness = {person: self._likeness(person, embedding) for person in self._templates}
            wanted = dict.fromkeys(likeness, SAME) | dict.fromkeys(beside, SURE)
            known = [person for person in likeness if likeness[person] >= wanted[person]]
            if not known and max(likeness.values(), default=-1.0) >= new_below:
                return None
            person = max(known, key=likeness.__getitem__, default=self._next)
            self._next = max(self._next, person + 1)
            self._remember(person, embedding)
            return person

    def _likeness(self, person: int, embedding: np.ndarray) -> float:
        return float((self._templates[person] @ embedding).max()) if person in self._templates else -1.0

    def _remember(self, person: int, embedding: np.ndarray) -> None:
        likeness = self._likeness(person, embedding)
        templates = self._templates.pop(person, np.empty((0, len(embedding)), np.float32))
        if likeness < NEW_TEMPLATE:
            templates = np.vstack([templates[:1], templates[1:][-(MOST_TEMPLATES - 2) :], embedding])
        self._templates[person] = templates
        if len(self._templates) > MOST_PEOPLE:
            del self._templates[next(iter(self._templates))]


class EmbeddingIdentity:
    """An `Identity` by embeddings, and by places and colours where a face is not seen clearly.

    Args:
        embedder: Computes the embeddings.
        people: The people of the run, or of the source.
    """

    def __init__(self, embedder: Embedder, people: People) -> None:
        self._embedder, self._people = embedder, people
        self._looks = 0  # at faces of the present frame

    def check(self, image: np.ndarray, tracks: Sequence[Track]) -> None:
        """Look again at some of the people that are seen; see `Identity`."""
        self._looks = 0
        _schedule(tracks)
        for track in sorted(_seen(tracks), key=lambda track: track.wait):
            if track.person is None or track.wait > 0 or track.observation is None:
                continue
            embedding = self._embedding(image, track, track.observation)
            if embedding is None or self._may_be_of(track, track.observation, embedding):
                continue
            exchanged = [one for one in _seen(tracks) if self._likeness(one, embedding) >= SAME]
            if exchanged or track.tries > 1:  # one look alone may be wrong
                for lost in (track, *exchanged):
                    lost.observation = None

    def match(self, image: np.ndarray, observation: Observation, lost: Sequence[Track]) -> Track | None:
        """Find the lost face wherever it comes back, if it is clearly seen; see `Identity`."""
        embedding = self._look(image, observation) if lost else None
        if embedding is None:
            # If it is clear, there was no time: whoever is known must wait to be looked at.
            unclear = observation.view.quality < CLEAR
            return best_match(observation, [track for track in lost if unclear or track.person is None])
        likeness = {track: self._likeness(track, embedding) for track in lost}
        best = max(lost, key=likeness.__getitem__)
        if likeness[best] >= SAME:
            return best
        return best_match(observation, [track for track in lost if track.person is None or likeness[track] >= OTHER])

    def recognise(self, image: np.ndarray, tracks: Sequence[Track]) -> None:
        """Recognise who is clearly seen and was not recognised yet; see `Identity`."""
        for track in _seen(tracks):
            if track.verified or track.observation is None:
                continue
            track.beside |= {one.person for one in _seen(tracks) if one.verified and one.person is not None}
            embedding = self._embedding(image, track, track.observation) if track.wait <= 0 else None
            if embedding is None:
                continue
            if track.person is None:
                new_below = OTHER if track.tries < PATIENCE else SURE
                if track.tries < PATIENCE and _is_covered(track, tracks):
                    new_below = -1.0  # half of a face is like nobody's
                track.person = self._people.recognise(embedding, track.beside, new_below=new_below)
            if track.person is None:
                track.tries, track.wait = track.tries + 1, RETRY
            else:
                self._may_be_of(track, track.observation, embedding)

    def _may_be_of(self, track: Track, observation: Observation, embedding: np.ndarray) -> bool:
        """Whether a face may be of a track's person; if it surely is, or may be for long enough, it is verified."""
        likeness = self._likeness(track, embedding)
        if likeness >= SAME:
            track.verified, track.tries, track.wait, track.pattern = True, 0, PERIOD, observation.pattern
            if track.meets:
                track.jumped = False  # another face passes before it
            elif track.person is not None:
                self._people.remember(track.person, embedding)
        else:
            track.tries += 1
            track.verified |= likeness >= OTHER and track.tries >= PATIENCE
            track.wait = 0 if likeness < OTHER else RETRY if track.tries < PATIENCE else MEETING
        return likeness >= OTHER

    def _likeness(self, track: Track, embedding: np.ndarray) -> float:
        return -1.0 if track.person is None else self._people.likeness(track.person, embedding)

    def _embedding(self, image: np.ndarray, track: Track, observation: Observation) -> np.ndarray | None:
        """The embedding of what a track sees; without one, it is looked at later again."""
        embedding = self._look(image, observation)
        if embedding is None and not self._is_tired:
            track.wait = RETRY
        return embedding

    @property
    def _is_tired(self) -> bool:
        return self._looks >= MOST_LOOKS

    def _look(self, image: np.ndarray, observation: Observation) -> np.ndarray | None:
        """The embedding of a face that is clearly seen, unless enough others were looked at in this frame."""
        if observation.embedding is None and not self._is_tired and observation.view.quality >= CLEAR:
            self._looks += 1
            observation.embedding = self._embedder.embed(image, observation.view.landmarks)
        return observation.embedding


def _seen(tracks: Iterable[Track]) -> list[Track]:
    return [track for track in tracks if track.observation is not None]


def _is_covered(track: Track, tracks: Iterable[Track]) -> bool:
    """Whether another face may be before that of a track."""
    others = [one.box for one in _seen(tracks) if one is not track]
    return bool(others) and bool(overlaps(track.box[None], np.stack(others)).max() > 0)


def _has_changed(track: Track) -> bool:
    """Whether a face does not look as at the last look any more, if that said whose it was."""
    if track.observation is None or track.pattern is None or track.tries:
        return False
    return steadiness(track.observation.pattern, track.pattern) < CHANGED


def _schedule(tracks: Sequence[Track]) -> None:
    """Say when tracks are to be looked at: often while they meet others; at once when those part or hide."""
    if not tracks:
        return
    boxes = squared(np.stack([track.box for track in tracks]))
    reach = (HEAD - 1) / 2 * (boxes[:, 2:] - boxes[:, :2])
    heads = boxes + np.hstack([-reach, reach])
    hidden = np.array([track.observation is None and track.missed == 0 for track in tracks])
    there = hidden | np.array([track.observation is not None for track in tracks])
    meeting = (overlaps(heads, heads) > 0) & there & ~np.eye(len(tracks), dtype=bool)
    for track, others in zip(tracks, meeting, strict=True):
        meets = bool(others.any())
        due = MEETING if meets else PERIOD
        if (others & hidden).any() or (track.meets and not meets) or _has_changed(track):
            due = 0
        track.wait, track.meets = min(track.wait - 1, due), meets
