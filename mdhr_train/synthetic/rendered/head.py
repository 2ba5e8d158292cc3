"""Everything of a rendered head that does not move by itself: skin, hair, ears, neck."""

from __future__ import annotations

import cv2
import numpy as np

from .identity import Identity
from .paint import AROUND, ellipse, fill, line
from .view import View

HEAD_DEPTH = -0.35
"""z of the head's outline: it lies behind the plane of the eyes."""

COARSE = 16
"""Side of the noise that becomes blotches on the skin."""


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
        gain -= 0.16 * _bump(grid, x, -0.04, 0.26, 0.17)
    gain += 0.08 * _bump(grid, 0, identity.nose_y * 0.5, 0.10, 0.35)
    picture = identity.skin * gain[..., None].astype(np.float32)
    picture[..., 0] += 14 * (_bump(grid, -0.62, 0.62, 0.25, 0.2) + _bump(grid, 0.62, 0.62, 0.25, 0.2))
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
    fill(image, view(*neck.T, HEAD_DEPTH - 0.3), (identity.skin * 0.72).tolist())
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


def _bump(grid: np.ndarray, x: float, y: float, width: float, height: float) -> np.ndarray:
    """A Gaussian of height 1 with standard deviations in eye distances: (H, W)."""
    return np.exp(-0.5 * np.square((grid - np.float32([x, y])) / np.float32([width, height])).sum(axis=-1))
