"""Following faces from frame to frame.

Between detections a face is followed by MTCNN's last network, O-Net, which looks where the face should be now: it says
whether a face is there, and where its landmarks are. Looking twice, the second time at the box that the first found,
the landmarks of real videos jitter less than those of the whole detector in every frame, in a sixth of its time.
A face's landmarks come from there in every frame, also in those with detection: changing between two sources would
make steps, which the model reads as motion.

Who is who is told by motion, and by the colours of the crop where faces meet or come back: on real videos the
histograms of one person overlap by 0.98 at least, those of two people by 0.84 at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations

import cv2
import numpy as np

from ..layout import CropGeometry
from .alignment import align
from .boxes import clipped, overlaps, squared
from .finding import FoundFace
from .mtcnn import FaceDetector

DETECT_EVERY = 10
"""Default number of frames from one detection to the next: what a new face waits at most. Landmarks do not suffer."""

MAX_GAP = 30
"""Default number of frames that a face may be away and keep its number: about a second."""

STILL_A_FACE = 0.6  # O-Net's score below which a followed face is lost
SAME_PLACE = 0.3  # overlap (over the union) of where a face should be and where it is found
SAME_HEAD = 0.35  # two faces whose centres are nearer, in sizes, are one
REACH, REACH_PER_FRAME, FARTHEST = 1.0, 0.1, 3.0  # how far a lost face may have come, in sizes
SAME_PERSON = 0.88  # likeness of colours
CLEARLY = 0.08  # difference of likenesses that settles who is who
MEMORY, MOMENTUM, DRIFT = 0.95, 0.5, 0.95  # shares that are kept: of colours, velocities, and those of lost faces
COLOUR_SIDE, COLOUR_BINS = 56, 32


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face as it looks in one frame.

    Attributes:
        box: (4,), not clipped to the image.
        score: O-Net's confidence in [0, 1].
        landmarks: float32 (5, 2).
        crop: uint8 (S, S, 3).
        colours: float32 (3·`COLOUR_BINS`,), of unit length: products are likenesses in [0, 1].
    """

    box: np.ndarray
    score: float
    landmarks: np.ndarray
    crop: np.ndarray
    colours: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        """Mean of the landmarks (2,)."""
        return self.landmarks.mean(axis=0)


@dataclass(eq=False)
class Track:
    """A face over time.

    Attributes:
        face_id: Its number.
        box: Where it was last, or should be now (4,).
        colours: What it has looked like, of unit length.
        velocity: Pixels per frame (2,).
        missed: Frames since it was seen.
        sighting: How it looks in the present frame; None if it is not seen.
        continues: Whether the frame before shows it too.
    """

    face_id: int
    box: np.ndarray
    colours: np.ndarray
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))
    missed: int = 0
    sighting: Sighting | None = None
    continues: bool = False

    @property
    def size(self) -> float:
        """Longer side of the box in pixels."""
        return max(*(self.box[2:] - self.box[:2]), 1.0)

    @property
    def centre(self) -> np.ndarray:
        """Centre of the box (2,)."""
        return (self.box[:2] + self.box[2:]) / 2


