"""Backbones: what timm offers becomes four maps of the right sides, or is refused."""

import pytest
import torch

from mdhr_runtime.errors import ConfigError
from mdhr_train.model.backbone import build_backbone

SIDES = (56, 28, 14, 7)


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "mobilenetv4_conv_small_035",
        "tf_efficientnet_lite0",
        "convnext_atto",
        "mambaout_femto",  # keeps its channels last
        "swin_tiny_patch4_window7_224",
    ],
)
def test_four_scales_with_the_channels_that_are_announced(name):
    backbone = build_backbone(name).eval()
    with torch.inference_mode():
        scales, final = backbone(torch.zeros(2, 3, 224, 224))
    expected = [(2, channels, side, side) for channels, side in zip(backbone.channels, SIDES, strict=True)]
    assert [tuple(scale.shape) for scale in scales] == expected
    assert tuple(final.shape) == expected[-1]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("test_vit", "reduced by 16, 16, 16"),
        ("levit_128s", "reduced by 16, 32, 64"),
        ("inception_v3", "192×52×52"),  # says the right reductions, but pads otherwise
        ("swinv2_tiny_window8_256", "256"),
    ],
)
def test_other_maps_are_refused_with_what_they_are(name, why):
    with pytest.raises(ConfigError, match="cannot be an MDHR backbone") as error:
        build_backbone(name)
    assert why in error.value.why
    assert "56, 28, 14, 7" in error.value.why
