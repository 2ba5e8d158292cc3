from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mdhr_runtime.errors import ConfigError
from mdhr_train.checkpoints.transfer import PARTS, take_weights
from mdhr_train.datasets import BP4D, DISFA
from mdhr_train.datasets.layouts import derive_layout
from mdhr_train.model import MDHR, ModelConfig

FILE = Path("best.pt")


def network(layout, seed, **settings):
    """A small network all of whose numbers are different from any other seed's."""
    torch.manual_seed(seed)
    config = ModelConfig(
        layout, **{"backbone": "test_efficientnet", "node_features": 8, "dynamics_channels": 8} | settings
    )
    model = MDHR(config)
    for tensor in weights(model).values():
        tensor.uniform_(0.1, 1).add_(seed)
    return model.eval()


def weights(model):
    return {key: tensor for key, tensor in model.state_dict().items() if tensor.is_floating_point()}


def whose(model):
    """Per tensor from which seed its numbers come: {0} or {1} or both."""
    return {key: {*tensor.floor().flatten().tolist()} for key, tensor in weights(model).items()}


def test_the_same_network_is_taken_whole():
    model, source = network(BP4D, 0), network(BP4D, 1)
    parts = take_weights(FILE, model, source)
    frames = torch.rand(1, 2, 3, 224, 224)
    assert torch.equal(model(frames).scores, source(frames).scores)
    assert set(parts) == set(PARTS.values())
    assert all(part["taken"] == part["of"] and not part["new"] for part in parts.values())
    assert sum(part["of"] for part in parts.values()) == sum(each.numel() for each in weights(model).values())


def test_aus_are_found_by_their_numbers_and_not_by_their_places():
    model, source = network(DISFA, 0), network(BP4D, 1)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    parts = take_weights(FILE, model, source)
    after, there = model.state_dict(), source.state_dict()
    for own, au in enumerate(DISFA.aus):
        for key in ("temporal.classes", "temporal.bn.weight", "temporal.bn.running_var"):
            expected = there[key][BP4D.aus.index(au)] if au in BP4D.aus else before[key][own]
            assert torch.equal(after[key][own], expected)
        key = f"temporal.convs.{own}.weight"
        expected = there[f"temporal.convs.{BP4D.aus.index(au)}.weight"] if au in BP4D.aus else before[key]
        assert torch.equal(after[key], expected)
    new = ["AU09", "AU25", "AU26"]
    for part in ("temporal convolutions", "their normalisation", "class vectors"):
        assert parts[part]["new"] == new
    for part in ("backbone", "static features", "facial dynamics", "relations"):
        assert parts[part]["taken"] == parts[part]["of"]
    # BP4D's extractors lie behind projections, which DISFA's layout has none of.
    assert parts["extractors"] == {"taken": 0, "of": parts["extractors"]["of"], "new": list(DISFA.au_names)}
    assert parts["regions' classifiers"]["new"] == ["up", "mid", "low"]
    assert "regions' projections" not in parts


def test_what_lies_behind_a_region_s_projection_goes_with_it():
    mine = derive_layout("mine", (1, 2, 6, 12, 14, 15, 26))
    model, source = network(mine, 0), network(BP4D, 1)
    parts = take_weights(FILE, model, source)
    assert [region.name for region in mine.regions] == ["up", "mid", "low"]
    assert parts["regions' projections"]["new"] == []
    assert parts["extractors"]["new"] == ["AU26"]
    assert parts["regions' classifiers"]["new"] == ["up", "low"]  # other AUs, so other combinations
    taken = whose(model)
    assert taken["local.classifiers.1.weight"] == taken["local.projections.2.fc.weight"] == {1}
    assert torch.equal(model.local.projections[2].fc.weight, source.local.projections[2].fc.weight)  # low-a
    assert torch.equal(model.local.extractors[3].fc.weight, source.local.extractors[6].fc.weight)  # AU12


def test_an_extractor_that_would_see_another_projection_is_not_taken():
    mine = derive_layout("mine", (12, 14, 15, 17))  # one region, most of it BP4D's low-a; AU17 was in low-b
    parts = take_weights(FILE, network(mine, 0), network(BP4D, 1))
    assert parts["extractors"]["new"] == ["AU17"]


@pytest.mark.parametrize(
    ("settings", "whole", "nothing"),
    [
        ({"node_features": 16}, ["backbone"], ["extractors", "relations", "temporal convolutions", "class vectors"]),
        ({"dynamics_channels": 4}, ["extractors", "relations"], []),
        ({"scales": (1, 4)}, ["extractors", "relations"], ["facial dynamics"]),
        ({"fusion": "sum"}, ["extractors", "relations"], ["facial dynamics"]),
        ({"temporal": False, "relations": "none"}, ["extractors", "class vectors"], []),
    ],
)
@pytest.mark.parametrize("given", [True, False], ids=["there", "here"])
def test_networks_of_other_sizes_and_parts_give_what_fits(settings, whole, nothing, given):
    model, source = (network(DISFA, seed, **(settings if given == bool(seed) else {})) for seed in (0, 1))
    parts = take_weights(FILE, model, source)
    assert {name for name in whole if parts[name]["taken"] == parts[name]["of"]} == set(whole)
    assert [name for name in nothing if parts[name]["taken"]] == []
    assert all(parts[name]["new"] for name in nothing)
    assert all(len(seeds) == 1 for key, seeds in whose(model).items())  # all or nothing of every tensor
    model(torch.rand(1, 2, 3, 224, 224))


def test_two_scales_are_not_taken_for_two_others():
    parts = take_weights(FILE, network(DISFA, 0, scales=(1, 2)), network(DISFA, 1, scales=(3, 4)))
    assert parts["facial dynamics"]["taken"] == 0


def test_another_backbone_is_refused_but_not_another_tag():
    model = network(DISFA, 0)
    with pytest.raises(ConfigError, match=r"resnet18, and this one's test_efficientnet") as error:
        take_weights(FILE, model, network(DISFA, 1, backbone="resnet18"))
    assert "--backbone resnet18" in error.value.fix
    assert set().union(*whose(model).values()) == {0}
    source = network(DISFA, 1)
    source.config = replace(source.config, backbone="test_efficientnet.r160_in1k")
    assert take_weights(FILE, model, source)["backbone"]["new"] == []


@pytest.mark.parametrize(
    "settings",
    [{"dynamics": False}, {"extractors": False}, {"auxiliary": False}, {"fusion": "concat"}, {"scales": (4,)}],
)
def test_every_tensor_of_every_network_belongs_to_a_part(settings):
    model, source = network(BP4D, 0, **settings), network(BP4D, 1, **settings)
    take_weights(FILE, model, source)
    assert set().union(*whose(model).values()) == {1}
