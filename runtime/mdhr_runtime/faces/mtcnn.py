"""MTCNN (Zhang et al. 2016): three small networks that find faces and five landmarks in each.

Thresholds, scales and the arithmetic of the boxes are those of the `mtcnn` package, whose weights the bundles carry.
Only the patches that the second and third network see are sampled better; see `patches`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..backends.base import Graph
from .boxes import calibrated, clipped, pixel_sizes, squared, suppress

WINDOW, STRIDE = 12, 2  # of P-Net, in pixels of the scaled image
CELL = np.array([1, 1, WINDOW, WINDOW], np.float32)  # the box that P-Net's first window stands for
SCALE_FACTOR = 0.709  # between neighbouring scales: half the area
PROPOSAL_SCORE, REFINED_SCORE, FINAL_SCORE = 0.6, 0.7, 0.8
MOST_SAMPLES = 4  # per pixel of a patch and direction: enough to average out a large face's texture
OUTSIDE = (128, 128, 128)  # beyond the image's edges the networks see what their normalisation makes (nearly) zero


@dataclass(frozen=True, eq=False)
class Face:
    """A face in an image.

    Attributes:
        box: (x1, y1, x2, y2) in pixels, within the image.
        score: The detector's confidence in [0, 1].
        landmarks: float32 (5, 2), (x, y) in pixels: left eye, right eye, nose, left and right corner of the mouth,
            left and right as seen in the image. They may lie outside the image.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: np.ndarray

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        x1, y1, x2, y2 = self.box
        return (x2 - x1) * (y2 - y1)


class FaceDetector:
    """Finds the faces in an image.

    Args:
        pnet: Proposal network.
        rnet: Refinement network.
        onet: Output network.
        min_face: Side in pixels of the smallest face to look for, at least 12; a little smaller ones may be found too.
            The first network's time, and with it most of the detector's, grows with 1 / min_face².
    """

    def __init__(self, pnet: Graph, rnet: Graph, onet: Graph, min_face: float) -> None:
        self._pnet, self._rnet, self._onet = pnet, rnet, onet
        self._min_face = min_face

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find the faces in an image.

        Args:
            image: uint8 (H, W, 3), RGB.

        Returns:
            The faces, the most certain first.
        """
        boxes = self._propose(image)
        if len(boxes):
            boxes = self._refine(image, boxes)
        return self._describe(image, boxes) if len(boxes) else []

    def _propose(self, image: np.ndarray) -> np.ndarray:
        """Run P-Net over the image at several scales; return square boxes (N, 4)."""
        per_scale = [self._propose_at(image, scale) for scale in scales(image.shape[:2], self._min_face)]
        if not per_scale:
            return np.empty((0, 4), np.float32)
        boxes, scores = (np.concatenate(parts) for parts in zip(*per_scale, strict=True))
        return squared(boxes[suppress(boxes, scores, 0.7)])

    def _propose_at(self, image: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        """Run P-Net at one scale; return boxes (N, 4) and scores (N,)."""
        height, width = image.shape[:2]
        scaled = cv2.resize(image, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_AREA)
        found = self._pnet({"images": scaled[None]})
        scores, offsets = found["scores"][0, 0], found["offsets"][0]
        rows, columns = np.nonzero(scores > PROPOSAL_SCORE)
        cells = CELL + STRIDE * np.stack([columns, rows, columns, rows], axis=1).astype(np.float32)
        boxes = (cells + (WINDOW - 1) * offsets[:, rows, columns].T) / np.float32(scale)
        scores = scores[rows, columns]
        kept = suppress(boxes, scores, 0.5)
        return boxes[kept], scores[kept]

    def _refine(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Run R-Net on proposals (N, 4); return square boxes (M, 4)."""
        found = self._rnet({"images": patches(image, boxes, 24)})
        scores = found["scores"][:, 0]
        kept = scores > REFINED_SCORE
        boxes, scores = calibrated(boxes, found["offsets"])[kept], scores[kept]
        return squared(boxes[suppress(boxes, scores, 0.7)])

    def _describe(self, image: np.ndarray, boxes: np.ndarray) -> list[Face]:
        """Run O-Net on refined boxes (N, 4)."""
        boxes, scores, landmarks = self.look(image, boxes)
        kept = np.flatnonzero(scores > FINAL_SCORE)
        kept = kept[suppress(boxes[kept], scores[kept], 0.7, relative_to="smaller")]
        boxes = clipped(boxes, image.shape[1], image.shape[0])
        return [Face(tuple(boxes[i].tolist()), float(scores[i]), landmarks[i]) for i in kept]

    def look(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Run O-Net alone, on places where faces should be: it says whether they are, and where exactly.

        Args:
            image: uint8 (H, W, 3), RGB.
            boxes: Square boxes (N, 4); they may reach beyond the image.

        Returns:
            Boxes (N, 4), not clipped; scores (N,) in [0, 1]; landmarks float32 (N, 5, 2), as those of a `Face`.
        """
        found = self._onet({"images": patches(image, boxes, 48)})
        in_box = found["landmarks"].reshape(-1, 2, 5).transpose(0, 2, 1)
        landmarks = boxes[:, None, :2] - 1 + in_box * pixel_sizes(boxes)[:, None]
        return calibrated(boxes, found["offsets"]), found["scores"][:, 0], landmarks.astype(np.float32)


def scales(size: tuple[int, int], min_face: float) -> list[float]:
    """Scales at which P-Net's window covers faces from `min_face` pixels up to the whole of an image.

    Args:
        size: Height and width of the image in pixels.
        min_face: Side of the smallest face in pixels.

    Returns:
        Factors, the largest first; none for an image smaller than the face.
    """
    found = []
    scale = WINDOW / min_face
    while min(size) * scale >= WINDOW:
        found.append(scale)
        scale *= SCALE_FACTOR
    return found


def patches(image: np.ndarray, boxes: np.ndarray, side: int) -> np.ndarray:
    """Cut squares out of an image, all scaled to one size.

    A patch's pixel averages over the area that it stands for. Version 1.0 of the `mtcnn` package looks at single points
    instead: on real videos the landmarks of its larger faces then jitter twice as much from frame to frame, which the
    model would read as motion.

    Args:
        image: uint8 (H, W, 3).
        boxes: Square boxes (N, 4); they may reach beyond the image.
        side: Side of the patches in pixels.

    Returns:
        uint8 (N, side, side, 3).
    """
    result = np.empty((len(boxes), side, side, 3), np.uint8)
    origins, extents = boxes[:, :2] - 1.0, pixel_sizes(boxes)[:, 0]  # what landmarks and offsets are measured in
    for patch, (x, y), extent in zip(result, origins.astype(float), extents.astype(float), strict=True):
        per_pixel = min(max(round(extent / side), 1), MOST_SAMPLES)
        fine = side * per_pixel
        step = extent / fine
        to_image = np.array([[step, 0, x + step / 2], [0, step, y + step / 2]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        samples = cv2.warpAffine(image, to_image, (fine, fine), None, flags, cv2.BORDER_CONSTANT, OUTSIDE)
        cv2.resize(samples, (side, side), patch, interpolation=cv2.INTER_AREA)
    return result