class FaceTracker:
    """Finds the faces in consecutive images and numbers them.

    Args:
        detector: Finds new faces, and follows known ones.
        crop: How faces are to be cropped.
        detect_every: Frames from one detection to the next. While a face is lost or none is known, every frame has one.
        max_gap: Frames that a face may be away and keep its number.
    """

    def __init__(
        self, detector: FaceDetector, crop: CropGeometry, detect_every: int = DETECT_EVERY, max_gap: int = MAX_GAP
    ) -> None:
        self._detector, self._crop = detector, crop
        self._detect_every, self._max_gap = detect_every, max_gap
        self._tracks: list[Track] = []
        self._next_id = 0
        self._since_detection = 0
        self._size: tuple[int, ...] = ()

    def find(self, image: np.ndarray) -> list[FoundFace]:
        """Take the next image; see `FaceFinder`."""
        self._rescale(image.shape[:2])
        self._follow(image)
        self._since_detection += 1
        if self._since_detection >= self._detect_every or not self._tracks or any(t.missed for t in self._tracks):
            self._detect(image)
            self._since_detection = 0
        self._tracks = [track for track in self._tracks if track.missed <= self._max_gap]
        return [self._report(track, image) for track in self._tracks if track.sighting is not None]

    def interrupt(self) -> None:
        """Learn that images are missing: every face is lost, and may be found again."""
        for track in self._tracks:
            track.missed += 1
            track.sighting = None

    def _rescale(self, size: tuple[int, ...]) -> None:
        """Carry the boxes over when the camera changes its resolution."""
        if self._size and size != self._size:
            factor = np.array(size[::-1]) / self._size[::-1]
            for track in self._tracks:
                track.box, track.velocity = track.box * np.tile(factor, 2), track.velocity * factor
        self._size = size

    def _follow(self, image: np.ndarray) -> None:
        """Look for the faces of the frame before where they should be now."""
        seen = [track for track in self._tracks if track.sighting is not None]
        before = [track.sighting.colours for track in seen]
        for track in self._tracks:
            track.continues = track.sighting is not None
            track.sighting = None
            track.box = track.box + np.tile(track.velocity, 2)
        sightings = self._look(image, [track.box for track in seen])
        for track, sighting, colours in zip(seen, sightings, before, strict=True):
            if sighting is None or _overlap(sighting.box, track.box) < SAME_PLACE:
                continue
            if sighting.colours @ colours >= SAME_PERSON:  # else the film has cut to somebody else
                track.sighting = sighting
        _separate(seen)
        _settle_who_is_who(self._tracks)
        for track in self._tracks:
            if track.sighting is None:
                track.missed += 1
                track.velocity = track.velocity * DRIFT
            else:
                self._update(track, track.sighting)

    def _detect(self, image: np.ndarray) -> None:
        """Look for faces everywhere; what is not known is a lost face or a new one."""
        seen = [track.sighting for track in self._tracks if track.sighting is not None]
        boxes = [np.array(face.box) for face in self._detector.detect(image)]
        for sighting in self._look(image, boxes):
            if sighting is None or any(_same_head(sighting, other) for other in seen):
                continue
            seen.append(sighting)
            track = _best_match(sighting, (track for track in self._tracks if track.sighting is None))
            if track is None:
                track = Track(self._next_id, sighting.box, sighting.colours)
                self._next_id += 1
                self._tracks.append(track)
            track.velocity = np.zeros(2)
            track.box, track.missed, track.sighting, track.continues = sighting.box, 0, sighting, False

    def _look(self, image: np.ndarray, boxes: Sequence[np.ndarray]) -> list[Sighting | None]:
        """What is to be seen in boxes; None where there is no face."""
        if not boxes:
            return []
        near, _, _ = self._detector.look(image, squared(np.stack(boxes)))
        found, scores, landmarks = self._detector.look(image, squared(near))
        height, width = image.shape[:2]
        sightings: list[Sighting | None] = []
        for box, score, points in zip(found, scores, landmarks, strict=True):
            inside = (points.mean(axis=0) >= 0).all() and (points.mean(axis=0) < (width, height)).all()
            if score < STILL_A_FACE or not inside:
                sightings.append(None)
                continue
            crop = align(image, points, self._crop)
            sightings.append(Sighting(box, float(score), points, crop, colours_of(crop)))
        return sightings

    def _update(self, track: Track, sighting: Sighting) -> None:
        """Take a followed face's new place and looks."""
        moved = (sighting.box[:2] + sighting.box[2:]) / 2 - (track.centre - track.velocity)
        track.velocity = MOMENTUM * track.velocity + (1 - MOMENTUM) * moved
        track.box, track.missed = sighting.box, 0
        others = [other.box for other in self._tracks if other is not track]
        if not others or overlaps(track.box[None], np.stack(others)).max() == 0:  # nobody else's colours in the crop
            track.colours = _unit(MEMORY * track.colours + (1 - MEMORY) * sighting.colours)

    def _report(self, track: Track, image: np.ndarray) -> FoundFace:
        sighting = track.sighting
        box = clipped(sighting.box[None], image.shape[1], image.shape[0])[0]
        return FoundFace(track.face_id, tuple(box.tolist()), sighting.score, sighting.crop, track.continues)


def colours_of(crop: np.ndarray) -> np.ndarray:
    """Histograms of lightness and colour of a crop.

    Args:
        crop: uint8 (S, S, 3), RGB.

    Returns:
        float32 (3·`COLOUR_BINS`,), of unit length; the product of two is their Bhattacharyya coefficient.
    """
    small = cv2.resize(crop, (COLOUR_SIDE, COLOUR_SIDE), interpolation=cv2.INTER_NEAREST)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    counts = [cv2.calcHist([lab], [channel], None, [COLOUR_BINS], [0, 256]).ravel() for channel in range(3)]
    return _unit(np.sqrt(np.concatenate(counts)))


def _separate(tracks: Iterable[Track]) -> None:
    """Where two tracks have come to see the same head, leave it to the one that it looks like, or was nearer to it."""
    for one, other in combinations([track for track in tracks if track.sighting is not None], 2):
        if one.sighting is None or other.sighting is None or not _same_head(one.sighting, other.sighting):
            continue
        difference = one.sighting.colours @ one.colours - other.sighting.colours @ other.colours
        if abs(difference) < CLEARLY / 4:
            nearness = [-np.linalg.norm(track.sighting.centre - track.centre) for track in (one, other)]
            difference = nearness[0] - nearness[1]
        (other if difference >= 0 else one).sighting = None


def _settle_who_is_who(tracks: Sequence[Track]) -> None:
    """Exchange what neighbouring tracks see where it then looks clearly more like their faces."""
    for one, other in permutations(tracks, 2):
        if one.sighting is None or np.linalg.norm(one.centre - other.centre) > 2 * max(one.size, other.size):
            continue
        gain = one.sighting.colours @ (other.colours - one.colours)
        if other.sighting is not None:
            gain += other.sighting.colours @ (one.colours - other.colours)
        if gain > CLEARLY:
            one.sighting, other.sighting = other.sighting, one.sighting
            one.continues = other.continues = False


def _best_match(sighting: Sighting, lost: Iterable[Track]) -> Track | None:
    """The lost face that a sighting is most like, among those that can have come there."""

    def likeness(track: Track) -> float:
        reach = min(REACH + REACH_PER_FRAME * track.missed, FARTHEST) * track.size
        centre = (sighting.box[:2] + sighting.box[2:]) / 2
        near = np.linalg.norm(centre - track.centre) <= reach
        return float(sighting.colours @ track.colours) if near else 0.0

    best = max(lost, key=likeness, default=None)
    return best if best is not None and likeness(best) >= SAME_PERSON else None


def _same_head(one: Sighting, other: Sighting) -> bool:
    size = max(*(one.box[2:] - one.box[:2]), *(other.box[2:] - other.box[:2]))
    return bool(np.linalg.norm(one.centre - other.centre) < SAME_HEAD * size)


def _overlap(box: np.ndarray, other: np.ndarray) -> float:
    return float(overlaps(box[None], other[None]).item())


def _unit(vector: np.ndarray) -> np.ndarray:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
