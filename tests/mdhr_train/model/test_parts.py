"""Single blocks of the network against their formulas."""

import torch

from mdhr_train.datasets import BP4D
from mdhr_train.model import normalise
from mdhr_train.model.cross_regional import ActiveAUs, CrossRegionalRelations
from mdhr_train.model.facial_dynamics import pool_over_time
from mdhr_train.model.local_relations import combination_bits


def test_pooling_pads_with_zeros_and_always_divides_by_the_window():
    changes = torch.arange(1.0, 8.0).view(1, 7, 1, 1, 1)  # d_1 … d_7 of eight frames
    pooled = pool_over_time(changes, radius=2).flatten()
    expected = [
        sum(d for d in range(t - 1, t + 3) if 1 <= d <= 7) / 4  # frame t averages d_{t−k+1} … d_{t+k}
        for t in range(8)
    ]
    assert pooled.tolist() == expected


def test_first_au_of_a_region_is_the_most_significant_bit():
    assert combination_bits(3)[0b100].tolist() == [True, False, False]
    assert combination_bits(3)[0b011].tolist() == [False, True, True]


def test_active_aus_are_those_of_the_likeliest_combinations():
    logits = [torch.full((1, region.combinations), -1.0) for region in BP4D.regions]
    logits[0][0, 0b1001] = 1  # up: AU 1 and AU 7
    logits[1][0, 0b1] = 1  # mid: AU 6
    logits[2][0, 0b000] = 1
    logits[3][0, 0b0001] = 1  # low-b: AU 24
    active = ActiveAUs(BP4D)(tuple(logits))
    assert [au for au, on in zip(BP4D.aus, active[0], strict=True) if on] == [1, 6, 7, 24]


def test_edges_lead_from_active_aus_to_other_regions_and_to_themselves():
    graph = CrossRegionalRelations(BP4D, 8)
    active = torch.zeros(1, 12, dtype=torch.bool)
    active[0, BP4D.aus.index(12)] = True
    edges = graph.edges(active)[0]
    for n, receiver in enumerate(BP4D.aus):
        senders = {BP4D.aus[m] for m in range(12) if edges[n, m]}
        assert senders == ({receiver} if receiver in (12, 14, 15) else {receiver, 12})


def test_inactive_aus_do_not_reach_others():
    torch.manual_seed(0)
    graph = CrossRegionalRelations(BP4D, 8)
    nodes, active = torch.randn(1, 12, 8), torch.zeros(1, 12, dtype=torch.bool)
    changed = nodes.clone()
    changed[0, 0] += 1
    difference = (graph(nodes, active) - graph(changed, active)).abs().amax(dim=-1)[0]
    assert difference[0] > 0
    assert torch.all(difference[1:] == 0)


def test_normalisation_uses_imagenet_statistics_and_moves_colour_first():
    white = torch.full((1, 2, 2, 3), 255, dtype=torch.uint8)
    expected = torch.tensor([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    normalised = normalise(white)
    assert normalised.shape == (1, 3, 2, 2)
    torch.testing.assert_close(normalised[0, :, 0, 0], expected)
