"""Where AUs are on a face."""

from __future__ import annotations

from collections.abc import Mapping

from mdhr_runtime.layout import Layout

from ..model.facial_dynamics import GRID

PLACES: Mapping[int, tuple[float, float]] = {
    1: (-0.22, -0.26),
    2: (0.66, -0.28),
    4: (0.05, -0.13),
    5: (-0.52, -0.08),
    6: (-0.66, 0.40),
    7: (0.52, 0.16),
    9: (0.02, 0.36),
    10: (0.14, 0.74),
    12: (-0.46, 0.86),
    14: (0.56, 0.90),
    15: (-0.38, 1.16),
    17: (0.04, 1.40),
    20: (0.46, 1.14),
    23: (0.32, 1.08),
    24: (-0.04, 1.02),
    25: (0.04, 1.02),
    26: (0.04, 1.36),
}
"""Across in distances of the eyes from the middle of the face, to the image's right; down in parts of the way from the
eyes to the mouth. AUs that both sides of a face make stand on one of them, so that their neighbours have room."""


def places(layout: Layout) -> list[tuple[float, float]]:
    """Where the AUs of a layout are in the network's input: x and y in its sides, per AU.

    AUs without a known place stand side by side in the middle of their region.
    """
    crop = layout.crop
    margin = (crop.reference_size - crop.input_size) / 2
    (left, left_y), (right, right_y), (_, mouth_y) = (
        tuple((part * crop.reference_size - margin) / crop.input_size for part in point)
        for point in (crop.left_eye, crop.right_eye, crop.mouth)
    )
    middle, eyes = (left + right) / 2, (left_y + right_y) / 2
    unknown = [au for au in layout.aus if au not in PLACES]

    def place(au: int, region: int) -> tuple[float, float]:
        if au in PLACES:
            across, down = PLACES[au]
            return middle + across * (right - left), eyes + down * (mouth_y - eyes)
        return (unknown.index(au) + 1) / (len(unknown) + 1), sum(layout.regions[region].rows) / (2 * GRID)

    return [place(au, region) for au, region in zip(layout.aus, layout.region_of, strict=True)]
