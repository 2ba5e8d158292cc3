"""Convolutions whose kernel is their stride: exact in bfloat16 too, wherever a network has them, with the same weights.

oneDNN computes the plain form wrongly on processors with AMX. What does not depend on the processor is that no network
uses that form.
"""

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mdhr_train.datasets import DISFA
from mdhr_train.model import MDHR, ModelConfig
from mdhr_train.model.facial_dynamics import ScaleDynamics
from mdhr_train.model.patches import PatchConv2d, by_patches


class Convolutions(TorchDispatchMode):
    """Notes kernel and stride of every convolution that runs."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        if function is torch.ops.aten.convolution.default:
            _, weight, _, stride = arguments[:4]
            self.found.append((tuple(weight.shape[2:]), tuple(stride)))
        return function(*arguments, **(named or {}))


def decibels(found, expected):
    """Signal-to-noise ratio."""
    noise = found.double() - expected.double()
    return float(10 * torch.log10(expected.double().square().sum() / noise.square().sum()))


@pytest.mark.parametrize("size", [56, 28, 14, 7])
@pytest.mark.parametrize("channels", [3, 8, 16, 24, 32, 64])
def test_dynamics_in_bfloat16_are_those_in_float32(channels, size):
    torch.manual_seed(0)
    dynamics = ScaleDynamics(channels, size, 64).eval()
    maps = torch.randn(1, 3, channels, size, size)
    with torch.inference_mode():
        expected = dynamics(maps)
        with torch.autocast("cpu", torch.bfloat16):
            found = dynamics(maps)
    assert decibels(found, expected) >= 35


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "swin_tiny_patch4_window7_224"])
def test_no_network_runs_a_convolution_whose_kernel_is_its_stride(name):
    with torch.device("meta"), torch.no_grad(), Convolutions() as convolutions:
        MDHR(ModelConfig(DISFA, name, node_features=8)).eval()(torch.empty(1, 2, 3, 224, 224))
    assert len(convolutions.found) > 5
    assert not [kernel for kernel, stride in convolutions.found if kernel == stride and max(kernel) > 1]


@pytest.mark.parametrize("shape", [(2, 5, 8, 12), (2, 5, 11, 9), (0, 5, 8, 8)], ids=["whole", "a rest", "no frames"])
def test_results_and_gradients_are_those_of_the_plain_form(shape):
    torch.manual_seed(0)
    plain, x = nn.Conv2d(5, 7, kernel_size=4, stride=4), torch.randn(shape)
    patches = PatchConv2d(5, 7, 4)
    patches.load_state_dict(plain.state_dict())
    expected, found = plain(x), patches(x)
    torch.testing.assert_close(found, expected)
    expected.square().sum().backward()
    found.square().sum().backward()
    torch.testing.assert_close(patches.weight.grad, plain.weight.grad)


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"kernel_size": 2, "stride": 2}, True),
        ({"kernel_size": 1, "stride": 1}, False),
        ({"kernel_size": 3, "stride": 2}, False),
        ({"kernel_size": (2, 4), "stride": (2, 4)}, False),
        ({"kernel_size": 2, "stride": 2, "padding": 1}, False),
        ({"kernel_size": 2, "stride": 2, "dilation": 2}, False),
        ({"kernel_size": 2, "stride": 2, "groups": 4}, False),
    ],
)
def test_a_network_keeps_its_weights_and_results(options, changed):
    torch.manual_seed(0)
    network, x = nn.Sequential(nn.Conv2d(4, 8, **options)), torch.randn(1, 4, 8, 8)
    weights, expected = network.state_dict(), network(x)
    torch.testing.assert_close(by_patches(network)(x), expected)
    assert isinstance(network[0], PatchConv2d) == changed
    assert {name: x.shape for name, x in network.state_dict().items()} == {n: x.shape for n, x in weights.items()}
