"""The features of a rendered face: brows, eyes, nose, mouth, each drawn from the identity and the controls."""

from __future__ import annotations

import numpy as np

from .controls import Controls
from .identity import Identity
from .paint import U, band, ellipse, fill, line
from .view import View

BROW_ENDS = (0.20, 0.50, 0.84)
"""x of a brow's inner end, middle and outer end."""

BROW_DEPTH, NOSE_DEPTH, MOUTH_DEPTH = 0.08, 0.32, 0.12
"""z of the features: how far they stand out of the plane of the eyes."""

SIDES = (-1.0, 1.0)
"""The halves of the face, left and right as seen in the image."""

ROUND = 1 - U**2
"""From an end of a feature to the other: 0 at the ends, 1 in the middle."""


def draw_brows(image: np.ndarray, identity: Identity, view: View, controls: Controls) -> None:
    """Draw both brows onto uint8 (H, W, 3)."""
    inner, middle, outer = BROW_ENDS
    ends_x = np.array([inner - controls.brow_in, middle - controls.brow_in / 2, outer])
    raised = np.array([controls.brow_inner, identity.brow_arch + controls.brow_middle, controls.brow_outer])
    ends_y = -(identity.brow_y + raised)
    share = (U + 1) / 2
    # The parabola through the three points.
    weights = np.stack(((1 - share) * (1 - 2 * share), 4 * share * (1 - share), share * (2 * share - 1)))
    x, y = ends_x @ weights, ends_y @ weights
    thickness = identity.brow_thickness * (1 - 0.75 * share) * np.minimum(1, 8 * share + 0.5)
    for side in SIDES:
        upper, lower = view(side * x, y - thickness / 2, BROW_DEPTH), view(side * x, y + thickness / 2, BROW_DEPTH)
        fill(image, band(upper, lower), (identity.hair * 0.8).tolist())


def draw_eyes(image: np.ndarray, identity: Identity, view: View, controls: Controls) -> None:
    """Draw both eyes onto uint8 (H, W, 3)."""
    tall = identity.eye_height
    upper = -1.15 * tall * (1 - min(controls.upper_lid, 1.05)) * ROUND
    lower = 0.85 * tall * (1 - min(controls.lower_lid, 1.0)) * ROUND
    crease = -1.15 * tall * ROUND - 0.045 - 0.02 * ROUND
    skin, dark = identity.skin.tolist(), (identity.skin * 0.3).tolist()
    for side in SIDES:
        x = side * 0.5 + identity.eye_width * U
        tilt = -identity.eye_tilt * side * U
        up, down = view(x, upper + tilt), view(x, lower + tilt)
        socket_top, socket_low = view(x, crease + tilt), view(x, 0.95 * tall * ROUND + 0.03 + tilt)
        fill(image, band(up, down), (236, 234, 230))
        fill(image, view(*ellipse(side * 0.5, -0.1 * tall, 0.088, 0.088)), identity.iris.tolist())
        fill(image, view(*ellipse(side * 0.5, -0.1 * tall, 0.04, 0.04)), (18, 16, 16))
        fill(image, view(*ellipse(side * 0.5 + 0.03, -0.1 * tall - 0.03, 0.014, 0.014)), (250, 250, 250))
        # The lids lie over the eyeball.
        fill(image, band(socket_top, up), (identity.skin * 0.86).tolist())
        fill(image, band(down, socket_low), skin)
        line(image, socket_top, (identity.skin * 0.66).tolist(), view.unit / 70)
        line(image, up, dark, view.unit / 32)
        line(image, down, (identity.skin * 0.55).tolist(), view.unit / 80)


def draw_nose(image: np.ndarray, identity: Identity, view: View, controls: Controls) -> None:
    """Draw nostrils and wings of the nose onto uint8 (H, W, 3)."""
    y, wide = identity.nose_y - controls.wing, identity.nose_width
    dark = (identity.skin * 0.42).tolist()
    for side in SIDES:
        fill(image, view(*ellipse(side * wide * 0.45, y + 0.05, wide * 0.26, 0.028), NOSE_DEPTH * 0.8), dark)
        angle = np.linspace(-0.9, 1.3, 9)
        wing_x, wing_y = side * wide * (0.55 + 0.45 * np.cos(angle)), y + 0.085 * np.sin(angle)
        line(image, view(wing_x, wing_y, NOSE_DEPTH * 0.6), (identity.skin * 0.62).tolist(), view.unit / 45)


def draw_mouth(image: np.ndarray, identity: Identity, view: View, controls: Controls) -> None:
    """Draw the mouth onto uint8 (H, W, 3): its inside, teeth and lips."""
    x = (identity.mouth_width + controls.corner_out) * U
    bend = U**2
    middle = identity.mouth_y + controls.mouth_down - controls.arch
    corner = identity.mouth_y + controls.mouth_down - identity.smile - controls.corner_up + controls.open * 0.3
    seam = middle + (corner - middle) * bend
    gap = max(controls.open, 0.0)
    inner_top = seam - (controls.upper_lip * 0.45 + 0.1 * gap) * ROUND
    inner_low = seam + 0.9 * gap * ROUND
    thin = max(1 - controls.thin, 0.15)
    bow = np.exp(-((np.abs(U) - 0.25) ** 2) / 0.03) * 0.018  # the two peaks of the upper lip
    outer_top = inner_top - (identity.upper_lip * thin * ROUND**0.7) - bow * thin - controls.upper_lip * 0.55 * ROUND
    outer_low = inner_low + identity.lower_lip * thin * ROUND**0.6 - 0.2 * controls.arch * ROUND
    top, low = view(x, outer_top, MOUTH_DEPTH), view(x, outer_low, MOUTH_DEPTH)
    upper_seam, lower_seam = view(x, inner_top, MOUTH_DEPTH), view(x, inner_low, MOUTH_DEPTH)
    fill(image, band(top, upper_seam), (identity.lips * 0.9).tolist())
    fill(image, band(lower_seam, low), identity.lips.tolist())
    fill(image, band(upper_seam, lower_seam), (52, 22, 24))
    teeth = np.minimum(inner_low, inner_top + 0.07)
    fill(image, band(upper_seam, view(x, teeth, MOUTH_DEPTH))[3:-3], (226, 220, 208))
    line(image, lower_seam, (identity.lips * 0.45).tolist(), view.unit / 60)
    line(image, upper_seam, (identity.lips * 0.45).tolist(), view.unit / 60)
