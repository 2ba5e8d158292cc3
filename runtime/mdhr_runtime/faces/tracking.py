"""Following faces from frame to frame.

Between detections a face is followed by the landmark refiner, which looks where the face should be now. With MTCNN, the
landmarks of real videos jitter less than those of the whole detector in every frame, in a sixth of its time. A face's
landmarks come from the refiner in every frame, also in those with detection: changing between two sources would make
steps, which the model reads as motion.
"""

from __future__ import annotations

import numpy as np

from ..defaults import DETECT_EVERY, MAX_GAP
from .appearance import colour_histogram, pattern
from .association import (
    ColourIdentity,
    Identity,
    Observation,
    Track,
    goes_on,
    is_same_face,
    is_same_head,
    resolve_identity_swaps,
    separate,
)
from .base import Aligner, FaceDetector, FoundFace, LandmarkRefiner, View
from .boxes import clipped, overlaps
from .pose import head_pose
from .quality import assess
from .roll import posture, roll

STILL_A_FACE = 0.6  # the refiner's score below which a followed face is lost
KNOWN = 0.5  # overlap (over the union) of a detection's box and a known face's from which on it is of the same head
LIES = 10.0  # product of the odds of two looks in all directions, one after the other, from which on a face lies
SURELY_UPRIGHT, STEEP, SURE = 0.3, 45.0, 0.9  # odds, degrees of roll and score at which a face needs no other look


