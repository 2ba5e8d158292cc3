"""Poses of heads: of projected ones at known angles, of points that are no face, and of a photo."""

import numpy as np
import pytest

from mdhr_runtime.faces.pose import HEAD, SMILE, averted, head_pose

SIZES = {"4:3": (480, 640), "wide": (1080, 1920), "upright": (1920, 1080)}
FACE = np.array([[290, 150], [350, 150], [320, 185], [297, 217], [343, 217]], float)
POSES = [(0, 0, 0), (20, 0, 0), (-30, 0, 0), (0, 45, 0), (0, -45, 0), (0, 0, 40), (15, -30, 20), (-20, 40, -45)]


def rotation(pitch, yaw, roll):
    """R = Rx · Ry · Rz, as OpenFace has it."""
    (cx, sx), (cy, sy), (cz, sz) = ((np.cos(a), np.sin(a)) for a in (pitch, yaw, roll))
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return rx @ ry @ rz


def project(degrees, size, smile=0.0, place=(0.0, 0.0), eyes=60.0):
    """Landmarks of a head in OpenFace's camera; the place is given in halves of the image, from its middle."""
    height, width = size
    focal = 500 * (width / 640 + height / 480) / 2
    depth = focal * 63 / eyes
    at = np.array([place[0] * width / 2 / focal, place[1] * height / 2 / focal, 1]) * depth
    seen = (HEAD + smile * SMILE) @ rotation(*np.radians(degrees)).T + at
    return (seen[:, :2] / seen[:, 2:] * focal + (width / 2, height / 2)).astype(np.float32)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(("place", "within"), [((0, 0), 3), ((-0.8, 0.5), 6)], ids=["middle", "corner"])
def test_the_pose_of_a_projected_head_comes_back(size, place, within):
    for degrees in [
        (0, 0, 0),
        (20, 0, 0),
        (-30, 0, 0),
        (0, 45, 0),
        (0, -45, 0),
        (0, 0, 40),
        (15, -30, 20),
        (-20, 40, -45),
    ]:
        found = np.degrees(head_pose(project(degrees, size, place=place), size))
        # Perspective makes the mouth a little wider or narrower beside the eyes, which passes for a smile.
        np.testing.assert_allclose(found, degrees, atol=within)


@pytest.mark.parametrize(
    ("axis", "moves", "by"),
    [
        (0, slice(2, 3), (0, 8)),  # the nose goes down: looking down
        (1, slice(2, 3), (-8, 0)),  # the nose goes to the image's left: so does the face
        (2, slice(1, 2), (0, 8)),  # the eye on the right goes down: clockwise
    ],
    ids=["pitch", "yaw", "roll"],
)
def test_angles_are_signed_as_those_of_openface(axis, moves, by):
    size = (360, 640)
    face = FACE.copy()
    face[moves] += by
    assert head_pose(face, size)[axis] > head_pose(FACE, size)[axis] + np.radians(2)


def test_a_mirrored_face_is_turned_and_tilted_the_other_way():
    size = (360, 640)
    face = project((10, 25, 15), size, place=(0.3, 0.1))
    mirrored = np.c_[size[1] - face[:, 0], face[:, 1]]
    pitch, yaw, roll = head_pose(face, size)
    np.testing.assert_allclose(head_pose(mirrored[[1, 0, 2, 4, 3]], size), (pitch, -yaw, -roll), atol=1e-3)


@pytest.mark.parametrize("smile", [-0.5, 0.5, 1.0])
def test_a_smile_is_no_nod(smile):
    size = (360, 640)
    for degrees in [(0, 0, 0), (15, 0, 0), (-15, 20, 10)]:
        found = np.degrees(head_pose(project(degrees, size, smile), size))
        np.testing.assert_allclose(found, degrees, atol=4)


@pytest.mark.parametrize("eyes", [2, 6, 10, 40])
def test_faces_far_away_have_a_pose_too(eyes):
    size = (2160, 3840)
    found = np.degrees(head_pose(project((10, -25, 12), size, place=(0.5, 0.2), eyes=eyes), size))
    np.testing.assert_allclose(found, (10, -25, 12), atol=4)


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((5, 2)),
        np.full((5, 2), 100.0),
        np.full((5, 2), np.nan),
        np.c_[np.linspace(0, 100, 5), np.linspace(0, 50, 5)],
        np.c_[FACE[:, 0], np.full(5, 100.0)],
        np.c_[np.full(5, 100.0), FACE[:, 1]],
        np.vstack([np.full((2, 2), 100.0), FACE[2:]]),
        FACE * 1e8,
        FACE * 1e-8,
        FACE[[1, 0, 2, 4, 3]],
        FACE[::-1],
    ],
    ids=["origin", "point", "no numbers", "line", "flat", "narrow", "eyes", "huge", "tiny", "mirrored", "upside down"],
)
def test_points_that_are_no_face_have_some_pose(points):
    assert np.isfinite(head_pose(points.astype(np.float32), (360, 640))).all()


def test_a_face_that_looks_into_the_camera_from_a_corner_is_not_averted():
    size, place = (360, 640), (-0.9, 0.8)
    height, width = size
    focal = 500 * (width / 640 + height / 480) / 2
    x, y = place[0] * width / 2 / focal, place[1] * height / 2 / focal
    yaw = np.arctan(x / np.hypot(y, 1))
    pitch = -np.arctan(y)
    at_it = (pitch, yaw, 0.0)
    landmarks = project(np.degrees(at_it), size, place=place)
    assert averted(at_it, landmarks, size) < np.radians(5)  # the landmarks' centre is not the head's
    assert averted((0.0, 0.0, 0.0), landmarks, size) == pytest.approx(np.arccos(1 / np.sqrt(x**2 + y**2 + 1)), abs=0.05)


def test_in_the_middle_a_face_is_averted_by_its_angle():
    landmarks = FACE - FACE.mean(axis=0) + (320, 180)
    assert averted((0.0, 0.5, 0.3), landmarks, (360, 640)) == pytest.approx(0.5)
    assert averted((-0.4, 0.0, 0.0), landmarks, (360, 640)) == pytest.approx(0.4)


def test_the_photos_face_looks_into_the_camera(photo, detector):
    _, _, (landmarks,) = detector.refine(photo, detector.detect(photo)[:1])
    pose = head_pose(landmarks, photo.shape[:2])
    assert averted(pose, landmarks, photo.shape[:2]) < np.radians(15)
    assert np.abs(np.degrees(pose[1:])).max() < 10
