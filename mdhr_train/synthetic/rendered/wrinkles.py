"""Soft light and shadow on a rendered face: cheeks, folds, wrinkles, dimples."""

from __future__ import annotations

import cv2
import numpy as np

from .controls import Controls
from .features import MOUTH_DEPTH, NOSE_DEPTH, SIDES
from .identity import Identity
from .paint import NEUTRAL, U, ellipse, fill, line, shade
from .view import View

BROAD, FINE = 0.05, 0.014
"""Standard deviations of the blur of broad and of fine shadows, in eye distances."""

FAINT = 0.02
"""Depth of a fold that is not worth drawing."""


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
    share = (U + 1) / 2
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
            crease(side * (0.79 + 0.1 * share), 0.02 + slope * (0.5 + share), -0.05, controls.crow)
        fold_x = identity.nose_width + 0.05 + (corner_x + 0.08 - identity.nose_width) * share**1.3
        crease(
            side * fold_x, nose - 0.02 - controls.wing + (corner_y - nose) * share, MOUTH_DEPTH, controls.fold + 0.15
        )
        for gap in (0.05, 0.13):
            around = nose + 0.12 * U - controls.wing
            crease(side * (identity.nose_width + gap + 0.05 * share), around, MOUTH_DEPTH, controls.wing_fold)
        down = corner_y + 0.04 + 0.24 * share
        crease(side * (corner_x + 0.03 + 0.03 * share), down, MOUTH_DEPTH, controls.marionette)
        pit(side * (corner_x + 0.08), corner_y, 0.055, 0.1, controls.dimple)
        for x in (0.08, 0.2):
            for y in (-identity.upper_lip - 0.03, identity.lower_lip + 0.02):
                crease(side * (x + 0.015 * U), mouth + y + 0.04 * U, MOUTH_DEPTH, 0.7 * controls.purse)
        for x, y in ((0.07, -0.32), (0.17, -0.26), (0.06, -0.20), (0.15, -0.15)):
            pit(side * x, identity.chin + controls.jaw + y, 0.03, 0.026, controls.chin)


def _dark(depth: float) -> float:
    """Value of a shadow of a depth, 0 to 1."""
    return NEUTRAL * (1 - min(0.8 * depth, 0.9))
