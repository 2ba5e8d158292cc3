from dataclasses import replace

import numpy as np
import pytest

from mdhr_runtime.au_names import NAMES
from mdhr_runtime.layout import Region
from mdhr_train.datasets import BP4D, LAYOUTS
from mdhr_train.datasets.layouts import FACE, derive_layout
from mdhr_train.report.insights import NODE, PLACES, places

EVERYTHING = derive_layout("everything", [au for _, aus in FACE.values() for au in aus])


def test_every_au_has_a_region_a_name_and_a_place():
    aus = sorted(EVERYTHING.aus)
    assert len(aus) == 48
    assert sorted(PLACES) == aus
    assert sorted(NAMES) == sorted(EVERYTHING.au_names)
    assert len(set(NAMES.values())) == len(NAMES)
    assert {*NAMES} >= {name for layout in LAYOUTS.values() for name in layout.au_names}


@pytest.mark.parametrize("layout", [*LAYOUTS.values(), EVERYTHING], ids=[*LAYOUTS, "everything"])
def test_nodes_lie_on_the_face_and_apart(layout):
    spots = 224 * np.array(places(layout))
    assert (spots > NODE).all()
    assert (spots < 224 - NODE).all()
    distances = np.linalg.norm(spots[:, None] - spots, axis=2) + 1e3 * np.eye(len(spots))
    assert distances.min() > 2 * NODE


def test_brows_are_above_the_eyes_and_lips_at_the_mouth():
    where = dict(zip(BP4D.aus, places(BP4D), strict=True))
    eyes, mouth = ((part * 256 - 16) / 224 for part in (0.28, 0.70))
    assert where[1][1] < eyes < where[6][1] < where[10][1] < mouth < where[17][1]


def test_aus_without_a_known_place_stand_in_their_region():
    layout = replace(BP4D, aus=(1, 98, 99), regions=(Region("up", (1, 98), (0, 3)), Region("low", (99,), (4, 7))))
    _, first, second = places(layout)
    assert first == pytest.approx((1 / 3, 3 / 14))
    assert second == pytest.approx((2 / 3, 11 / 14))
