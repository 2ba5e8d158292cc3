"""Long rows, one per frame, combined over time as products with small matrices of zeros and ones.

The products say the same as slices and elementwise operations, exactly: each number is one product by ±1 and zeros, or
a sum. But ONNX Runtime copies a slice with one thread, and a product takes all; that is a fifth of the temporal
graph's time for one frame.
"""

from __future__ import annotations

import torch
from torch import Tensor


def differences(rows: Tensor) -> Tensor:
    """Every row less the one before: (B, T+1, X) to (B, T, X)."""
    count = _count(rows)
    before = count[:-1, None]
    return ((count == before + 1).to(rows.dtype) - (count == before).to(rows.dtype)) @ rows


def sums(rows: Tensor, window: int) -> Tensor:
    """Sums over `window` neighbours: (B, T+window−1, X) to (B, T, X)."""
    count = _count(rows)
    first = count[: 1 - window, None]
    return ((count >= first) & (count < first + window)).to(rows.dtype) @ rows


def last(rows: Tensor, number: int) -> Tensor:
    """The last rows: (B, T, X) to (B, `number`, X)."""
    count = _count(rows)
    return (count == count[-number:, None]).to(rows.dtype) @ rows


def _count(rows: Tensor) -> Tensor:
    return torch.arange(rows.shape[1], device=rows.device, dtype=torch.int32)
