"""The effects of each action unit (AU) on the photographed face, one row per AU.

An AU pushes the skin at some points of the face in some direction and darkens or brightens it at others. Lengths are
in units of the distance between the eyes. A point that both sides of the face have is written once: on each side a
positive `dx` points away from the middle of the face; `dy` points down. The points' names are those of `FacePhoto`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Push:
    """Skin around a point moves by (dx, dy); the falloff has standard deviations (sx, sy). Unit: eye distance."""

    point: str
    dx: float
    dy: float
    sx: float
    sy: float


@dataclass(frozen=True)
class Shade:
    """Light around a point, moved by (dx, dy), is multiplied by exp(gain · SKIN_TINT); falloff as for `Push`."""

    point: str
    gain: float
    sx: float
    sy: float
    dx: float = 0.0
    dy: float = 0.0


@dataclass(frozen=True)
class Action:
    """The effects of one AU at full intensity."""

    pushes: tuple[Push, ...]
    shades: tuple[Shade, ...] = ()


# The photograph smiles with open lips. At rest the lips are nearly closed and their corners relaxed, so that AU12 and
# AU25 have somewhere to go. Rest has no shades.
REST = Action(
    (
        Push("mouth_corner", -0.06, 0.06, 0.20, 0.18),
        Push("upper_lip", 0.0, 0.055, 0.34, 0.10),
        Push("lower_lip", 0.0, -0.075, 0.34, 0.10),
    )
)

ACTIONS: Mapping[int, Action] = {
    1: Action(
        (Push("brow_inner", 0.02, -0.13, 0.17, 0.10),),
        (Shade("brow_inner", -0.18, 0.16, 0.03, dy=-0.10),),
    ),
    2: Action(
        (Push("brow_outer", 0.0, -0.13, 0.18, 0.10),),
        (Shade("brow_outer", 0.12, 0.14, 0.05, dy=0.09),),
    ),
    4: Action(
        (Push("brow_inner", -0.07, 0.11, 0.17, 0.12), Push("brow_middle", -0.03, 0.07, 0.16, 0.12)),
        (Shade("glabella", -0.30, 0.04, 0.12), Shade("brow_inner", -0.15, 0.14, 0.06, dy=0.10)),
    ),
    6: Action(
        (Push("cheek", 0.0, -0.15, 0.24, 0.18), Push("lower_lid", 0.0, -0.03, 0.20, 0.07)),
        (Shade("eye_corner", -0.25, 0.07, 0.09), Shade("lower_lid", -0.22, 0.20, 0.04, dy=0.07)),
    ),
    7: Action((Push("upper_lid", 0.0, 0.075, 0.20, 0.055), Push("lower_lid", 0.0, -0.05, 0.20, 0.04))),
    9: Action(
        (Push("nose_wing", 0.02, -0.09, 0.14, 0.13), Push("brow_inner", -0.03, 0.05, 0.14, 0.10)),
        (Shade("nose_bridge", -0.35, 0.11, 0.03), Shade("nose_bridge", -0.30, 0.10, 0.03, dy=0.12)),
    ),
    10: Action(
        (Push("upper_lip_side", 0.0, -0.09, 0.17, 0.12), Push("nose_wing", 0.03, -0.04, 0.12, 0.10)),
        (Shade("fold", -0.25, 0.07, 0.12),),
    ),
    12: Action(
        (Push("mouth_corner", 0.07, -0.10, 0.20, 0.18), Push("fold", 0.05, -0.03, 0.16, 0.16)),
        (Shade("cheek", 0.10, 0.14, 0.10),),
    ),
    14: Action(
        (Push("mouth_corner", 0.12, 0.02, 0.17, 0.13),),
        (Shade("mouth_corner", -0.90, 0.07, 0.11, dx=0.09, dy=0.02),),
    ),
    15: Action(
        (Push("mouth_corner", 0.01, 0.14, 0.22, 0.21),),
        (Shade("mouth_corner", -0.25, 0.06, 0.08, dx=0.05, dy=0.16),),
    ),
    17: Action(
        (Push("chin", 0.0, -0.15, 0.24, 0.16), Push("lower_lip", 0.0, -0.05, 0.22, 0.08)),
        (Shade("below_lip", -0.35, 0.22, 0.05), Shade("chin", 0.18, 0.15, 0.08)),
    ),
    23: Action(
        (Push("mouth_corner", -0.16, 0.0, 0.24, 0.18), Push("lower_lip_side", -0.03, -0.02, 0.15, 0.08)),
        (Shade("mouth", -0.35, 0.22, 0.10),),
    ),
    24: Action(
        (Push("upper_lip", 0.0, 0.045, 0.34, 0.08), Push("lower_lip", 0.0, -0.075, 0.34, 0.08)),
        (Shade("upper_lip", 0.28, 0.26, 0.05, dy=-0.11), Shade("lower_lip", -0.40, 0.26, 0.05)),
    ),
    25: Action((Push("upper_lip", 0.0, -0.03, 0.30, 0.10), Push("lower_lip", 0.0, 0.11, 0.30, 0.12))),
    26: Action(
        (
            Push("chin", 0.0, 0.20, 0.40, 0.26),
            Push("jaw", 0.0, 0.09, 0.45, 0.20),
            Push("lower_lip", 0.0, 0.03, 0.3, 0.1),
        ),
        (Shade("mouth", -1.2, 0.28, 0.05),),
    ),
}
