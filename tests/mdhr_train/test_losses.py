from math import exp, log

import pytest
import torch

from mdhr_train.datasets import BP4D, DISFA
from mdhr_train.losses import au_loss, auxiliary_loss, class_weights, combination_index, mdhr_loss, occurrence_rates

UNKNOWN = 9


def labels_with(layout, aus, frames=1):
    return torch.tensor([[int(au in aus) for au in layout.aus]] * frames, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("layout", "aus", "expected"),
    [
        # BP4D: up 1,2,4,7 · mid 6 · low-a 12,14,15 · low-b 10,17,23,24; the first AU is the most significant bit.
        (BP4D, (), [0, 0, 0, 0]),
        (BP4D, (1,), [8, 0, 0, 0]),
        (BP4D, (7, 6, 12), [1, 1, 4, 0]),
        (BP4D, (2, 4, 14, 15, 10, 24), [6, 0, 3, 9]),
        (DISFA, (1, 9, 26), [4, 1, 1]),
        (DISFA, (2, 4, 6, 12, 25), [3, 2, 6]),
    ],
)
def test_combination_index_reads_bits_from_the_first_au(layout, aus, expected):
    assert combination_index(labels_with(layout, aus), layout).tolist() == [expected]


def test_combination_index_is_unknown_where_any_au_of_the_region_is():
    labels = labels_with(DISFA, (1,)).int()
    labels[0, DISFA.aus.index(25)] = UNKNOWN
    assert combination_index(labels, DISFA).tolist() == [[4, 0, -1]]


def test_combination_index_keeps_leading_dimensions():
    assert combination_index(torch.zeros(2, 3, 12), BP4D).shape == (2, 3, 4)


def test_class_weights_by_hand():
    # 1/rate = 2, 4, 10; their sum is 16; three AUs.
    weights = class_weights(torch.tensor([0.5, 0.25, 0.1], dtype=torch.float64))
    torch.testing.assert_close(weights, torch.tensor([6 / 16, 12 / 16, 30 / 16], dtype=torch.float64))


def test_an_au_that_never_occurs_weighs_as_much_as_the_rarest_that_does():
    weights = class_weights(torch.tensor([0.5, 0.0, 0.1]))
    torch.testing.assert_close(weights, torch.tensor([6 / 22, 30 / 22, 30 / 22]))
    assert class_weights(torch.zeros(3)).tolist() == [1, 1, 1]


def test_occurrence_rates_leave_out_unknown_labels():
    labels = torch.tensor([[[1, 0, UNKNOWN]], [[UNKNOWN, 1, UNKNOWN]], [[0, 1, -1]]])
    torch.testing.assert_close(occurrence_rates(labels), torch.tensor([1 / 2, 2 / 3, 0], dtype=torch.float64))


def test_soft_labels_count_by_how_likely_they_are():
    scores = torch.tensor([[0.8, 0.3]])
    labels = torch.tensor([[0.75, -1.0]])
    expected = 0.5 * (0.75 * log(0.8) + 0.25 * 0.8 * log(0.2))
    assert au_loss(scores, labels, torch.tensor([0.5, 1.5])).item() == pytest.approx(-expected)
    assert occurrence_rates(torch.tensor([[0.75, 9.0], [0.25, 0.1]])).tolist() == pytest.approx([0.5, 0.1])


def test_soft_labels_are_rounded_to_combinations():
    labels = torch.tensor([[0.5, 0.49, 0.9, 0.0, 1.0, 0.2, 0.0, 0.6]])
    assert combination_index(labels, DISFA).tolist() == [[5, 1, 1]]  # 1 and 4; 9; 26


def test_au_loss_by_hand():
    scores = torch.tensor([[0.8, 0.3], [0.5, 0.1]])
    labels = torch.tensor([[1, 0], [0, 1]])
    weights = torch.tensor([0.5, 1.5])
    terms = [0.5 * log(0.8), 1.5 * 0.3 * log(0.7), 0.5 * 0.5 * log(0.5), 1.5 * log(0.1)]
    assert au_loss(scores, labels, weights).item() == pytest.approx(-sum(terms) / 4)


