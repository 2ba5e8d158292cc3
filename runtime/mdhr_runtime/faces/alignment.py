"""Faces in the model's geometry: their eyes and mouths are where the model saw them in training."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from ..errors import FramesError
from ..layout import CropGeometry
from .base import FoundFace


def align(image: np.ndarray, landmarks: np.ndarray, crop: CropGeometry) -> np.ndarray:
    """Cut out a face and bring it into the model's geometry.

    Where the crop reaches beyond the image, the image's border pixels are repeated: a black area would have a hard edge
    that moves with the head, and the model would read that edge's motion as the face's.

    Args:
        image: uint8 (H, W, 3).
        landmarks: (5, 2), (x, y) in pixels, in the order of `LandmarkRefiner`.
        crop: Where the eyes and the mouth belong.

    Returns:
        uint8 (S, S, 3) with S = `crop.input_size`, the colours in the image's order.
    """
    return cut_out(image, _anchors(landmarks), _template(crop), crop.input_size, crop.rotate)


def network_view(reference: np.ndarray, crop: CropGeometry) -> np.ndarray:
    """What the network sees of a reference crop.

    Smaller ones are made as the published implementation makes them: by Pillow, linearly over as many pixels as one
    pixel of the result covers.

    Args:
        reference: uint8 (R, R, 3) with R = `crop.reference_size`.
        crop: The model's geometry.

    Returns:
        uint8 (S, S, 3) with S = `crop.input_size`.
    """
    margin, side = crop.margin, crop.input_size
    seen = reference[margin : len(reference) - margin, margin : len(reference) - margin]
    if len(seen) == side:
        return seen
    return np.asarray(Image.fromarray(seen).resize((side, side), Image.Resampling.BILINEAR))


def cut_out(image: np.ndarray, points: np.ndarray, places: np.ndarray, side: int, rotate: bool = True) -> np.ndarray:
    """Cut a square out of an image, with points of the image at given places.

    Args:
        image: uint8 (H, W, 3).
        points: (N, 2), (x, y) in pixels of the image.
        places: Where they belong, (N, 2) in pixels of the square.
        side: Side of the square in pixels.
        rotate: Whether the image may be rotated for it.

    Returns:
        uint8 (side, side, 3).
    """
    image, to_square = _shrunk(image, similarity_transform(points, places, rotate))
    return cv2.warpAffine(image, to_square, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def similarity_transform(source: np.ndarray, target: np.ndarray, rotate: bool) -> np.ndarray:
    """Find the similarity transform, without reflection, that maps points onto others.

    With rotation it is the least-squares solution (Umeyama 1991). Without, the centres and the spreads are made equal:
    the least-squares scale would shrink as the head rolls, the ratio of the spreads does not depend on the roll.

    Args:
        source: Points (N, 2).
        target: Points (N, 2).
        rotate: Whether the transform may rotate.

    Returns:
        Matrix (2, 3) that maps (x, y, 1) of the source to the target.
    """
    centre, target_centre = source.mean(axis=0), target.mean(axis=0)
    # As complex numbers, a similarity is one multiplication: its modulus scales, its angle rotates.
    points, wanted = (np.array([1, 1j]) @ (p - c).T for p, c in ((source, centre), (target, target_centre)))
    spread = max((np.abs(points) ** 2).sum(), 1e-12)
    factor = (points.conj() @ wanted) / spread if rotate else np.sqrt((np.abs(wanted) ** 2).sum() / spread)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.hstack([linear, (target_centre - linear @ centre)[:, None]])


class AlignedImages:
    """A `FaceProvider` for images that are aligned faces already, all of one person.

    Args:
        crop: The model's geometry. Images have the size of its reference crop, or that of the network's input.

    Attributes:
        lying: As in `FaceProvider`; all faces are upright.
    """

    lying = ()

    def __init__(self, crop: CropGeometry) -> None:
        self._crop = crop
        self._continues = False

    def find(self, image: np.ndarray) -> list[FoundFace]:
        """Take the next image as a face."""
        height, width = image.shape[:2]
        sizes = (self._crop.reference_size, self._crop.input_size)
        if height != width or width not in sizes:
            raise FramesError(
                f"An image of {width}×{height} pixels is no aligned face.",
                f"Aligned faces have {' or '.join(f'{size}×{size}' for size in sizes)} pixels.",
                "Give images that were cropped for this model, or let the faces be found: --faces detect.",
            )
        inner = image if width == self._crop.input_size else network_view(image, self._crop)
        continues, self._continues = self._continues, True
        return [FoundFace(0, (0.0, 0.0, float(width), float(height)), 1.0, inner, continues)]

    def interrupt(self) -> None:
        """Learn that images are missing."""
        self._continues = False

    def shows_face(self, image: np.ndarray) -> bool:
        """Every image does."""
        return True


def _anchors(landmarks: np.ndarray) -> np.ndarray:
    """The eyes and the middle of the mouth (3, 2). The nose is left out: it moves most as the head turns."""
    left_eye, right_eye, _, mouth_left, mouth_right = landmarks.astype(float)
    return np.stack([left_eye, right_eye, (mouth_left + mouth_right) / 2])


def _template(crop: CropGeometry) -> np.ndarray:
    """Where `_anchors` belong, (3, 2) in pixels of the network's input."""
    places = np.array([crop.left_eye, crop.right_eye, crop.mouth]) * crop.reference_size - crop.margin
    return (places + 0.5) * crop.scale - 0.5  # it is the pixels' edges that grow from 0


def _shrunk(image: np.ndarray, to_crop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shrink an image whose faces are more than twice too large, averaging over areas.

    Interpolation alone would pick single pixels from a large face, and their noise would flicker from frame to frame.
    """
    factor = int(1 / np.hypot(*to_crop[:, 0]))
    if factor < 2:
        return image, to_crop
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(width // factor, 1), max(height // factor, 1)), interpolation=cv2.INTER_AREA)
    # A pixel of the small image covers `fx` × `fy` pixels: its centre lies half a pixel of either kind further.
    fx, fy = width / small.shape[1], height / small.shape[0]
    to_image = np.array([[fx, 0, (fx - 1) / 2], [0, fy, (fy - 1) / 2], [0, 0, 1]])
    return small, to_crop @ to_image
