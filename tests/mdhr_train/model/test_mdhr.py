"""The assembled network and its edge cases; tests/test_golden.py compares it with the published one."""

import re

import pytest
import torch

from mdhr_runtime.errors import ConfigError
from mdhr_train.datasets import BP4D, DISFA
from mdhr_train.model import MDHR, ModelConfig
from mdhr_train.model.backbone import build_backbone


@pytest.fixture(scope="module", params=[BP4D, DISFA], ids=lambda layout: layout.name)
def small(request) -> MDHR:
    torch.manual_seed(1)
    config = ModelConfig(request.param, backbone="resnet10t", node_features=16, dynamics_channels=8, radius=2)
    return MDHR(config).eval()


@pytest.mark.slow
@pytest.mark.parametrize("frames", [1, 2, 9])
def test_clips_of_any_length_are_scored(small, frames):
    with torch.inference_mode():
        output = small(torch.randn(2, frames, 3, 224, 224))
    layout = small.config.layout
    assert output.scores.shape == (2, frames, len(layout.aus))
    assert output.scores.min() >= 0
    assert output.scores.max() <= 1
    assert [x.shape[-1] for x in output.region_logits] == [region.combinations for region in layout.regions]


@pytest.mark.slow
def test_scores_depend_on_the_stated_neighbours_only(small):
    frames = torch.randn(1, 20, 3, 224, 224)
    changed = frames.clone()
    changed[:, 0] += 1
    with torch.inference_mode():
        difference = (small(frames).scores - small(changed).scores).abs().amax(dim=(0, 2))
    reach = small.config.lookahead
    assert reach == 4
    assert difference[0] > 0
    assert torch.all(difference[reach + 1 :] == 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"backbone": "resnet5000"}, "no backbone"),
        ({"backbone": "vit_tiny_patch16_224"}, "cannot be an MDHR backbone"),
        ({"radius": 0}, "radius"),
        ({"node_features": 2.5}, "node_features"),
    ],
)
def test_impossible_configurations_are_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        MDHR(ModelConfig(BP4D, **options))


@pytest.mark.parametrize(
    ("backbone", "weights", "address"),
    [
        ("resnet50", "resnet50.tv_in1k", "https://download.pytorch.org/models/resnet50-0676ba61.pth"),
        ("resnet50.a1_in1k", "resnet50.a1_in1k", "resnet50_a1_0-14fe96d1.pth"),
        (
            *("swin_base_patch4_window7_224", "swin_base_patch4_window7_224.ms_in1k"),
            "releases/download/v1.0.0/swin_base_patch4_window7_224.pth",
        ),
        ("mobilenetv3_small_050", "mobilenetv3_small_050", "rwightman/pytorch-image-models"),
        ("test_resnet", "test_resnet", "https://huggingface.co/timm/test_resnet.r160_in1k"),
    ],
)
def test_pretrained_weights_that_cannot_be_had_are_named_with_where_they_are(
    backbone, weights, address, monkeypatch, tmp_path
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match=f"ImageNet weights '{re.escape(weights)}' could not be loaded") as error:
        build_backbone(backbone, pretrained=True)
    assert "timm downloads them" in error.value.why
    assert address in error.value.fix
    assert "--pretrained-file" in error.value.fix
    assert "--no-pretrained" in error.value.fix
