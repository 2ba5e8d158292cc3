"""The losses of the paper (eq. 10–12), and the class weights and combinations that they are made of.

Labels are those of `mdhr_train.labels`; unknown ones count in no loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mdhr_runtime.layout import Layout

from .labels import known, occurs

AUXILIARY_WEIGHT = 0.01
"""Weight of the auxiliary loss in the sum (eq. 12)."""

LOG_FLOOR = 1e-8
"""Probabilities are raised to this before their logarithm is taken."""

UNKNOWN_COMBINATION = -1
"""Combination index of a region of which some AU is unknown."""


def occurrence_rates(labels: Tensor) -> Tensor:
    """Fraction of the frames with a known label in which each AU occurs: the mean of the known labels.

    Args:
        labels: (..., N), any type.

    Returns:
        float64 (N,); 0 for an AU without a known label.
    """
    labels = labels.flatten(0, -2)
    told = known(labels)
    return labels.where(told, 0).double().sum(0) / told.sum(0).clamp(min=1)


def class_weights(rates: Tensor) -> Tensor:
    """Weights that make rare AUs count more: w_n = (1/rate_n) · N / Σ(1/rate).

    An AU that never occurs has no finite 1/rate; it gets the weight of the rarest AU that does occur. If none does,
    all weights are 1.

    Args:
        rates: (N,), fraction of the training frames in which each AU occurs.

    Returns:
        (N,), finite and positive, with mean 1, in the type of `rates`.
    """
    occurring = rates[rates > 0]
    rarest = occurring.min() if len(occurring) else torch.ones_like(rates[0])
    inverse = 1 / torch.where(rates > 0, rates, rarest)
    return inverse * len(inverse) / inverse.sum()


def combination_index(labels: Tensor, layout: Layout) -> Tensor:
    """The on/off combination of each region's AUs as a number; the first AU of a region is the most significant bit.

    Args:
        labels: (..., N), any type.
        layout: The regions.

    Returns:
        int64 (..., R), `UNKNOWN_COMBINATION` where any of the region's AUs is unknown.
    """
    indices = []
    for region in layout.regions:
        bits = labels[..., [layout.aus.index(au) for au in region.aus]]
        places = torch.tensor([1 << i for i in reversed(range(len(region.aus)))], device=labels.device)
        index = (occurs(bits) * places).sum(-1)
        indices.append(index.where(known(bits).all(-1), UNKNOWN_COMBINATION))
    return torch.stack(indices, dim=-1)


def au_loss(scores: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """The weighted loss of the scores, L_AU (eq. 10).

    The mean over known labels of −w_n [y log p + p̄ (1 − y) log(1 − p)]. The factor p̄ is the score taken as a constant:
    it makes absences that are already well told count less, and sends no gradient of its own.

    Args:
        scores: (..., N) in [0, 1].
        labels: (..., N), any type.
        weights: (N,), see `class_weights`.

    Returns:
        Scalar; 0 if no label is known.
    """
    told = known(labels)
    present, absent = labels.where(told, 0).to(scores.dtype), (1 - labels).where(told, 0).to(scores.dtype)
    log_present = scores.clamp(min=LOG_FLOOR).log()
    log_absent = (1 - scores).clamp(min=LOG_FLOOR).log()
    terms = weights * (present * log_present + scores.detach() * absent * log_absent)
    return -terms.sum() / told.sum().clamp(min=1)


def auxiliary_loss(region_logits: Sequence[Tensor], labels: Tensor, layout: Layout) -> Tensor:
    """The loss of the regions' combinations, L_sub (eq. 11): cross-entropy, mean over frames, then over regions.

    Args:
        region_logits: Per region (..., 2^n); empty for a model without Aux.
        labels: (..., N), any type.
        layout: The regions.

    Returns:
        Scalar. A region that is unknown in every frame counts as 0, and so does a model without Aux.
    """
    if not region_logits:
        return torch.zeros((), device=labels.device)
    targets = combination_index(labels, layout).flatten(0, -2).unbind(-1)
    losses = [
        F.cross_entropy(logits.flatten(0, -2), target, ignore_index=UNKNOWN_COMBINATION, reduction="sum")
        / (target != UNKNOWN_COMBINATION).sum().clamp(min=1)
        for logits, target in zip(region_logits, targets, strict=True)
    ]
    return torch.stack(losses).mean()


class Losses(NamedTuple):
    """The losses of a batch, scalars.

    Attributes:
        total: L = L_AU + 0.01 L_sub (eq. 12), which training minimises.
        au: L_AU, see `au_loss`.
        sub: L_sub, see `auxiliary_loss`.
    """

    total: Tensor
    au: Tensor
    sub: Tensor


def mdhr_loss(
    scores: Tensor, region_logits: Sequence[Tensor], labels: Tensor, weights: Tensor, layout: Layout
) -> Losses:
    """The loss of the network, and its two parts. All are computed in float32.

    Args:
        scores: (..., N) in [0, 1].
        region_logits: Per region (..., 2^n); empty for a model without Aux.
        labels: (..., N), any type.
        weights: (N,), see `class_weights`.
        layout: The regions.
    """
    au = au_loss(scores.float(), labels, weights)
    sub = auxiliary_loss([logits.float() for logits in region_logits], labels, layout)
    return Losses(au + AUXILIARY_WEIGHT * sub, au, sub)