def test_unknown_labels_count_in_no_loss():
    scores = torch.tensor([[0.8, 0.3, 0.9], [0.5, 0.1, 0.2]], requires_grad=True)
    labels = torch.tensor([[1, UNKNOWN, UNKNOWN], [0, 1, -1]])
    loss = au_loss(scores, labels, torch.ones(3))
    loss.backward()
    assert loss.item() == pytest.approx(-(log(0.8) + 0.5 * log(0.5) + log(0.1)) / 3)
    assert (scores.grad != 0).tolist() == [[True, False, False], [True, True, False]]
    assert au_loss(scores, torch.full((2, 3), UNKNOWN), torch.ones(3)).item() == 0


def test_no_gradient_flows_through_the_constant_factor():
    score = torch.tensor([[0.4]], requires_grad=True)
    au_loss(score, torch.tensor([[0]]), torch.ones(1)).backward()
    # d/dp of −p̄ log(1 − p) with p̄ = 0.4 held constant; with p̄ free, −log(0.6) would be added.
    assert score.grad.item() == pytest.approx(0.4 / 0.6)


def test_logarithms_are_clamped():
    scores = torch.tensor([[0.0, 1.0]], requires_grad=True)
    loss = au_loss(scores, torch.tensor([[1, 0]]), torch.ones(2))
    loss.backward()
    assert loss.item() == pytest.approx(-2 * log(1e-8) / 2, rel=1e-4)
    assert torch.isfinite(scores.grad).all()


def logits_for(layout, frames=2):
    """Logits that are 0 but for the last class, which has 1."""
    logits = [torch.zeros(frames, region.combinations) for region in layout.regions]
    for region_logits in logits:
        region_logits[:, -1] = 1
    return logits


def test_auxiliary_loss_by_hand():
    # All AUs of `up` (8 classes) and none of `mid` (4) and `low` (8) occur, in both frames.
    labels = labels_with(DISFA, (1, 2, 4), frames=2)
    up, mid, low = log(7 + exp(1)) - 1, log(3 + exp(1)), log(7 + exp(1))
    assert auxiliary_loss(logits_for(DISFA), labels, DISFA).item() == pytest.approx((up + mid + low) / 3)


def test_auxiliary_loss_skips_a_region_in_frames_where_one_of_its_aus_is_unknown():
    labels = labels_with(DISFA, (), frames=2).int()
    labels[1, :3] = 1  # in the second frame all of `up` occurs …
    labels[1, 0] = UNKNOWN  # … but for one AU, of which nothing is known
    labels[:, DISFA.aus.index(9)] = UNKNOWN  # `mid` is known in no frame
    low = up = log(7 + exp(1))
    assert auxiliary_loss(logits_for(DISFA), labels, DISFA).item() == pytest.approx((up + 0 + low) / 3)


def test_the_sum_weights_the_auxiliary_loss():
    scores, labels, logits = torch.full((2, 8), 0.5), labels_with(DISFA, (1,), frames=2), logits_for(DISFA)
    losses = mdhr_loss(scores, logits, labels, torch.ones(8), DISFA)
    parts = au_loss(scores, labels, torch.ones(8)) + 0.01 * auxiliary_loss(logits, labels, DISFA)
    torch.testing.assert_close(losses.total, parts)


def test_a_model_without_regional_logits_has_no_auxiliary_loss():
    scores, labels = torch.full((2, 8), 0.5), labels_with(DISFA, (1,), frames=2)
    assert auxiliary_loss((), labels, DISFA).item() == 0
    torch.testing.assert_close(
        mdhr_loss(scores, (), labels, torch.ones(8), DISFA).total, au_loss(scores, labels, torch.ones(8))
    )
