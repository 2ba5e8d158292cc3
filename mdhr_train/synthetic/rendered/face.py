"""A rendered face: who it is, how far it is from rest, and what each action unit (AU) moves in it.

Lengths are in eye distances; the eyes lie at (±0.5, 0), y points down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mdhr_runtime.errors import ConfigError

from ..behaviour import Behaviour

# RGB from light to dark; an identity lies between two neighbours.
SKIN = np.array([(244, 208, 184), (226, 180, 148), (198, 146, 108), (156, 106, 74), (110, 72, 52)], np.float32)
HAIR = np.array([(28, 24, 24), (62, 42, 30), (104, 72, 44), (176, 138, 84), (150, 146, 142), (120, 58, 32)], np.float32)
IRIS = np.array([(70, 46, 30), (104, 74, 44), (88, 104, 72), (84, 112, 140), (110, 124, 134)], np.float32)


@dataclass(frozen=True, eq=False)
class Identity:
    """A person. Lengths are in eye distances; the eyes lie at (±0.5, 0), y points down."""

    head_width: float  # from the middle of the face to its side
    head_top: float  # height of the head above the eyes
    chin: float  # depth of the chin below the eyes
    jaw: float  # exponent of the lower face's superellipse: 2 is round, more is square
    hairline: float  # height of the hairline above the eyes
    eye_width: float  # half the width of an eye
    eye_height: float  # half the height of an open eye
    eye_tilt: float  # how much higher the outer corner of an eye lies than the inner one
    brow_y: float  # height of the brows above the eyes
    brow_arch: float  # how much higher their middle is
    brow_thickness: float  # their thickness
    nose_width: float  # half the width of the nose
    nose_y: float  # depth of its tip below the eyes
    mouth_y: float  # depth of the mouth
    mouth_width: float  # half the width of the mouth
    upper_lip: float  # thickness of the upper lip
    lower_lip: float  # thickness of the lower lip
    smile: float  # how much higher the corners of the mouth lie than its middle, at rest
    skin: np.ndarray  # float32 (3,), RGB
    hair: np.ndarray  # float32 (3,), RGB, also of the brows
    iris: np.ndarray  # float32 (3,), RGB
    lips: np.ndarray  # float32 (3,), RGB
    freckles: int  # number of freckles
    texture: int  # seed of the skin's texture


def random_identity(mouth_y: float, rng: np.random.Generator) -> Identity:
    """Draw a person.

    Args:
        mouth_y: Mean depth of the mouth below the eyes; the person's differs by some percent.
        rng: Source of randomness.
    """
    skin = _between(SKIN, rng)
    redness = np.array([0.92, 0.58, 0.58], np.float32) * rng.uniform(0.9, 1.05, 3).astype(np.float32)
    return Identity(
        head_width=rng.uniform(1.02, 1.18),
        head_top=rng.uniform(1.25, 1.45),
        chin=mouth_y + rng.uniform(0.52, 0.68),
        jaw=rng.uniform(2.0, 2.7),
        hairline=rng.uniform(0.72, 0.95),
        eye_width=rng.uniform(0.20, 0.245),
        eye_height=rng.uniform(0.075, 0.105),
        eye_tilt=rng.uniform(-0.02, 0.04),
        brow_y=rng.uniform(0.30, 0.37),
        brow_arch=rng.uniform(0.0, 0.06),
        brow_thickness=rng.uniform(0.05, 0.10),
        nose_width=rng.uniform(0.17, 0.26),
        nose_y=mouth_y * rng.uniform(0.56, 0.63),
        mouth_y=mouth_y * rng.uniform(0.97, 1.03),
        mouth_width=rng.uniform(0.36, 0.44),
        upper_lip=rng.uniform(0.06, 0.10),
        lower_lip=rng.uniform(0.09, 0.13),
        smile=rng.uniform(-0.015, 0.02),
        skin=skin,
        hair=HAIR[rng.integers(len(HAIR))] * rng.uniform(0.8, 1.1),
        iris=IRIS[rng.integers(len(IRIS))] * rng.uniform(0.9, 1.1),
        lips=skin * redness,
        freckles=int(rng.integers(0, 25)),
        texture=int(rng.integers(2**31)),
    )


def _between(palette: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour between two neighbours of a palette."""
    position = rng.uniform(0, len(palette) - 1)
    first = int(position)
    rest = np.float32(position - first)
    return palette[first] * (1 - rest) + palette[first + 1] * rest


class Controls(NamedTuple):
    """Distance of a face from rest in one frame; all 0 is the neutral face. Points go the same way on both sides."""

    brow_inner: float = 0.0  # the inner end of a brow rises
    brow_middle: float = 0.0  # its middle rises
    brow_outer: float = 0.0  # its outer end rises
    brow_in: float = 0.0  # the inner end moves towards the middle of the face
    forehead: float = 0.0  # depth of the lines in the middle of the forehead, 0 to 1
    temple: float = 0.0  # depth of the arcs above the brows' outer ends
    frown: float = 0.0  # depth of the lines between the brows
    upper_lid: float = 0.0  # the upper lid falls, as a fraction of the eye's height above its axis
    lower_lid: float = 0.0  # the lower lid rises, as a fraction of the eye's height below its axis
    cheek: float = 0.0  # the cheeks rise
    crow: float = 0.0  # depth of the lines beside the eyes
    bridge: float = 0.0  # depth of the lines across the nose
    wing: float = 0.0  # the wings of the nose rise
    fold: float = 0.0  # depth of the folds from nose to mouth
    wing_fold: float = 0.0  # depth of the short folds around the wings of the nose
    marionette: float = 0.0  # depth of the lines from the corners of the mouth down
    purse: float = 0.0  # depth of the short lines across the lips' borders
    upper_lip: float = 0.0  # the upper lip rises
    corner_out: float = 0.0  # the corners of the mouth move apart
    corner_up: float = 0.0  # they rise
    dimple: float = 0.0  # depth of the dimples beside them
    arch: float = 0.0  # the middle of the mouth rises
    chin: float = 0.0  # the chin rises, and its skin is pitted
    thin: float = 0.0  # the lips get thinner, as a fraction
    open: float = 0.0  # the lips part
    jaw: float = 0.0  # the jaw falls
    mouth_down: float = 0.0  # the whole mouth moves down


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
            "Add a row to ACTIONS in mdhr_train/synthetic/rendered/face.py.",
        )
    moves = behaviour.intensities @ np.array([ACTIONS[au] for au in aus])
    tremors = (behaviour.intensities * behaviour.sway) @ np.array([TREMOR.get(au, Controls()) for au in aus])
    blinks = behaviour.closing[:, None] * np.array(BLINK)
    return [Controls(*row) for row in (moves + tremors + blinks).tolist()]
