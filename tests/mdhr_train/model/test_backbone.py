"""Backbones: what timm offers becomes four maps of the right sides, or is refused; ImageNet weights from a file.

The files are made here, of a model's own state dict.
"""

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from timm.layers.drop import DropPath

from mdhr_runtime.errors import ConfigError
from mdhr_train.datasets import BP4D
from mdhr_train.model import MDHR, ModelConfig
from mdhr_train.model.backbone import build_backbone

SIDES = (56, 28, 14, 7)
NAMES = ("test_resnet", "test_efficientnet", "mobilenetv4_conv_small_035")


@pytest.mark.slow
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


def deepest(backbone):
    """The largest share of frames for which a block is skipped."""
    return max((module.drop_prob for module in backbone.modules() if isinstance(module, DropPath)), default=0)


@pytest.mark.slow
def test_stochastic_depth_skips_blocks_in_training_alone():
    name, frames = "swin_tiny_patch4_window7_224", torch.zeros(1, 3, 224, 224)
    torch.manual_seed(5)
    swin = build_backbone(name, drop_path=0.5)
    assert deepest(swin) == pytest.approx(0.5)
    assert deepest(build_backbone(name)) == pytest.approx(0.1)
    assert deepest(build_backbone("test_resnet", drop_path=0.25)) == pytest.approx(0.25)
    assert deepest(build_backbone("test_resnet", drop_path=0)) == 0
    plain = build_backbone(name, drop_path=0)
    plain.load_state_dict(swin.state_dict())  # it has no weights
    with torch.inference_mode():
        torch.testing.assert_close(swin.eval()(frames).final, plain.eval()(frames).final)
        assert not torch.equal(swin.train()(frames).final, plain.train()(frames).final)


@pytest.mark.parametrize("name", ["vgg11", "dla34"])
def test_stochastic_depth_that_would_do_nothing_is_refused(name):
    with pytest.raises(ConfigError, match="cannot be trained with stochastic depth"):
        build_backbone(name, drop_path=0.5)


def published(name, seed=5):
    """A whole model of timm, with its classifier, as it is published."""
    torch.manual_seed(seed)
    return timm.create_model(name)


def network(name, file):
    return MDHR(ModelConfig(BP4D, name, node_features=16, dynamics_channels=8), pretrained_file=file)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_weights_come_from_the_file(tmp_path, name, kind):
    weights = published(name).state_dict()
    file = tmp_path / f"model.{kind}"
    if kind == "pth":
        torch.save({"state_dict": weights}, file)
    else:
        save_file(weights, file)
    loaded = network(name, file).backbone.features.state_dict()
    shared = set(loaded) & set(weights)
    assert len(shared) > len(loaded) / 2  # wrappers of timm rename the rest
    for key in shared:
        torch.testing.assert_close(loaded[key], weights[key])


@pytest.mark.slow
def test_a_swin_takes_a_file_with_the_names_of_its_authors(tmp_path):
    """Each patch merging belongs to the stage before it there, to the stage after it in timm."""
    name = "swin_tiny_patch4_window7_224"
    weights = published(name).state_dict()
    theirs = {
        key.replace(f"layers.{stage}.downsample", f"layers.{stage - 1}.downsample"): tensor
        for key, tensor in weights.items()
        for stage in [int(key.split(".")[1]) if key.startswith("layers.") else 0]
    }
    theirs = {key.replace("head.fc.", "head."): tensor for key, tensor in theirs.items()}
    torch.save({"model": theirs}, tmp_path / "swin.pth")
    loaded = network(name, tmp_path / "swin.pth").backbone.features.state_dict()
    for key, tensor in loaded.items():
        torch.testing.assert_close(tensor, weights[key])


@pytest.mark.slow
def test_the_papers_resnet_takes_torchvisions_own_file(tmp_path):
    torch.manual_seed(5)
    weights = torchvision.models.resnet50().state_dict()
    torch.save(weights, tmp_path / "resnet50-0676ba61.pth")
    loaded = network("resnet50", tmp_path / "resnet50-0676ba61.pth").backbone.features.state_dict()
    assert len(loaded) == len(weights) - 2  # all but the classifier
    for key, tensor in loaded.items():
        torch.testing.assert_close(tensor, weights[key])


def test_a_file_of_another_model_is_refused(tmp_path):
    torch.save(published("test_convnext").state_dict(), tmp_path / "other.pth")
    for name in NAMES:
        with pytest.raises(ConfigError, match="are not those of") as error:
            network(name, tmp_path / "other.pth")
        assert "conv" in error.value.why


def test_a_file_that_lacks_some_weights_is_refused(tmp_path):
    weights = published("test_efficientnet").state_dict()
    del weights["conv_stem.weight"]
    torch.save(weights, tmp_path / "part.pth")
    with pytest.raises(ConfigError, match="are not those of") as error:
        network("test_efficientnet", tmp_path / "part.pth")
    assert "conv_stem.weight" in error.value.why


@pytest.mark.parametrize("content", [b"", b"no weights", bytes(4000)])
def test_files_that_are_no_weights_are_refused(tmp_path, content):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(ConfigError, match="are not those of"):
        network("test_resnet", tmp_path / "x.pth")


def test_code_in_a_file_does_not_run(tmp_path):
    class Payload:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    torch.save({"state_dict": Payload()}, tmp_path / "evil.pth")
    with pytest.raises(ConfigError, match="are not those of"):
        network("test_resnet", tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="There is no file"):
        network("test_resnet", tmp_path / "none.pth")
    with pytest.raises(ConfigError, match="There is no file") as error:
        network("test_resnet", tmp_path)
    assert "folder" in error.value.why
