"""What a label says: 1, the action unit occurs; 0, it does not; between them, how likely it is; anything else, unknown.

Soft labels, between 0 and 1, come from other tools. The functions take arrays of NumPy and tensors of PyTorch alike, of
any type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Labels = TypeVar("Labels", np.ndarray, "Tensor")

UNKNOWN = (9, -1)
"""Labels of AUs that nobody could see: 9 as BP4D writes it, −1 as the published implementation pads clips."""

HARD = (0, 1, *UNKNOWN)
"""All labels that a list without soft ones may hold."""

OCCURS_FROM = 0.5
"""A soft label from here on counts as an occurrence, where one is counted."""


def known(labels: Labels) -> Labels:
    """Which labels are known: bool, of the labels' shape."""
    return (labels >= 0) & (labels <= 1)


def occurs(labels: Labels) -> Labels:
    """Which labels say that the AU occurs: bool, of the labels' shape."""
    return (labels >= OCCURS_FROM) & (labels <= 1)
