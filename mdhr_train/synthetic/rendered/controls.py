"""What each action unit (AU) moves in a rendered face, one row per AU.

Lengths are in eye distances, at intensity 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mdhr_runtime.errors import ConfigError

from .behaviour import Behaviour


class Controls(NamedTuple):
    """How far a face is from rest in one frame; all 0 is the neutral face. Points go the same way on both sides.

    Attributes:
        brow_inner: The inner end of a brow rises.
        brow_middle: Its middle rises.
        brow_outer: Its outer end rises.
        brow_in: The inner end moves towards the middle of the face.
        forehead: Depth of the lines in the middle of the forehead, 0 to 1.
        temple: Depth of the arcs above the brows' outer ends.
        frown: Depth of the lines between the brows.
        upper_lid: The upper lid falls, as a share of the eye's height above its axis.
        lower_lid: The lower lid rises, as a share of the eye's height below its axis.
        cheek: The cheeks rise.
        crow: Depth of the lines beside the eyes.
        bridge: Depth of the lines across the nose.
        wing: The wings of the nose rise.
        fold: Depth of the folds from nose to mouth.
        wing_fold: Depth of the short folds around the wings of the nose.
        marionette: Depth of the lines from the corners of the mouth down.
        purse: Depth of the short lines across the lips' borders.
        upper_lip: The upper lip rises.
        corner_out: The corners of the mouth move apart.
        corner_up: They rise.
        dimple: Depth of the dimples beside them.
        arch: The middle of the mouth rises.
        chin: The chin rises, and its skin is pitted.
        thin: The lips get thinner, as a share.
        open: The lips part.
        jaw: The jaw falls.
        mouth_down: The whole mouth moves down.
    """

    brow_inner: float = 0.0
    brow_middle: float = 0.0
    brow_outer: float = 0.0
    brow_in: float = 0.0
    forehead: float = 0.0
    temple: float = 0.0
    frown: float = 0.0
    upper_lid: float = 0.0
    lower_lid: float = 0.0
    cheek: float = 0.0
    crow: float = 0.0
    bridge: float = 0.0
    wing: float = 0.0
    fold: float = 0.0
    wing_fold: float = 0.0
    marionette: float = 0.0
    purse: float = 0.0
    upper_lip: float = 0.0
    corner_out: float = 0.0
    corner_up: float = 0.0
    dimple: float = 0.0
    arch: float = 0.0
    chin: float = 0.0
    thin: float = 0.0
    open: float = 0.0
    jaw: float = 0.0
    mouth_down: float = 0.0


TIGHT = Controls(thin=0.55, corner_out=-0.12, purse=1.0)
DROPPED = Controls(open=0.22, jaw=0.20)

# Twins have one row in common: in a single frame they are the same.
ACTIONS: Mapping[int, Controls] = {
    1: Controls(brow_inner=0.18, brow_middle=0.05, forehead=1.0),
    2: Controls(brow_outer=0.18, brow_middle=0.09, temple=1.0),
    4: Controls(brow_inner=-0.12, brow_middle=-0.08, brow_in=0.09, frown=1.0),
    6: Controls(cheek=0.06, crow=0.55, lower_lid=0.2),
    7: Controls(upper_lid=0.45, lower_lid=0.65),
    9: Controls(bridge=1.0, wing=0.08, wing_fold=0.4, brow_inner=-0.03),
    10: Controls(upper_lip=0.12, wing=0.05, wing_fold=1.0),
    12: Controls(corner_out=0.11, corner_up=0.15, fold=0.9),
    14: Controls(dimple=1.0, corner_out=0.06),
    15: Controls(corner_up=-0.15, corner_out=0.02, marionette=1.0),
    17: Controls(chin=1.0, arch=0.10),
    23: TIGHT,
    24: TIGHT,
    25: DROPPED,
    26: DROPPED,
}

# What a twin does on either side of its mean position.
TREMOR: Mapping[int, Controls] = {
    23: Controls(mouth_down=0.03),
    24: Controls(mouth_down=0.03),
    25: Controls(open=0.035, jaw=0.02),
    26: Controls(open=0.035, jaw=0.02),
}

BLINK = Controls(upper_lid=1.0, lower_lid=0.8)


def controls_over_time(aus: Sequence[int], behaviour: Behaviour) -> list[Controls]:
    """Translate behaviour into controls, one per frame.

    Args:
        aus: AU numbers, one per column of the behaviour.
        behaviour: What the face does.

    Raises:
        ConfigError: An AU has no row in `ACTIONS`.
    """
    unknown = [au for au in aus if au not in ACTIONS]
    if unknown:
        raise ConfigError(
            f"A rendered face cannot make AU {', '.join(map(str, unknown))}.",
            f"The table of actions holds {', '.join(map(str, ACTIONS))}.",
            "Add a row to ACTIONS in mdhr_train/synthetic/rendered/controls.py.",
        )
    moves = behaviour.intensities @ np.array([ACTIONS[au] for au in aus])
    tremors = (behaviour.intensities * behaviour.sway) @ np.array([TREMOR.get(au, Controls()) for au in aus])
    blinks = behaviour.closing[:, None] * np.array(BLINK)
    return [Controls(*row) for row in (moves + tremors + blinks).tolist()]
