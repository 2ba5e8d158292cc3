"""The weights that a network starts from, beside its backbone's."""

from __future__ import annotations

from math import prod

from torch import nn

from .local_relations import LinearBlock
from .mdhr import MDHR


def initialise_as_published(model: MDHR) -> None:
    """Draw weights as the published implementation does, in place.

    Those of linear blocks have a standard deviation of √(2 / outputs), those of the facial dynamics and of their
    adaptive weights √(2 / (kernel area · outputs)): He's initialisation for the way back (He et al. 2015). PyTorch's
    own adaptive weights, with ResNet-50, are 10 and 28 times smaller, so that all scales weigh alike for long.
    """
    for block in model.modules():
        if isinstance(block, LinearBlock):
            nn.init.normal_(block.fc.weight, std=(2 / block.fc.out_features) ** 0.5)
    for layer in model.dynamics.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=(2 / (prod(layer.kernel_size) * layer.out_channels)) ** 0.5)
