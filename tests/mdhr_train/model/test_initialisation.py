from math import prod

import pytest
import torch
from torch import nn

from mdhr_train.datasets import BP4D
from mdhr_train.model import MDHR, ModelConfig
from mdhr_train.model.initialisation import initialise_as_published
from mdhr_train.model.local_relations import LinearBlock


@pytest.fixture(scope="module")
def pair():
    """A network as PyTorch draws it, and the same after the published initialisation."""
    torch.manual_seed(0)
    model = MDHR(ModelConfig(BP4D, "resnet10t", node_features=128, dynamics_channels=64))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    initialise_as_published(model)
    return before, model


def test_linear_blocks_and_dynamics_have_the_published_spread(pair):
    _, model = pair
    blocks = [module.fc for module in model.modules() if isinstance(module, LinearBlock)]
    convolutions = [module for module in model.dynamics.modules() if isinstance(module, nn.Conv2d)]
    assert len(blocks) == 1 + 4 + 12  # static features, regions, extractors
    assert len(convolutions) == 4 + 4 + 1 + 1  # scales, their weights' features, the weights, the projection
    for layer in (*blocks, *convolutions):
        area = prod(getattr(layer, "kernel_size", ()))
        expected = (2 / (area * layer.weight.shape[0])) ** 0.5
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.15)
        assert abs(layer.weight.mean().item()) < expected / 5


def test_nothing_else_is_touched(pair):
    before, model = pair
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    expected = {f"{name}.fc.weight" for name, module in model.named_modules() if isinstance(module, LinearBlock)}
    expected |= {
        f"dynamics.{name}.weight" for name, each in model.dynamics.named_modules() if isinstance(each, nn.Conv2d)
    }
    assert changed == expected


def test_the_adaptive_weights_of_pytorch_start_much_smaller(pair):
    before, model = pair
    after = model.state_dict()
    names = [name for name in before if "weight_conv.weight" in name or name == "dynamics.weight.weight"]
    assert len(names) == 5
    for name in names:
        assert after[name].std() > 4 * before[name].std()