class FaceTracker:
    """Finds the faces in consecutive images and numbers them; a `FaceProvider`.

    Args:
        detector: Finds new faces.
        refiner: Follows known ones.
        align: Cuts faces out.
        detect_every: Frames from one detection to the next. While a face is lost or none is known, every frame has one.
        max_gap: Frames that a face may be away and keep its number.
        identity: Says who is who in this source; colours, if nothing else is given.

    Attributes:
        lying: As in `FaceProvider`; between detections, what the last one found.
    """

    def __init__(
        self,
        detector: FaceDetector,
        refiner: LandmarkRefiner,
        align: Aligner,
        detect_every: int = DETECT_EVERY,
        max_gap: int = MAX_GAP,
        identity: Identity | None = None,
    ) -> None:
        self._detector, self._refiner, self._align = detector, refiner, align
        self._detect_every, self._max_gap = detect_every, max_gap
        self._identity = identity or ColourIdentity()
        self._tracks: list[Track] = []
        self._before = np.empty((0, 0, 3), np.uint8)
        self._next_id = 0
        self._since_detection = 0
        self._size: tuple[int, ...] = ()
        self.lying: tuple[int, ...] = ()

    def find(self, image: np.ndarray) -> list[FoundFace]:
        """Take the next image; see `FaceProvider`."""
        self._rescale(image.shape[:2])
        self._follow(image)
        self._since_detection += 1
        if self._since_detection >= self._detect_every or not self._tracks or any(t.missed for t in self._tracks):
            self._detect(image)
            self._since_detection = 0
        self._identity.recognise(image, self._tracks)
        self._before = image
        self._tracks = [track for track in self._tracks if track.missed <= self._max_gap]
        return [_found(track, track.observation, image) for track in self._tracks if track.observation is not None]

    def interrupt(self) -> None:
        """Learn that images are missing: every face is lost, and may be found again."""
        self.lying = ()
        for track in self._tracks:
            track.missed += 1
            track.observation = None

    def shows_face(self, image: np.ndarray) -> bool:
        """Whether an image shows an upright face; see `FaceProvider`."""
        found = self._observe(image, self._detector.detect(image))
        return any(one is not None and posture(self._refiner, image, one.box)[0] < 1 for one in found)

    def _rescale(self, size: tuple[int, ...]) -> None:
        """Carry the boxes over when the camera changes its resolution."""
        if self._size and size != self._size:
            factor = np.array(size[::-1]) / self._size[::-1]
            for track in self._tracks:
                track.box, track.velocity = track.box * np.tile(factor, 2), track.velocity * factor
        self._size = size

    def _follow(self, image: np.ndarray) -> None:
        """Look for the faces of the frame before where they should be now."""
        seen = [(track, track.observation) for track in self._tracks if track.observation is not None]
        for track in self._tracks:
            track.predict()
        observations = self._observe(image, np.array([track.place for track, _ in seen]))
        for (track, before), now in zip(seen, observations, strict=True):
            if now is None or not is_same_face(track, before, now):
                continue
            track.observation, track.jumped = now, not goes_on(before, now, self._before, image)
            if track.jumped:
                track.doubt()
        separate(self._tracks)
        resolve_identity_swaps(self._tracks)
        self._identity.check(image, self._tracks)
        self._lose_lying(image)
        for track in self._tracks:
            track.continues &= not track.jumped
            if track.observation is None:
                track.lose()
            else:
                track.follow(track.observation, [other.box for other in self._tracks if other is not track])

    def _lose_lying(self, image: np.ndarray) -> None:
        """Stop seeing the faces that have come to lie, or do so after all."""
        for track in self._tracks:
            seen = track.observation
            if seen is None or (track.odds <= SURELY_UPRIGHT and abs(seen.roll) <= STEEP and seen.score >= SURE):
                continue
            if self._look(image, track, seen):
                track.observation = None

    def _look(self, image: np.ndarray, track: Track, observation: Observation) -> int:
        """Look at a face in all directions; returns the rotation that would turn it upright, 0 if it does not lie."""
        odds, rotation = posture(self._refiner, image, observation.box)
        before, track.odds = track.odds, odds
        return rotation if odds > 1 and odds * before >= LIES else 0

    def _detect(self, image: np.ndarray) -> None:
        """Look for faces everywhere; what is not known is a lost face or a new one, unless it lies."""
        lying = []
        seen = [track.observation for track in self._tracks if track.observation is not None]
        boxes = self._detector.detect(image)
        if seen:  # a box that is that of a known face needs no look
            boxes = boxes[overlaps(boxes, np.stack([one.box for one in seen])).max(axis=1) < KNOWN]
        for observation in self._observe(image, boxes):
            if observation is None or any(is_same_head(observation, other) for other in seen):
                continue
            seen.append(observation)
            lost = [track for track in self._tracks if track.observation is None]
            known = self._identity.match(image, observation, lost)
            track = known or Track(self._next_id, observation.box, observation.appearance)
            if rotation := self._look(image, track, observation):
                lying.append(rotation)
                continue
            if known is None:
                self._next_id += 1
                self._tracks.append(track)
            track.reappear(observation)
        self.lying = tuple(lying)

    def _observe(self, image: np.ndarray, boxes: np.ndarray) -> list[Observation | None]:
        """The faces in boxes (N, 4); None where there is none."""
        if not len(boxes):
            return []
        observations: list[Observation | None] = []
        height, width = image.shape[:2]
        for box, score, landmarks in zip(*self._refiner.refine(image, boxes), strict=True):
            centre = landmarks.mean(axis=0)
            if score < STILL_A_FACE or not ((centre >= 0).all() and (centre < (width, height)).all()):
                observations.append(None)
                continue
            crop = self._align(image, landmarks)
            pose = head_pose(landmarks, (height, width))
            view = View(landmarks, pose, *assess((height, width), box, landmarks, float(score), pose, crop))
            looks = (crop, colour_histogram(crop), pattern(crop))
            observations.append(Observation(box, float(score), view, centre, roll(landmarks), *looks))
        return observations


def _found(track: Track, observation: Observation, image: np.ndarray) -> FoundFace:
    x1, y1, x2, y2 = clipped(observation.box[None], image.shape[1], image.shape[0])[0].tolist()
    person = track.person if track.verified else None
    return FoundFace(
        track.face_id,
        (x1, y1, x2, y2),
        observation.score,
        observation.crop,
        track.continues,
        person,
        observation.view,
    )
