"""The networks of the ablations: what each choice does, and that each learns."""

import pytest
import tiny_backbone
import torch

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.records import RecordError, from_plain
from mdhr_train.datasets import BP4D, DISFA
from mdhr_train.losses import mdhr_loss
from mdhr_train.model import MDHR, ModelConfig
from mdhr_train.model.cross_regional import CrossRegionalRelations, EveryAU
from mdhr_train.model.variants import SUITES, rows

ROWS = [pytest.param(row.overrides, id=f"{suite}: {row.label}") for suite in SUITES for row in rows(suite)]


def network(layout=BP4D, **overrides):
    torch.manual_seed(1)
    config = ModelConfig(layout, tiny_backbone.NAME, node_features=8, dynamics_channels=6, radius=2, **overrides)
    return MDHR(config)


@pytest.mark.slow
@pytest.mark.parametrize("layout", [BP4D, DISFA], ids=lambda layout: layout.name)
@pytest.mark.parametrize("overrides", ROWS)
def test_every_weight_of_every_network_learns(layout, overrides):
    model = network(layout, **overrides)
    output = model(torch.randn(2, 4, 3, 224, 224))
    assert output.scores.min() >= 0
    assert output.scores.max() <= 1
    labels = torch.randint(0, 2, output.scores.shape)
    mdhr_loss(*output, labels, torch.ones(len(layout.aus)), layout).total.backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("overrides", ROWS)
def test_scores_depend_on_the_frames_within_the_lookahead_only(overrides):
    model = network(**overrides).eval()
    frames = torch.randn(1, 12, 3, 224, 224)
    changed = frames.clone()
    changed[:, 6] += 1
    with torch.inference_mode():
        difference = (model(frames).scores - model(changed).scores).abs().amax(dim=(0, 2))
    reach = model.config.lookahead
    assert difference[6] > 0
    assert torch.all(difference[: 6 - reach] == 0)
    assert torch.all(difference[6 + reach + 1 :] == 0)


@pytest.mark.parametrize(
    ("parts", "lookahead"),
    [({}, 7), ({"temporal": False}, 5), ({"dynamics": False}, 2), ({"dynamics": False, "temporal": False}, 0)],
)
def test_the_lookahead_is_that_of_the_parts(parts, lookahead):
    assert ModelConfig(BP4D, **parts).lookahead == lookahead


def test_without_aux_there_are_no_logits_and_all_aus_send():
    model = network(auxiliary=False)
    assert model(torch.randn(1, 2, 3, 224, 224)).region_logits == ()
    with_cross = network(relations="cross")
    torch.testing.assert_close(model.cross.edges(model.active(())), with_cross.cross.edges(with_cross.active(())))


def test_without_extractors_all_aus_have_the_mean_of_the_whole_map():
    features = torch.randn(3, 8, 7, 7)
    nodes = network(extractors=False).local(features).nodes
    assert nodes.shape == (3, 12, 8)
    torch.testing.assert_close(nodes, features.mean(dim=(2, 3))[:, None].expand(-1, 12, -1))


@pytest.mark.parametrize(
    ("relations", "senders_of_12"),  # AU 12 is in a region with 14 and 15
    [
        ("cross", {12} | {1, 2, 4, 7, 6, 10, 17, 23, 24}),
        ("activated", {12} | {1, 2, 4, 7, 6, 10, 17, 23, 24}),  # every AU active
        ("local", {12, 14, 15}),
        ("full", set(BP4D.aus)),
    ],
)
def test_relations_connect_the_pairs_that_they_name(relations, senders_of_12):
    graph = CrossRegionalRelations(BP4D, 8, relations)
    edges = graph.edges(EveryAU(BP4D)(()))[0, BP4D.aus.index(12)]
    assert {au for au, edge in zip(BP4D.aus, edges, strict=True) if edge} == senders_of_12


def test_attention_weighs_existing_edges_only():
    graph = CrossRegionalRelations(BP4D, 8, "local")
    everyone = EveryAU(BP4D)(())
    attention = graph.attention(torch.randn(5, 12, 8), everyone)
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(5, 12))
    assert torch.all(attention.where(~graph.edges(everyone), 0) == 0)


@pytest.mark.parametrize("scales", [(2,), (1, 4)])
def test_only_the_chosen_scales_matter(scales):
    dynamics = network(scales=scales).dynamics.eval()
    sizes = zip(tiny_backbone.CHANNELS, (56, 28, 14, 7), strict=True)
    maps = [torch.randn(1, 5, channels, side, side) for channels, side in sizes]
    before = dynamics(tuple(maps))
    for number in (1, 2, 3, 4):
        changed = [scale + torch.randn_like(scale) * (number == n) for n, scale in enumerate(maps, 1)]
        assert torch.equal(before, dynamics(tuple(changed))) == (number not in scales)


def test_equal_adaptive_weights_are_a_quarter_of_the_sum():
    weighted, summed = network().dynamics.eval(), network(fusion="sum").dynamics.eval()
    shared = summed.state_dict()
    summed.load_state_dict({key: weighted.state_dict()[key] for key in shared})
    torch.nn.init.zeros_(weighted.weight.weight)
    torch.nn.init.zeros_(weighted.weight.bias)
    pooled = [torch.rand(2, 6, 7, 7) for _ in range(4)]
    torch.testing.assert_close(weighted.fuse(pooled), summed.fuse(pooled) / 4)


def test_concatenation_gives_every_scale_weights_of_its_own():
    dynamics = network(fusion="concat", scales=(1, 3)).dynamics
    assert dynamics.project.weight.shape == (8, 12, 1, 1)
    assert dynamics.fuse([torch.zeros(1, 6, 7, 7), torch.ones(1, 6, 7, 7)])[0, :, 0, 0].tolist() == [0] * 6 + [1] * 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"relations": "some"}, "relations"),
        ({"fusion": "mean"}, "fusion"),
        ({"scales": ()}, "scales"),
        ({"scales": (0, 1)}, "scales"),
        ({"scales": (2, 1)}, "scales"),
        ({"scales": (1, 1)}, "scales"),
        ({"scales": "12"}, "scales"),
        ({"scales": 1}, "scales"),
        ({"temporal": "no"}, "temporal"),
    ],
)
def test_impossible_choices_are_refused(options, words):
    with pytest.raises(ConfigError, match=words) as error:
        ModelConfig(BP4D, **options)
    assert error.value.fix


def test_a_configuration_survives_plain_data_and_lists():
    config = ModelConfig(BP4D, scales=[1, 3], fusion="sum", relations="full", auxiliary=False)
    assert config.scales == (1, 3)
    assert from_plain(ModelConfig, config.to_dict()) == config


def test_configurations_of_older_versions_are_the_full_model():
    older = ("layout", "backbone", "node_features", "radius", "dynamics_channels", "clip_frames")
    config = ModelConfig(DISFA, "resnet18", 64, 3, 32, 12)
    assert from_plain(ModelConfig, {name: config.to_dict()[name] for name in older}) == config
    with pytest.raises(RecordError, match="layout"):
        from_plain(ModelConfig, {"backbone": "resnet50"})
