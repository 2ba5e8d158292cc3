"""Batch normalisation in evaluation mode, folded into the linear map before it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mdhr_train.model.local_relations import LinearBlock


class Affine(NamedTuple):
    """y = weight · x + bias.

    Attributes:
        weight: (out, in, …) floating point.
        bias: (out,).
    """

    weight: Tensor
    bias: Tensor


def fold(linear: nn.Linear | nn.Conv2d, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> Affine:
    """Fold a batch normalisation over the outputs of a linear map or convolution into it."""
    assert linear.bias is not None  # every linear map of MDHR has one
    scale, shift = scale_and_shift(norm)
    weight = linear.weight.detach() * scale.view(-1, *[1] * (linear.weight.dim() - 1))
    return Affine(weight, linear.bias.detach() * scale + shift)


def fold_block(block: LinearBlock) -> Affine:
    """Fold a linear block; its ReLU remains to be applied."""
    return fold(block.fc, block.bn)


def scale_and_shift(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """A batch normalisation in evaluation mode as x · scale + shift, both (features,)."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None  # every normalisation of MDHR keeps both
    assert variance is not None
    scale = norm.weight.detach() / torch.sqrt(variance + norm.eps)
    return scale, norm.bias.detach() - mean * scale
