"""Checkpoints in the authors' format."""

import golden as vectors
import pytest
import torch

from mdhr_runtime.errors import CheckpointError
from mdhr_train.checkpoints import load_checkpoint

SWIN = "swin_base_patch4_window7_224"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dataset", "backbone"),
    [
        ("BP4D_resnet", "BP4D", "resnet50"),
        ("DISFA_resnet", "DISFA", "resnet50"),
        ("BP4D_swin_transformer", "BP4D", SWIN),
        ("DISFA_swin_transformer", "DISFA", SWIN),
    ],
)
def test_dataset_and_backbone_are_inferred(golden, tmp_path, name, dataset, backbone):
    vectors.save_published(golden, name, tmp_path / "best.pth")
    loaded = load_checkpoint(tmp_path / "best.pth")
    assert loaded.format == "published"
    assert loaded.model.config.layout.name == dataset
    assert loaded.model.config.backbone == backbone
    assert loaded.model.config.node_features == 512
    assert loaded.model.config.radius == 5
    assert loaded.model.config.layout.crop.view == "resize"


@pytest.fixture(scope="module")
def weights(golden):
    return vectors.published_weights(golden, "DISFA_resnet")


@pytest.mark.slow
def test_a_bare_state_dict_is_accepted(weights, tmp_path):
    torch.save(weights, tmp_path / "x.pth")
    assert load_checkpoint(tmp_path / "x.pth").model.config.layout.name == "DISFA"


@pytest.mark.slow
def test_missing_and_unexpected_keys_are_named_as_the_file_names_them(weights, tmp_path):
    broken = dict(weights)
    for index in range(7):
        del broken[f"LRM.class_linears.{index}.fc.weight"]
    broken["head.weight"] = torch.zeros(3)
    torch.save({"state_dict": broken}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path / "x.pth")
    first_five = ", ".join(f"LRM.class_linears.{index}.fc.weight" for index in range(5))
    assert f"missing: {first_five} and 2 more" in error.value.why
    assert "unexpected: head.weight" in error.value.why


@pytest.mark.slow
def test_weights_of_another_shape_are_named(weights, tmp_path):
    torch.save({"state_dict": weights | {"TCN.bn.weight": torch.ones(9)}}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="other shapes") as error:
        load_checkpoint(tmp_path / "x.pth")
    assert "TCN.bn.weight (9,) instead of (8,)" in error.value.why


def test_weights_of_another_network_are_refused(tmp_path):
    state = {f"layer{n}.weight": torch.zeros(2) for n in range(7)}
    torch.save({"state_dict": state}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="not those of an MDHR model") as error:
        load_checkpoint(tmp_path / "x.pth")
    assert "missing: LRM.up_fc.weight" in error.value.why
    assert "unexpected: layer0.weight, layer1.weight, layer2.weight, layer3.weight, layer4.weight and 2 more" in (
        error.value.why
    )
