"""The pose of heads: how they are turned to the camera, from five landmarks.

Angles are named and signed as OpenFace's `pose_Rx`, `pose_Ry`, `pose_Rz`: with x to the right, y down and z away from
the camera, the head's rotation is R = Rx · Ry · Rz. Positive are: looking down, turning to the image's left (the
person's own right), and tilting clockwise in the image.
"""

from __future__ import annotations

from math import acos, cos, hypot, sin

import cv2
import numpy as np

Pose = tuple[float, float, float]
"""Pitch, yaw and roll in radians."""

HEAD = np.array([[-31.5, 0, 0], [31.5, 0, 0], [0, 36.7, -29.2], [-24.7, 70.1, -9.1], [24.7, 70.1, -9.1]])
"""The landmarks of a head that faces the camera with a closed mouth, (5, 3) in mm, in the order of `LandmarkRefiner`.

They are the points that MTCNN means, whose nose lies below the tip: triangulated from its landmarks in renderings of
two heads, a scanned one (Infinite-Realities' Lee Perry-Smith) and ICT-FaceKit's mean head with a photo, averaged and
made symmetric. The size, here the mean of adults, changes no angle.
"""
SMILE = np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0], [-7.1, -10.5, 9.1], [7.1, -10.5, 9.1]])
"""How a full smile moves them: ICT-FaceKit's `mouthSmile`. Fitted to a rigid mouth, it looks like a nod of 20°."""
MOST_SMILE = 2.0  # either way: a mouth that is pursed, or that dropped open, is narrower

FOCAL, WIDTH, HEIGHT = 500.0, 640, 480  # OpenFace's assumed camera: the focal length in pixels in an image of this size
LEAST_EXTENT = 0.005  # of a face, in focal lengths: at that distance, 8 m, its perspective is 0.4 % of its size


def head_pose(landmarks: np.ndarray, size: tuple[int, int]) -> Pose:
    """Find the rotation of the head that shows these landmarks.

    The camera is assumed to be OpenFace's, whose view is 65° wide in an image of 4:3. Of all rotations the one is taken
    whose landmarks fit best (SQPnP, Terzakis and Lourakis 2020); as the nose stands out, there is no second one.

    Args:
        landmarks: (5, 2), (x, y) in pixels, in the order of `LandmarkRefiner`.
        size: Height and width of the image in pixels.

    Returns:
        Pitch, yaw and roll in radians. Landmarks that coincide, or are no numbers, tell no pose: zeros.
    """
    focal = _focal(size)
    camera = np.array([[focal, 0, size[1] / 2], [0, focal, size[0] / 2], [0, 0, 1]])
    try:
        _, rotation, _ = cv2.solvePnP(_head(landmarks), _near(landmarks, focal), camera, None, flags=cv2.SOLVEPNP_SQPNP)
        r = cv2.Rodrigues(rotation)[0]
    except cv2.error:
        return 0.0, 0.0, 0.0
    pitch, roll = np.arctan2([-r[1, 2], -r[0, 1]], [r[2, 2], r[0, 0]])
    return float(pitch), float(np.arcsin(np.clip(r[0, 2], -1, 1))), float(roll)


def averted(pose: Pose, landmarks: np.ndarray, size: tuple[int, int]) -> float:
    """The angle in radians between where a face (see `head_pose`) points and where the camera is.

    The camera looks at an angle at what is not in the middle of the image.
    """
    pitch, yaw, _ = pose
    x, y = ((landmarks.mean(axis=0) - (size[1] / 2, size[0] / 2)) / _focal(size)).tolist()
    along = sin(yaw) * x + (cos(pitch) - sin(pitch) * y) * cos(yaw)
    return acos(min(max(along / hypot(x, y, 1), -1.0), 1.0))


def _focal(size: tuple[int, int]) -> float:
    return FOCAL * (size[1] / WIDTH + size[0] / HEIGHT) / 2


def _head(landmarks: np.ndarray) -> np.ndarray:
    """The head (5, 3) whose mouth is as wide as this one, in eyes' distances: turning makes both shorter alike."""
    left_eye, right_eye, _, mouth_left, mouth_right = landmarks.astype(float)
    mouth = np.hypot(*(mouth_right - mouth_left)) / max(np.hypot(*(right_eye - left_eye)), 1e-9)
    smile = (mouth * HEAD[1, 0] - HEAD[4, 0]) / SMILE[4, 0]
    return np.asarray(HEAD + np.clip(smile, -MOST_SMILE, MOST_SMILE) * SMILE)


def _near(landmarks: np.ndarray, focal: float) -> np.ndarray:
    """The landmarks (5, 2) of a face that is near enough: the solver refuses those that are far away."""
    centre = landmarks.mean(axis=0, dtype=float)
    offsets = landmarks - centre
    extent = np.sqrt((offsets**2).sum() / len(offsets)) / focal
    return np.asarray(centre + offsets * max(LEAST_EXTENT / max(extent, 1e-9), 1.0))
