"""MTCNN (Zhang et al. 2016): three small networks that find faces and five landmarks in each.

Thresholds, scales and the arithmetic of the boxes are those of the `mtcnn` package, whose weights the bundles carry.
Only the patches that the second and third network see are sampled better; see `patches`.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..backends import Graph
from ..contract import IMAGES, LANDMARKS, OFFSETS, SCORES
from .boxes import ASTRAY, astray, calibrated, clipped, pixel_sizes, suppress, whole

WINDOW, STRIDE = 12, 2  # of P-Net, in pixels of the scaled image
CELL = np.array([1, 1, WINDOW, WINDOW], np.float32)  # the box of P-Net's first window
SCALE_FACTOR = 0.709  # between neighbouring scales: half the area
PROPOSAL_SCORE, REFINED_SCORE, FINAL_SCORE = 0.6, 0.7, 0.8
OUTSIDE = (128, 128, 128)  # beyond the image's edges the networks see what their normalisation makes (nearly) zero


class Mtcnn:
    """A `FaceDetector`, and with its last network, O-Net, a `LandmarkRefiner`.

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

    def detect(self, image: np.ndarray) -> np.ndarray:
        """Find all faces; see `FaceDetector`."""
        boxes = self._propose(image)
        if len(boxes):
            boxes = self._reject(image, boxes)
        return self._accept(image, boxes) if len(boxes) else np.empty((0, 4))

    def refine(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Run O-Net where faces should be, and again where they are elsewhere; see `LandmarkRefiner`."""
        places = whole(boxes)
        found = self._run_onet(image, places)
        again = np.flatnonzero(astray(places, found[0]) > ASTRAY)
        if len(again):
            nearer = self._run_onet(image, whole(found[0][again]))
            for values, better in zip(found, nearer, strict=True):
                values[again] = better
        return found

    def _propose(self, image: np.ndarray) -> np.ndarray:
        """Run P-Net over the image at several scales; return squares (N, 4) of whole pixels."""
        factors = scales(image.shape[:2], self._min_face)
        if not factors:
            return np.empty((0, 4), np.float32)
        sheet, places = mosaic(image, factors)
        found = self._pnet({IMAGES: sheet[None]})
        per_scale = []
        for scale, (x, y, width, height) in zip(factors, places, strict=True):
            rows, columns = (
                slice(at // STRIDE, (at + size - WINDOW + 1) // STRIDE + 1) for at, size in ((y, height), (x, width))
            )
            per_scale.append(_proposals(found[SCORES][0, 0, rows, columns], found[OFFSETS][0, :, rows, columns], scale))
        boxes, scores = (np.concatenate(parts) for parts in zip(*per_scale, strict=True))
        return whole(boxes[suppress(boxes, scores, 0.7)])

    def _reject(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Run R-Net on proposals (N, 4); return squares (M, 4) of whole pixels that may be faces."""
        found = self._rnet({IMAGES: patches(image, boxes, 24)})
        scores = found[SCORES][:, 0]
        kept = scores > REFINED_SCORE
        boxes, scores = calibrated(boxes, found[OFFSETS])[kept], scores[kept]
        return whole(boxes[suppress(boxes, scores, 0.7)])

    def _accept(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Run O-Net on squares (N, 4) of whole pixels; return the boxes (M, 4) of faces."""
        boxes, scores, _ = self._run_onet(image, boxes)
        kept = np.flatnonzero(scores > FINAL_SCORE)
        kept = kept[suppress(boxes[kept], scores[kept], 0.7, relative_to="smaller")]
        return clipped(boxes[kept], image.shape[1], image.shape[0])

    def _run_onet(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Run O-Net on squares (N, 4) of whole pixels; returns what `refine` does."""
        found = self._onet({IMAGES: patches(image, boxes, 48)})
        in_box = found[LANDMARKS].reshape(-1, 2, 5).transpose(0, 2, 1)
        landmarks = boxes[:, None, :2] - 1 + in_box * pixel_sizes(boxes)[:, None]
        return calibrated(boxes, found[OFFSETS]), found[SCORES][:, 0], landmarks.astype(np.float32)


def _proposals(scores: np.ndarray, offsets: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N, 4) and scores (N,) in P-Net's outputs (H, W) and (4, H, W) for an image at one scale."""
    rows, columns = np.nonzero(scores > PROPOSAL_SCORE)
    cells = CELL + STRIDE * np.stack([columns, rows, columns, rows], axis=1).astype(np.float32)
    boxes = (cells + (WINDOW - 1) * offsets[:, rows, columns].T) / np.float32(scale)
    scores = scores[rows, columns]
    kept = suppress(boxes, scores, 0.5)
    return boxes[kept], scores[kept]


def mosaic(image: np.ndarray, factors: Sequence[float]) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Put the scaled versions of an image side by side into one, for P-Net to run once.

    Libraries that run graphs spend as much time again on sizes that change from run to run.

    Args:
        image: uint8 (H, W, 3).
        factors: Scales, the largest first.

    Returns:
        uint8 (H', W', 3), and of each its x, y, width and height there: x and y such that the windows are those that it
        has by itself, with a little grey behind it, as partial windows see.
    """
    sizes = [(int(image.shape[1] * scale), int(image.shape[0] * scale)) for scale in factors]
    first = cv2.resize(image, sizes[0], interpolation=cv2.INTER_AREA)
    places: list[tuple[int, ...]] = []
    columns: list[list[int]] = []  # of each, x and the row up to which it is filled
    right = 0
    for width, height in sizes:
        column = next((one for one in columns if one[1] + height <= sizes[0][1]), None)
        if column is None:
            column = [right, 0]
            columns.append(column)
            right += width // STRIDE * STRIDE + STRIDE
        places.append((*column, width, height))
        column[1] += height // STRIDE * STRIDE + STRIDE
    sheet = np.full((sizes[0][1], right, 3), OUTSIDE, np.uint8)
    for x, y, width, height in places:
        cv2.resize(first, (width, height), sheet[y : y + height, x : x + width], interpolation=cv2.INTER_AREA)
    return sheet, places


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


def patches(image: np.ndarray, squares: np.ndarray, side: int) -> np.ndarray:
    """Cut squares out of an image, all scaled to one size.

    A patch's pixel averages over the area that it stands for. Version 1.0 of the `mtcnn` package looks at single points
    instead: on real videos the landmarks of its larger faces then jitter twice as much from frame to frame, which the
    model would read as motion.

    Args:
        image: uint8 (H, W, 3).
        squares: Squares (N, 4) of whole pixels, as of `whole`; they may reach beyond the image.
        side: Side of the patches in pixels.

    Returns:
        uint8 (N, side, side, 3).
    """
    result = np.empty((len(squares), side, side, 3), np.uint8)
    origins, extents = np.round(squares[:, :2] - 0.5).astype(int), np.round(pixel_sizes(squares)[:, 0]).astype(int)
    for patch, (x, y), extent in zip(result, origins.tolist(), extents.tolist(), strict=True):
        part = image[max(y, 0) : max(y + extent, 0), max(x, 0) : max(x + extent, 0)]
        if part.shape[:2] != (extent, extent):
            inside, part = part, np.full((extent, extent, 3), OUTSIDE, np.uint8)
            top, left = max(-y, 0), max(-x, 0)
            part[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
        cv2.resize(part, (side, side), patch, interpolation=cv2.INTER_AREA)
    return result
