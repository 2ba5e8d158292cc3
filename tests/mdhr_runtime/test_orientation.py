"""Stored pictures are made upright as Pillow does it, and as a display matrix says."""

import io
from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageOps

from mdhr_runtime.orientation import matrix_orientation, turned, upright

STORED = np.arange(12, dtype=np.uint8).reshape(3, 4)
ORIENTATION_TAG = 0x112


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_those_of_exif(orientation):
    image = Image.fromarray(STORED)
    exif = image.getexif()
    exif[ORIENTATION_TAG] = orientation
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    assert np.array_equal(upright(STORED, orientation), ImageOps.exif_transpose(Image.open(file)))


@pytest.mark.parametrize("orientation", [0, 9, -1])
def test_numbers_of_no_orientation_change_nothing(orientation):
    assert np.array_equal(upright(STORED, orientation), STORED)


@pytest.mark.parametrize(
    "matrix",
    [
        (a, b, c, d)
        for a, b, c, d in product((-1, 0, 1), repeat=4)
        if abs(a) + abs(b) == abs(c) + abs(d) == abs(a * d - b * c) == 1
    ],
)
def test_a_display_matrix_says_where_stored_points_are_shown(matrix):
    a, b, c, d = matrix
    shown = {(a * x + c * y, b * x + d * y): STORED[y, x] for y, x in np.ndindex(STORED.shape)}
    columns, rows = (sorted({point[axis] for point in shown}) for axis in (0, 1))
    expected = [[shown[x, y] for x in columns] for y in rows]
    assert np.array_equal(upright(STORED, matrix_orientation((a, b, 0, c, d))), expected)


def test_a_crooked_matrix_counts_as_the_nearest():
    cosine, sine = np.cos(np.radians(80)), np.sin(np.radians(80))
    assert matrix_orientation((cosine, sine, 0, -sine, cosine)) == matrix_orientation((0, 1, 0, -1, 0))


@pytest.mark.parametrize(("degrees", "orientation"), [(0, 1), (90, 6), (180, 3), (270, 8)])
def test_degrees_are_clockwise(degrees, orientation):
    assert np.array_equal(turned(STORED, degrees), upright(STORED, orientation))
