"""Who is rendered: the proportions and colours of a face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# RGB from light to dark; an identity lies between two neighbours.
SKIN = np.float32([(244, 208, 184), (226, 180, 148), (198, 146, 108), (156, 106, 74), (110, 72, 52)])
HAIR = np.float32([(28, 24, 24), (62, 42, 30), (104, 72, 44), (176, 138, 84), (150, 146, 142), (120, 58, 32)])
IRIS = np.float32([(70, 46, 30), (104, 74, 44), (88, 104, 72), (84, 112, 140), (110, 124, 134)])


@dataclass(frozen=True, eq=False)
class Identity:
    """A person. Lengths are in eye distances; the eyes lie at (±0.5, 0), y points down.

    Attributes:
        head_width: From the middle of the face to its side.
        head_top: Height of the head above the eyes.
        chin: Depth of the chin below the eyes.
        jaw: Exponent of the lower face's superellipse: 2 is round, more is square.
        hairline: Height of the hairline above the eyes.
        eye_width: Half the width of an eye.
        eye_height: Half the height of an open eye.
        eye_tilt: How much higher the outer corner of an eye lies than the inner one.
        brow_y: Height of the brows above the eyes.
        brow_arch: How much higher their middle is.
        brow_thickness: Their thickness.
        nose_width: Half the width of the nose.
        nose_y: Depth of its tip below the eyes.
        mouth_y: Depth of the mouth.
        mouth_width: Half the width of the mouth.
        upper_lip: Thickness of the upper lip.
        lower_lip: Thickness of the lower lip.
        smile: How much higher the corners of the mouth lie than its middle, at rest.
        skin: float32 (3,), RGB.
        hair: float32 (3,), RGB, also of the brows.
        iris: float32 (3,), RGB.
        lips: float32 (3,), RGB.
        freckles: Number of freckles.
        texture: Seed of the skin's texture.
    """

    head_width: float
    head_top: float
    chin: float
    jaw: float
    hairline: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    brow_y: float
    brow_arch: float
    brow_thickness: float
    nose_width: float
    nose_y: float
    mouth_y: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    smile: float
    skin: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    lips: np.ndarray
    freckles: int
    texture: int


def random_identity(mouth_y: float, rng: np.random.Generator) -> Identity:
    """Draw a person.

    Args:
        mouth_y: Mean depth of the mouth below the eyes; the person's differs by some percent.
        rng: Source of randomness.
    """
    skin = _between(SKIN, rng)
    redness = np.float32([0.92, 0.58, 0.58]) * rng.uniform(0.9, 1.05, 3).astype(np.float32)
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
    place = rng.uniform(0, len(palette) - 1)
    first = int(place)
    share = np.float32(place - first)
    return palette[first] * (1 - share) + palette[first + 1] * share
