"""The parts of a rendered face, each drawn from the identity and the controls.

What does not move by itself (skin, hair, ears, neck), the features (brows, eyes, nose, mouth), and the soft light and
shadow of cheeks, folds, wrinkles and dimples.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..smooth import bump
from .canvas import AROUND, NEUTRAL, U, View, band, ellipse, fill, line, shade
from .face import Controls, Identity

HEAD_DEPTH = -0.35
"""z of the head's outline: it lies behind the plane of the eyes."""

COARSE = 16
"""Side of the noise that becomes blotches on the skin."""

BROW_ENDS = (0.20, 0.50, 0.84)
"""x of a brow's inner end, middle and outer end."""

BROW_DEPTH, NOSE_DEPTH, MOUTH_DEPTH = 0.08, 0.32, 0.12
"""z of the features: how far they stand out of the plane of the eyes."""

SIDES = (-1.0, 1.0)
"""The halves of the face, left and right as seen in the image."""

ROUND = 1 - U**2
"""From an end of a feature to the other: 0 at the ends, 1 in the middle."""

BROAD, FINE = 0.05, 0.014
"""Standard deviations of the blur of broad and of fine shadows, in eye distances."""

FAINT = 0.02
"""Depth of a fold that is not worth drawing."""


def skin_texture(identity: Identity, view: View, light: np.ndarray, side: int) -> np.ndarray:
    """Paint the skin of a face as a picture in the plane of the eyes.

    Args:
        identity: The person.
        view: The straight view, in which it is painted.
        light: float (2,), by how much the light grows across the face, to the right and down.
        side: Side of the picture in pixels.

    Returns:
        uint8 (side, side, 3), RGB.
    """
    rng = np.random.default_rng(identity.texture)
    grid = (np.indices((side, side), np.float32)[::-1].transpose(1, 2, 0) - view.origin) / view.unit
    blotches = cv2.resize(
        rng.standard_normal((COARSE, COARSE), np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )
    grain = rng.standard_normal((side, side), np.float32)
    gain = 1 + 0.035 * blotches + 0.02 * grain + grid @ light
    gain -= 0.25 * np.clip(np.abs(grid[..., 0]) / identity.head_width - 0.55, 0, None) ** 1.5  # the head is round
    for x in (-0.5, 0.5):  # the eyes lie in sockets
        gain -= 0.16 * bump(grid, x, -0.04, 0.26, 0.17)
    gain += 0.08 * bump(grid, 0, identity.nose_y * 0.5, 0.10, 0.35)
    picture = identity.skin * gain[..., None].astype(np.float32)
    picture[..., 0] += 14 * (bump(grid, -0.62, 0.62, 0.25, 0.2) + bump(grid, 0.62, 0.62, 0.25, 0.2))
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    for x, y in rng.normal(0, 1, (identity.freckles, 2)) * (0.6, 0.25) + (0, 0.45):
        fill(picture, view(*ellipse(x, y, 0.014, 0.012)), (identity.skin * 0.75).tolist())
    return picture


def draw_behind(image: np.ndarray, identity: Identity, view: View) -> None:
    """Draw neck, ears and the hair behind the head onto uint8 (H, W, 3)."""
    wide = identity.head_width
    hair = view(*ellipse(0, 0.05, wide * 1.16, identity.head_top * 1.12), HEAD_DEPTH - 0.3)
    fill(image, hair, (identity.hair * 0.8).tolist())
    neck = np.array([(-0.62, 0.9), (0.62, 0.9), (0.72, 3.0), (-0.72, 3.0)])
    fill(image, view(neck[:, 0], neck[:, 1], HEAD_DEPTH - 0.3), (identity.skin * 0.72).tolist())
    for x in (-wide, wide):
        fill(image, view(*ellipse(x, 0.28, 0.15, 0.33), HEAD_DEPTH), (identity.skin * 0.85).tolist())


def outline(identity: Identity, view: View, jaw: float) -> np.ndarray:
    """The outline of the face in pixels, (n, 2): half an ellipse above the eyes, half a superellipse below.

    Args:
        identity: The person.
        view: How the face is seen.
        jaw: How far the jaw has fallen, in eye distances.
    """
    cosine, sine = np.cos(AROUND), np.sin(AROUND)
    below = sine > 0
    power = np.where(below, 2 / identity.jaw, 1.0)
    x = identity.head_width * np.sign(cosine) * np.abs(cosine) ** power
    height = np.where(below, identity.chin + jaw - 0.1, identity.head_top)
    y = 0.1 + height * np.sign(sine) * np.abs(sine) ** power
    # The chin lies nearer to the camera than the temples.
    return view(x, y, HEAD_DEPTH * (1 - np.clip(sine, 0, 1) ** 2))


def draw_hair(image: np.ndarray, identity: Identity, view: View, fringe: float | None) -> None:
    """Draw the hair above the forehead.

    Args:
        image: uint8 (H, W, 3), drawn on.
        identity: The person.
        view: How the face is seen.
        fringe: How high above the eyes a fringe ends that hides the brows, in eye distances, or None without one.
    """
    wide = identity.head_width
    low = identity.hairline if fringe is None else fringe
    # Without a fringe the hairline is an arch; a fringe hangs nearly straight.
    side_y = 0.25 * low if fringe is None else fringe - 0.05
    x = np.linspace(-wide * 1.02, wide * 1.02, 15)
    edge = -(low + (side_y - low) * (x / wide) ** 4)
    top = np.full_like(x, -identity.head_top * 1.3)
    depth = HEAD_DEPTH * (x / wide) ** 2 + 0.05
    edge_points = view(x, edge, depth)
    fill(image, np.concatenate((edge_points, view(x, top, depth)[::-1])), identity.hair.tolist())
    strands = np.random.default_rng(identity.texture)
    for _ in range(14):
        at, drift, tone = strands.uniform(-0.95, 0.95), strands.uniform(-0.06, 0.06), strands.uniform(0.7, 1.45)
        bottom = np.interp(at * wide, x, edge)
        strand = view(np.array([at * wide + drift, at * wide]), np.array([-identity.head_top, bottom - 0.02]), 0.05)
        line(image, strand, np.clip(identity.hair * tone, 0, 255).tolist(), view.unit / 60)


def draw_brows(image: np.ndarray, identity: Identity, view: View, controls: Controls) -> None:
    """Draw both brows onto uint8 (H, W, 3)."""
    inner, middle, outer = BROW_ENDS
    ends_x = np.array([inner - controls.brow_in, middle - controls.brow_in / 2, outer])
    raised = np.array([controls.brow_inner, identity.brow_arch + controls.brow_middle, controls.brow_outer])
    ends_y = -(identity.brow_y + raised)
    along = (U + 1) / 2
    # The parabola through the three points.
    weights = np.stack(((1 - along) * (1 - 2 * along), 4 * along * (1 - along), along * (2 * along - 1)))
    x, y = ends_x @ weights, ends_y @ weights
    thickness = identity.brow_thickness * (1 - 0.75 * along) * np.minimum(1, 8 * along + 0.5)
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


def draw_folds(image: np.ndarray, identity: Identity, view: View, controls: Controls) -> None:
    """Darken and brighten the skin of uint8 (H, W, 3) where the controls raise or fold it."""
    broad, fine = np.full((2, *image.shape[:2]), NEUTRAL, np.uint8)
    _broad(broad, identity, view, controls)
    _fine(fine, identity, view, controls)
    # Broad shadows need no more than half the resolution.
    small = cv2.resize(broad, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), BROAD * view.unit / 2)
    shade(image, cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    shade(image, cv2.GaussianBlur(fine, (0, 0), FINE * view.unit))


def _broad(image: np.ndarray, identity: Identity, view: View, controls: Controls) -> None:
    nose, mouth = identity.nose_y, identity.mouth_y + controls.mouth_down
    for side in SIDES:
        cheek_y = 0.55 * nose - 2 * controls.cheek
        fill(image, view(*ellipse(side * 0.62, cheek_y + 0.12, 0.22, 0.13)), NEUTRAL + 6 + 160 * controls.cheek)
        bridge = np.array([(0.05, 0.0), (0.13, 0.0), (identity.nose_width, nose), (0.12, nose)])
        fill(image, view(side * bridge[:, 0], bridge[:, 1], NOSE_DEPTH / 2), NEUTRAL - 16)
    fill(image, view(*ellipse(0, nose - 0.03, 0.09, 0.07), NOSE_DEPTH), NEUTRAL + 16)
    below = mouth + controls.open + identity.lower_lip + 0.08 - 0.6 * controls.arch
    fill(image, view(*ellipse(0, below, 0.22, 0.05), MOUTH_DEPTH), NEUTRAL - 22 - 25 * controls.chin)
    chin = identity.chin - 0.22 - 0.1 * controls.chin + controls.jaw
    fill(image, view(*ellipse(0, chin, 0.2, 0.12), MOUTH_DEPTH), NEUTRAL + 8 + 22 * controls.chin)


def _fine(image: np.ndarray, identity: Identity, view: View, controls: Controls) -> None:
    def crease(x: np.ndarray, y: np.ndarray, z: float, depth: float) -> None:
        if depth > FAINT:
            line(image, view(x, y, z), _dark(depth), view.unit / 15)

    def pit(x: float, y: float, width: float, height: float, depth: float) -> None:
        if depth > FAINT:
            fill(image, view(*ellipse(x, y, width, height), MOUTH_DEPTH), _dark(depth))

    nose, mouth = identity.nose_y, identity.mouth_y + controls.mouth_down
    corner_x = identity.mouth_width + controls.corner_out
    corner_y = mouth - identity.smile - controls.corner_up
    along = (U + 1) / 2
    for height in (0.13, 0.22, 0.31):
        crease(
            0.34 * U, -(identity.brow_y + height + 0.08 * controls.brow_inner) + 0.03 * U**2, 0.05, controls.forehead
        )
    for height in (0.18, 0.32):
        crease(0.13 * U, nose * height + 0.02 * U**2, NOSE_DEPTH / 2, controls.bridge)
    for side in SIDES:
        for height in (0.24, 0.32):
            crease(side * (0.72 + 0.2 * U), -(identity.brow_y + height) + 0.09 * U**2, 0.0, controls.temple)
        crease(side * (0.06 + 0.01 * U), -0.22 + 0.13 * U, 0.1, controls.frown)
        for slope in (-0.08, 0.0, 0.08):
            crease(side * (0.79 + 0.1 * along), 0.02 + slope * (0.5 + along), -0.05, controls.crow)
        fold_x = identity.nose_width + 0.05 + (corner_x + 0.08 - identity.nose_width) * along**1.3
        crease(
            side * fold_x, nose - 0.02 - controls.wing + (corner_y - nose) * along, MOUTH_DEPTH, controls.fold + 0.15
        )
        for gap in (0.05, 0.13):
            around = nose + 0.12 * U - controls.wing
            crease(side * (identity.nose_width + gap + 0.05 * along), around, MOUTH_DEPTH, controls.wing_fold)
        down = corner_y + 0.04 + 0.24 * along
        crease(side * (corner_x + 0.03 + 0.03 * along), down, MOUTH_DEPTH, controls.marionette)
        pit(side * (corner_x + 0.08), corner_y, 0.055, 0.1, controls.dimple)
        for x in (0.08, 0.2):
            for y in (-identity.upper_lip - 0.03, identity.lower_lip + 0.02):
                crease(side * (x + 0.015 * U), mouth + y + 0.04 * U, MOUTH_DEPTH, 0.7 * controls.purse)
        for x, y in ((0.07, -0.32), (0.17, -0.26), (0.06, -0.20), (0.15, -0.15)):
            pit(side * x, identity.chin + controls.jaw + y, 0.03, 0.026, controls.chin)


def _dark(depth: float) -> float:
    """Value of a shadow of a depth, 0 to 1."""
    return NEUTRAL * (1 - min(0.8 * depth, 0.9))
